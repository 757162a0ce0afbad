"""Spreadsheets of Google Forms and Microsoft Forms: XLSX or CSV files in an inbox folder, one row a response.

A mapping file says which question text is which item, and how times are written (`time_format`; nothing guesses
whether day or month comes first); times without zone are in the mapping's zone, else the round's.

The services' own columns have one name here whatever the language of the export (`timestamp`, `id`, `start_time`, …),
unless a mapping names them as written. The times of Google's own CSV (`2026/03/05 9:04:05 CH GMT+7`) become ISO 8601.
One heading is made: `row_id`, a hash of the row's filled cells in their order and a running number among equal rows of
the file. A form without row ids is identified by it: rows may be sorted, removed or added and questions renamed without
counting anything twice, but a row whose answers were changed in the sheet is a new record. Where the service gives an
`id`, map that; then no `row_id` is made.

Options: `inbox`, `sheet`, `encoding` (see `sheets`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import tables
from pipelines.sources.blocks import Row, blocks
from pipelines.sources.cells import json_text
from pipelines.sources.day_order import export_fault, time_headings
from pipelines.sources.folder import fetch_from
from pipelines.sources.sheets import TABLES, sheet_records

OWN_COLUMNS = {
    "timestamp": ("timestamp", "dấu thời gian"),
    "id": ("id",),
    "start_time": ("start time", "thời gian bắt đầu", "giờ bắt đầu"),
    "completion_time": ("completion time", "thời gian hoàn thành", "giờ hoàn thành"),
    "last_modified_time": ("last modified time", "thời gian sửa đổi lần cuối", "thời gian sửa đổi gần nhất"),
    "email": ("email", "email address", "địa chỉ email", "username", "tên người dùng"),
    "name": ("name", "tên"),
    "language": ("language", "ngôn ngữ"),
}
ALIASES = {written: name for name, texts in OWN_COLUMNS.items() for written in texts}
TIMES = ("timestamp", "start_time", "completion_time", "last_modified_time")
ROW_ID = "row_id"
# How Google Forms writes times in its own CSV, in English and in Vietnamese (SA is the morning, CH the afternoon).
GOOGLE_TIME = re.compile(
    r"(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d{2}):(\d{2}) (AM|PM|SA|CH) (?:GMT|UTC)([+-]\d{1,2})?(?::?(\d{2}))?"
)
AFTERNOON = ("PM", "CH")
NOON = 12


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the responses of a spreadsheet; a file whose dates cannot be trusted is refused."""
    if fault := export_fault(_rows(stream, config), config, TIMES):
        return iter([fault])
    stream.seek(0)
    identities = {h for mapping in config.mappings for h, target in mapping.headings.items() if target == "record_id"}
    return blocks(_identified(_rows(stream, config), identities - {ROW_ID}))


def _rows(stream: BinaryIO, config: SourceConfig) -> Iterator[Row | Fault]:
    named = {heading for mapping in config.mappings for heading in (*mapping.headings, *mapping.when)}
    kept = {_spaced(heading): heading for heading in named}
    times = {*TIMES, *time_headings(config)}

    def renamed(written: str) -> str:
        heading = _spaced(written)
        return kept.get(heading) or ALIASES.get(heading.casefold(), heading)

    for item in tables.rows(sheet_records(stream, config), rename=renamed):
        yield item if isinstance(item, Fault) else _in_iso(item, times)


def _spaced(heading: str) -> str:
    return " ".join(heading.split())


def _in_iso(row: Row, times: Collection[str]) -> Row:
    """Return the row with Google's times in ISO 8601; other times stay as they are written."""
    written = {name: GOOGLE_TIME.fullmatch(row.cells.get(name) or "") for name in times}
    found: dict[str, str | None] = {name: _iso(match) for name, match in written.items() if match}
    return Row(row.line, row.cells | found, row.size) if found else row


def _iso(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, half, zone, minutes = found.groups()
    clock = int(hour) % NOON + (NOON if half in AFTERNOON else 0) if 1 <= int(hour) <= NOON else int(hour)
    offset = f"{int(zone or 0):+03d}:{minutes or '00'}"
    return f"{year}-{int(month):02d}-{int(day):02d}T{clock:02d}:{minute}:{second}{offset}"


def _identified(items: Iterable[Row | Fault], identities: Collection[str]) -> Iterator[Row | Fault]:
    """Give each row its `row_id`, unless it has a cell that a mapping takes for its identity."""
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Fault) or not item.cells.keys().isdisjoint(identities):
            yield item
        elif ROW_ID in item.cells:
            yield Fault(RejectCode.R107_BROKEN_LINE, item.line, ROW_ID, f"2 × {ROW_ID}", json_text(item.cells))
        else:
            filled = json_text([cell for cell in item.cells.values() if cell])
            digest = sha256(filled.encode()).hexdigest()[:32]
            seen[digest] += 1
            yield Row(item.line, item.cells | {ROW_ID: f"{digest}-{seen[digest]}"}, item.size)


SOURCE = Source(
    name="spreadsheet",
    channel="portal",
    fetch=fetch_from(*TABLES),
    read=read,
    titles={"vi": "Bảng tính Google Forms, Microsoft Forms", "en": "Google Forms and Microsoft Forms spreadsheets"},
)
