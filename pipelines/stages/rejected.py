"""What was not accepted, for a person to look into: counted, listed, and each row with its reason and how to mend it.

It must not change anything; `replaying` does, after a fix.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.rejects import read_rejects
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.remedies import remedy_of
from pipelines.privacy.access import PAYLOAD_READ
from pipelines.stages.context import MONTH, Context
from pipelines.stages.privacy import note_access

STAGES = ("conform", "screen")
COUNTED = ("source", "month", "stage", "code")
LISTED = ("stage", "landing_sha256", "line", "code", "file", "field", "value")
SHOWN_OF_HASH = 10


@dataclass(frozen=True)
class Chosen:
    """Which rejects are meant; what is empty does not restrict. `code` may be the beginning of codes, such as `R2`."""

    source: str = ""
    stage: str = ""
    code: str = ""
    month: str = ""


@dataclass(frozen=True)
class Detail:
    """One row that was not accepted, in full: texts, places, payload line by line, and what mends it."""

    row: dict[str, str | int | None]
    payload: list[tuple[str, str]]
    remedy_vi: str
    remedy_en: str


def reject_counts(context: Context, round_id: str, chosen: Chosen) -> list[tuple[str, str, str, str, int]]:
    """Return (source, month, stage, code, rows), sorted; the month is empty for what was refused in conforming."""
    table = chosen_rejects(context, round_id, chosen, ("stage", "code", "landing_sha256"))
    counted = Counter(zip(*(table[name].to_pylist() for name in COUNTED), strict=True))
    return [(*place, count) for place, count in sorted(counted.items())]


def reject_rows(context: Context, round_id: str, chosen: Chosen, limit: int) -> list[dict[str, str]]:
    """Return the first rows as text, each with its `place`: the handle by which `reject_details` finds it."""
    table = chosen_rejects(context, round_id, chosen, LISTED).slice(0, limit)
    return [
        {name: "" if value is None else str(value) for name, value in row.items()}
        | {"place": _place(row["landing_sha256"], row["line"])}
        for row in table.to_pylist()
    ]


def reject_details(context: Context, round_id: str, place: str, person: str, reason: str) -> list[Detail]:
    """Return what was refused at a place: the beginning of the hash of the landed bytes, and a line after a colon.

    A payload may tell of a person, though identity is masked: who looks, and why, is noted first.

    Raises:
        InputError: there is nothing at this place, several objects begin so, or no reason is given.
    """
    sha256, _, line = place.partition(":")
    table = read_rejects(context.lake, context.round(round_id).id)
    found = table.filter(pc.starts_with(table["landing_sha256"], sha256))
    if line:
        found = found.filter(pc.equal(found["line"].cast(pa.string()), line))
    remedy = f"copy a place from `hailong rejects list {round_id} --rows`"
    if not sha256 or found.num_rows == 0:
        raise InputError("no row was refused at this place", place, remedy)
    if len(set(found["landing_sha256"].to_pylist())) > 1:
        raise InputError("several landed objects begin so", place, "write more digits of the hash")
    note_access(context, round_id, PAYLOAD_READ, place, person, reason)
    return [_detail(row) for row in found.to_pylist()]


def chosen_rejects(context: Context, round_id: str, chosen: Chosen, columns: tuple[str, ...]) -> pa.Table:
    """Return `source`, `month` and the columns named of the rejects that are meant, sorted by place.

    Raises:
        InputError: a filter names what there is not.
    """
    round_ = context.round(round_id)
    _check(chosen, [config.source for config in round_.sources])
    table = read_rejects(context.lake, round_.id, chosen.source, columns)
    for name in ("stage", "month"):
        if wanted := getattr(chosen, name):
            table = table.filter(pc.equal(table[name], wanted))
    return table.filter(pc.starts_with(table["code"], chosen.code)) if chosen.code else table


def _check(chosen: Chosen, sources: list[str]) -> None:
    for name, known in (("source", sources), ("stage", list(STAGES))):
        text = getattr(chosen, name)
        if text and text not in known:
            raise InputError(f"no {name} {text!r} in this round", f"--{name}", f"use one of: {', '.join(known)}")
    if not any(code.name.startswith(chosen.code) for code in RejectCode):
        raise InputError(f"no code begins with {chosen.code!r}", "--code", "use one such as R203_UNKNOWN_CODE, or R2")
    if chosen.month and not MONTH.fullmatch(chosen.month):
        raise InputError(f"{chosen.month!r} is no month", "--month", "write it as 2023-05")


def _place(sha256: str, line: int | None) -> str:
    start = sha256[:SHOWN_OF_HASH]
    return start if line is None else f"{start}:{line}"


def _detail(row: dict[str, str | int | None]) -> Detail:
    vi, en = remedy_of(RejectCode[str(row["code"])])
    return Detail(row, _payload(str(row["payload"] or "")), vi, en)


def _payload(text: str) -> list[tuple[str, str]]:
    """Return the payload field by field, or as it is where it is no object: a broken line, or one cut at the limit."""
    try:
        cells = json.loads(text)
    except json.JSONDecodeError:
        cells = None
    if not isinstance(cells, dict):
        return [("", text)] if text else []
    return [(str(name), str(value)) for name, value in cells.items() if value is not None]
