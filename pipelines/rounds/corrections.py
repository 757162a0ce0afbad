"""Reads `corrections.csv` of a round: reviewed corrections of single fields, each with its reason.

It must not look at the records: conforming applies them, and tells which do not fit any more.
"""

from __future__ import annotations

import re
from datetime import date

from pipelines.lake import Lake
from pipelines.model.correction import Correction
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.rounds.tables import Record, Shape, read_records

HASH = re.compile(r"[0-9a-f]{8,64}")
CORRECTIONS = Shape(
    file="corrections.csv",
    columns=(
        "source", "record_id", "landing_sha256", "line", "field", "expect", "correct", "reason", "author", "reviewer",
        "date",
    ),
    filled=("source", "field", "reason", "author", "reviewer", "date"),
    key=("source", "record_id", "landing_sha256", "line", "field"),
    counts=("line",),
)  # fmt: skip


def load_corrections(lake: Lake, survey: Round) -> tuple[Correction, ...]:
    """Return the corrections of a round in the order of the file; no file: none.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    where = f"{survey.folder}/{CORRECTIONS.file}"
    if not lake.exists(where):
        return ()
    sources = [config.source for config in survey.sources]
    return tuple(
        _correction(record, sources, f"{where}, line {line}")
        for line, record in read_records(lake, survey, CORRECTIONS)
    )


def _correction(record: Record, sources: list[str], where: str) -> Correction:
    text = {name: value or "" for name, value in record.items()}
    if text["source"] not in sources:
        raise InputError(f"unknown source {text['source']!r}", f"{where}, column source", f"use: {', '.join(sources)}")
    _check_place(text, where)
    if text["author"].casefold() == text["reviewer"].casefold():
        remedy = "let somebody else review the correction and write the name"
        raise InputError("author and reviewer are the same person", f"{where}, column reviewer", remedy)
    if text["expect"] == text["correct"]:
        raise InputError(
            "nothing would change", f"{where}, column correct", "write the right value, or remove the line"
        )
    line = int(text.pop("line") or 0) or None
    return Correction(where=where, line=line, day=_day(text.pop("date"), where), **text)


def _check_place(text: dict[str, str], where: str) -> None:
    """A correction names its record by identity, or by the bytes and the line that it came in."""
    by_place = bool(text["landing_sha256"] or text["line"])
    remedy = "write record_id, or landing_sha256 and line, as `hailong rejects show` gives them"
    if bool(text["record_id"]) == by_place:
        raise InputError("one record must be named in one way", f"{where}, column record_id", remedy)
    if by_place and not (HASH.fullmatch(text["landing_sha256"]) and int(text["line"] or 0)):
        raise InputError("a place is a hash (8 digits or more) and a line", f"{where}, column landing_sha256", remedy)


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no date", f"{where}, column date", "write it as 2023-06-01") from None
