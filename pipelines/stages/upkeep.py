"""What a round needs every day: data whose time is over goes, sources that fell silent are told, copies are made.

It must not compute a score. What is due follows from the round's settings and the day; running it again does nothing
more. A round that cannot be read or whose data cannot be opened stops no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from pipelines.collect.landing import receipts
from pipelines.lake import Lake, backup, conformed, receipt, rejects, responses, sealed
from pipelines.model.errors import GateError
from pipelines.model.round import Round
from pipelines.model.run import Landed
from pipelines.paper import places
from pipelines.privacy.access import RETENTION
from pipelines.privacy.vault import vault_folder
from pipelines.stages.alerts import tell, upkeep_loads
from pipelines.stages.context import Context
from pipelines.stages.each import each_round, go_on
from pipelines.stages.erasing import redact_landed
from pipelines.stages.erasing_paper import redact_paper
from pipelines.stages.ledger import verify_ledger
from pipelines.stages.privacy import is_due, note_access, open_vault
from pipelines.stages.scans import PAPER
from pipelines.warehouse import open_engine
from pipelines.warehouse import replace as replace_rows

SILENT, LEDGER = "source_silent", "ledger"


def retention(context: Context, round_id: str = "", person: str = "") -> list[str]:
    """Remove what is due, of one round or all, and redact what came in anew of erased persons; return a line each."""

    def retain(round_: Round) -> list[str]:
        return [f"{round_.id}: {line}" for line in _retain(context, round_, person)]

    return [line for lines in each_round(context, retain, round_id) for line in lines]


def freshness(context: Context, round_id: str = "") -> None:
    """Raise an alert for each source of an open round that brought nothing for days; clear those that did again.

    Raises:
        GateError: naming the sources that are silent, once all rounds were looked at.
    """
    each_round(context, partial(_watch, context), round_id)


def audit_ledgers(context: Context, round_id: str = "") -> None:
    """Verify the ledgers of one round or all; raise an alert and a GateError where one is not as it was."""
    each_round(context, partial(_audit, context), round_id)


def load_upkeep(context: Context, round_id: str = "") -> None:
    """Load accesses and alerts into the warehouse, of one round or all."""
    with context.warehouse() as engine:
        each_round(
            context,
            lambda round_: replace_rows(engine, context.catalogue, upkeep_loads(context, round_)),
            round_id,
        )


def back_up(context: Context, kept: str = "") -> str:
    """Copy the warehouse's file into the lake, one copy a day, and keep the last few; return where it lies.

    Nobody may write meanwhile. Another database than DuckDB has tools of its own; then nothing is done.
    """
    url = sa.make_url(context.settings.warehouse)
    if url.get_backend_name() != "duckdb" or not url.database or not Path(url.database).exists():
        return ""
    engine = open_engine(context.settings.warehouse)
    with engine.connect() as connection:
        connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()
    path = backup(context.now().date().isoformat())
    with Path(url.database).open("rb") as stream:
        context.lake.land(stream, path)
    for old in context.lake.glob(backup("*"))[: -int(kept or context.settings.backups)]:
        context.lake.remove(old)
    return path


def _watch(context: Context, round_: Round) -> None:
    """Raise or clear the alert of every source of a round, then a GateError that names those that are silent."""
    silent = []
    for config in round_.sources:
        days = _silent_days(context, round_, config.source)
        limit = int(context.thresholds(round_)["upkeep"]["fresh_days"])
        late = 0 < limit <= days
        vi = f"Nguồn {config.source} không có gì mới trong {days} ngày"
        en = f"Source {config.source} brought nothing new for {days} days"
        tell(context, round_.id, SILENT, config.source, (vi, en) if late else None)
        silent += [f"{round_.id}: {en.lower()}"] if late else []
    if silent:
        remedy = "ask who runs the source; `hailong status` shows open alerts; settings.upkeep.fresh_days is the limit"
        raise GateError("; ".join(silent), "freshness", remedy)


def _audit(context: Context, round_: Round) -> None:
    problems = verify_ledger(context, round_.id)
    said = (f"Sổ cái có {len(problems)} lỗi", f"The ledger has {len(problems)} problems: {'; '.join(problems[:3])}")
    tell(context, round_.id, LEDGER, "", said if problems else None)
    if problems:
        raise GateError("; ".join(problems[:5]), "ledger", "restore the named files from a back-up")


def _retain(context: Context, round_: Round, person: str) -> list[str]:
    """Do what is due in a round; where an object cannot be redacted, what is due by time goes all the same."""

    def remove(setting: str) -> list[str]:
        count = REMOVERS[setting](context, round_) if is_due(context, round_, setting) else 0
        if not count:
            return []
        note_access(context, round_.id, RETENTION, setting, person, f"{count} files, as settings.retention says")
        return [f"{setting}: {count} files removed"]

    sources = [config.source for config in round_.sources]
    steps: list[Callable[[], list[str]]] = [
        partial(redact_landed, context, round_, sources),
        partial(redact_paper, context, round_),
        *(partial(remove, setting) for setting in REMOVERS),
    ]
    return [line for lines in go_on(lambda step: step(), steps) for line in lines]


def _remove_identity(context: Context, round_: Round) -> int:
    vault = open_vault(context)
    parts = vault.parts(vault_folder(round_.year, round_.id, "*", "*")) if vault else []
    for path in parts:
        assert vault is not None
        vault.store.remove(path)
    return len(parts)


def _remove_raw(context: Context, round_: Round) -> int:
    """Remove crops, and landed bytes that no other round holds; receipts stay, with the hash and without a path."""
    lake = context.lake
    count = _remove(lake, lake.glob(places.crop(round_.id, "*")))
    for source in (*(config.source for config in round_.sources), PAPER):
        for landed in receipts(lake, round_.id, source):
            if not landed.path:
                continue
            lake.write_json(receipt(round_.id, source, landed.sha256), asdict(replace(landed, path="")))
            others = (Landed(**lake.read_json(one)) for one in lake.glob(receipt("*", source, landed.sha256)))
            if not any(other.path == landed.path for other in others):
                lake.remove(landed.path)
            count += 1
    return count


def _remove_answers(context: Context, round_: Round) -> int:
    """Seal the round, then remove its single answers and rejects, and what was read and keyed from paper."""
    lake = context.lake
    paths = lake.glob(conformed(round_.id, "*", "*", "*")) + lake.glob(rejects(round_.id, "*", "*", "*"))
    paths += lake.glob(responses(round_.programme, round_.id, "*", "*"))
    paths += lake.glob(places.page(round_.id, "*", "*")) + lake.glob(places.sheets(round_.id, "*"))
    paths += lake.glob(places.item(round_.id, "*")) + lake.glob(places.decision(round_.id, "*", "*"))
    if paths:
        lake.write_json(sealed(round_.id), {"sealed_at": context.now().isoformat(timespec="seconds")})
    return _remove(lake, paths)


def _remove(lake: Lake, paths: list[str]) -> int:
    for path in paths:
        lake.remove(path)
    return len(paths)


REMOVERS = {"identity_days": _remove_identity, "raw_days": _remove_raw, "answers_days": _remove_answers}


def _silent_days(context: Context, round_: Round, source: str) -> int:
    """Return for how many days a source of an open round brought nothing; 0 where the round is not open."""
    today = context.now().astimezone(round_.zone).date()
    if not round_.window_from <= today <= round_.window_to:
        return 0
    landed = (datetime.fromisoformat(one.landed_at) for one in receipts(context.lake, round_.id, source))
    days: list[date] = [one.astimezone(round_.zone).date() for one in landed]
    return (today - max([round_.window_from, *days])).days
