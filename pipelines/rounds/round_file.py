"""Reads `round.yml` and the mappings beside it into the model.

Every complaint names file, key and remedy. It must not load methods or look up geography.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pipelines.lake import Lake
from pipelines.methods import check_zone, folder_sha256, is_content, load_settings, read_document, read_mappings
from pipelines.model.errors import InputError
from pipelines.model.response import HEADER, PROVENANCE
from pipelines.model.round import Design, Mapping, Rollup, Round, SourceConfig, WeightPlan

ROUND_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def list_rounds(lake: Lake) -> list[str]:
    """Return the ids of all rounds of the lake, sorted."""
    return [path.split("/")[1] for path in lake.glob("rounds/*/round.yml")]


def load_round(lake: Lake, round_id: str) -> Round:
    """Return a round; its settings are the defaults with its own over them.

    Raises:
        InputError: where there is no such round, or its files are wrong.
    """
    folder = f"rounds/{round_id}"
    path = f"{folder}/round.yml"
    if not ROUND_ID.fullmatch(round_id) or not lake.exists(path):
        known = ", ".join(list_rounds(lake)) or "none yet"
        raise InputError(f"there is no round {round_id!r}", lake.full("rounds"), f"rounds there are: {known}")
    document = read_document(lake.read_bytes(path), path, "round")
    if document["id"] != round_id:
        remedy = f"write id: {round_id}, or rename the folder"
        raise InputError(f"the file is of round {document['id']!r}", f"{path}: id", remedy)
    first, last = _window(document["window"], path)
    check_zone(zone := document.get("time_zone", Round.time_zone), f"{path}: time_zone")
    return Round(
        id=round_id,
        programme=document["programme"],
        method_version=document["method"],
        year=document["year"],
        title_vi=document["title"]["vi"],
        title_en=document["title"]["en"],
        window_from=first,
        window_to=last,
        unit_level=document["unit_level"],
        design=_design(document["design"], path),
        sources=_sources(lake, document["sources"], folder),
        settings=load_settings(document.get("settings", {}), f"{path}: settings"),
        folder=folder,
        sha256=_sha256(lake, folder),
        rollup=Rollup(document["rollup"]) if "rollup" in document else None,
        time_zone=zone,
        previous=document.get("previous", ""),
        weighting=_weighting(document, path) if "weighting" in document else None,
    )


def _weighting(document: dict[str, Any], path: str) -> WeightPlan:
    entry, strata = document["weighting"], ("unit_code", *document["design"].get("strata", ()))
    for name in entry.get("classes", ()):
        if name not in strata:
            remedy = f"use columns of the strata: {', '.join(strata)}"
            raise InputError(f"{name!r} is no column of the strata", f"{path}: weighting.classes", remedy)
    return WeightPlan(tuple(entry.get("classes", ())), tuple(entry.get("margins", ())), entry.get("trim"))


def _window(window: dict[str, str], path: str) -> tuple[date, date]:
    days = []
    for key in ("from", "to"):
        try:
            days.append(date.fromisoformat(window[key]))
        except ValueError:
            remedy = "write a date such as 2023-02-15"
            raise InputError(f"{window[key]!r} is no date", f"{path}: window.{key}", remedy) from None
    if days[0] > days[1]:
        raise InputError("the window ends before it begins", f"{path}: window", "exchange from and to")
    return days[0], days[1]


def _design(document: dict[str, Any], path: str) -> Design:
    design = Design(
        strata=tuple(document.get("strata", ())),
        psu=document.get("psu", ""),
        finite_population=document.get("finite_population", True),
    )
    for key, name in [*(("strata", name) for name in design.strata), ("psu", design.psu)]:
        if name and name not in {*HEADER, *PROVENANCE}:
            remedy = f"use one of: {', '.join((*HEADER, *PROVENANCE))}"
            raise InputError(f"{name!r} is no field of the response", f"{path}: design.{key}", remedy)
    return design


def _sources(lake: Lake, entries: list[dict[str, Any]], folder: str) -> tuple[SourceConfig, ...]:
    sources: dict[str, SourceConfig] = {}
    for number, entry in enumerate(entries):
        name = entry["source"]
        if name in sources:
            where = f"{folder}/round.yml: sources[{number}].source"
            raise InputError(f"source {name!r} occurs twice", where, "keep one entry a source")
        mappings = _mappings(lake, f"{folder}/mappings/{name}.yml")
        sources[name] = SourceConfig(**{"options": {}, **entry, "mappings": mappings})
    return tuple(sources.values())


def _mappings(lake: Lake, path: str) -> tuple[Mapping, ...]:
    return read_mappings(lake.read_bytes(path), path) if lake.exists(path) else ()


def _sha256(lake: Lake, folder: str) -> str:
    files = (path for path in lake.find(folder) if is_content(path.rpartition("/")[2]))
    return folder_sha256((path.removeprefix(f"{folder}/"), lake.read_bytes(path)) for path in files)
