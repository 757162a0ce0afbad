"""The folder of the simulated round: `round.yml`, units, frame, plan, devices and the mapping of the keyed forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from pipelines.model.method import Method
from pipelines.simulate.action_plan import owner_rows, target_rows
from pipelines.simulate.kiosk_register import register_rows
from pipelines.simulate.limesurvey_files import limesurvey_mappings, survey_id
from pipelines.simulate.odk_files import form_id, odk_mappings
from pipelines.simulate.portal_files import asset_uid
from pipelines.simulate.postal_files import postal_mappings
from pipelines.simulate.record import KIOSK, KOBO, LIMESURVEY, ODK, PORTAL_USER, PORTALS, POSTAL, SCAN, SPREADSHEET
from pipelines.simulate.sampling import Take
from pipelines.simulate.spec import Channel, SimulationSpec
from pipelines.simulate.spreadsheet_files import spreadsheet_mappings

MAPPINGS = {
    POSTAL: postal_mappings,
    ODK: odk_mappings,
    LIMESURVEY: limesurvey_mappings,
    SPREADSHEET: spreadsheet_mappings,
}
PAGE = 250  # submissions that are asked for at once, so that even a small round has several pages


def round_files(spec: SimulationSpec, method: Method, plan: Sequence[Take]) -> dict[str, bytes]:
    """Return path in the round's folder → bytes."""
    files = {
        "round.yml": _yaml(_round(spec)),
        "units.csv": _csv(("unit_code", "name_vi", "name_en", "level", "parent_code"), map(vars, spec.units)),
        "frame.csv": _frame(spec),
        "plan.csv": _plan(spec, plan),
    }
    if spec.tasks:
        files["owners.csv"] = _csv(("node_code", "owner_vi", "owner_en", "document"), owner_rows(spec.tasks))
        files["targets.csv"] = _csv(("node_code", "goal", "target", "document"), target_rows(spec.tasks))
    if register := register_rows(spec):
        files["devices.csv"] = _csv(("device_id", "unit_code", "public_key", "valid_from", "valid_to"), register)
    for channel in spec.channels:
        if write := MAPPINGS.get(channel.source):
            files[f"mappings/{channel.source}.yml"] = _yaml(write(spec, method, channel.channel))
    return files


def inbox(spec: SimulationSpec, source: str) -> str:
    """Return the folder of the lake in which a source's files arrive."""
    return f"inbox/{spec.round_id}/{source}"


def _round(spec: SimulationSpec) -> dict[str, Any]:
    design = spec.design
    return {
        "id": spec.round_id,
        "programme": spec.programme,
        "method": spec.method_version,
        "year": spec.year,
        "title": {"vi": spec.title_vi, "en": spec.title_en},
        "window": {"from": spec.window_from.isoformat(), "to": spec.window_to.isoformat()},
        "unit_level": spec.unit_level,
        **({"previous": spec.previous} if spec.previous else {}),
        **({"rollup": spec.rollup} if spec.rollup else {}),
        "time_zone": spec.time_zone,
        "design": {"strata": list(design.strata), "psu": design.psu, "finite_population": design.finite_population},
        "sources": [*(_source(spec, channel) for channel in spec.channels), *_scanner(spec)],
        **({"settings": spec.settings} if spec.settings else {}),
    }


def _scanner(spec: SimulationSpec) -> list[dict[str, Any]]:
    """Return the source of the sheets that are scanned: they come by post like those that are keyed."""
    postal = [channel for channel in spec.channels if channel.source == POSTAL and spec.scanned]
    return [_source(spec, one) | {"source": SCAN, "options": {"inbox": inbox(spec, SCAN)}} for one in postal]


def _source(spec: SimulationSpec, channel: Channel) -> dict[str, Any]:
    """Everybody who answers was drawn, so that no source is self-selected."""
    return {
        "source": channel.source,
        "instance": spec.round_id,
        "channel": channel.channel,
        "self_selected": False,
        "options": _options(spec, channel),
    }


def _options(spec: SimulationSpec, channel: Channel) -> dict[str, Any]:
    """Kiosks are held to their register; their files are whole as soon as they are there, and need not settle."""
    if channel.source in PORTALS:
        return _portal(spec, channel)
    folder = {"inbox": inbox(spec, channel.source)}
    return folder | {"devices": "required", "settle": 0} if channel.source == KIOSK else folder


def _portal(spec: SimulationSpec, channel: Channel) -> dict[str, Any]:
    """All portals are played at one address, and the token of the one is the password at the others."""
    form = spec.instruments[channel.respondents[0]]
    place = {"url": "env:HAILONG_PORTAL_URL", "secret": "HAILONG_PORTAL_TOKEN", "page_size": PAGE}
    if channel.source == KOBO:
        return place | {"asset": asset_uid(spec.round_id, form), "form": form}
    if channel.source == ODK:
        return place | {"user": PORTAL_USER, "project": 1, "form_id": form_id(spec.round_id, form)}
    return place | {"user": PORTAL_USER, "survey": survey_id(spec.round_id, form)}


def _frame(spec: SimulationSpec) -> bytes:
    names = ("procedure_code", "procedure_name_vi", "procedure_name_en", "procedure_field", "psu_code", "population")
    rows = (
        vars(row)
        | {
            "procedure_name_vi": row.name_vi if row.procedure_code else "",
            "procedure_name_en": row.name_en if row.procedure_code else "",
        }
        for row in spec.frame
    )
    return _csv(("unit_code", *names), rows)


def _plan(spec: SimulationSpec, plan: Sequence[Take]) -> bytes:
    """One line a take; a take of several procedures is of their field."""
    rows = (vars(spec.frame[take.rows[0]]) | {"channel": "", "planned": take.size} for take in plan)
    return _csv(("unit_code", "procedure_field", "psu_code", "channel", "planned"), rows)


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def _yaml(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=120).encode()
