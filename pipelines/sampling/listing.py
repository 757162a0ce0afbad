"""Reads the list from which people or dossiers are drawn: CSV, one row each, with a serial and the columns of strata.

It must not keep more of a row than serial and strata: a list may hold names, and a sample does not need them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.model.errors import InputError

SERIAL = "serial"
Key = tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Serials by stratum in the order of the file, how many rows there are, and the hash of the file's bytes."""

    strata: dict[Key, list[str]]
    rows: int
    sha256: str


def read_listing(content: bytes, columns: Sequence[str], where: str) -> Listing:
    """Return the list; `columns` make a stratum, the unit first.

    Raises:
        InputError: not UTF-8, no such column, an empty cell, a serial that occurs twice; with the line.
    """
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where, "save it as CSV UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    strata: dict[Key, list[str]] = {}
    seen: dict[str, int] = {}
    try:
        _expect_columns(reader.fieldnames or [], columns, where)
        for record in reader:
            serial, *key = _cells(record, (SERIAL, *columns), f"{where}, line {reader.line_num}")
            if (first := seen.setdefault(serial, reader.line_num)) != reader.line_num:
                place = f"{where}, line {reader.line_num}"
                raise InputError(f"serial “{serial}” is in line {first} already", place, "give every row its own")
            strata.setdefault(tuple(key), []).append(serial)
    except csv.Error as error:
        raise InputError(str(error), f"{where}, line {reader.line_num}", "save the list again as CSV") from None
    if not seen:
        raise InputError("the list has no row", where, "fill in the list")
    return Listing(strata, len(seen), hashlib.sha256(content).hexdigest())


def _expect_columns(names: Sequence[str], columns: Sequence[str], where: str) -> None:
    if missing := [name for name in (SERIAL, *columns) if name not in names]:
        raise InputError(
            f"there is no column {', '.join(missing)}",
            f"{where}, line 1",
            f"write the columns {', '.join((SERIAL, *columns))}; others are not read",
        )


def _cells(record: dict[str, str | None], names: Sequence[str], where: str) -> list[str]:
    found = []
    for name in names:
        cell = (record[name] or "").strip()
        if not cell:
            raise InputError("the cell is empty", f"{where}, column {name}", f"fill in {name}")
        found.append(cell)
    return found
