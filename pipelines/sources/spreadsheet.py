"""Spreadsheets of Google Forms and Microsoft Forms: XLSX or CSV files in an inbox folder, one row a response.

A mapping file says which question text is which item, and how times are written (`time_format`; nothing guesses
whether day or month comes first); times without zone are in the mapping's zone, else the round's.

The services' own columns have one name here whatever the language of the export (`timestamp`, `id`, `start_time`, …),
unless a mapping names them as written. One heading is made: `row_id`, a hash of the row's filled cells in their order
and a running number among equal rows of the file. A form without row ids is identified by it: rows may be sorted,
removed or added and questions renamed without counting anything twice, but a row whose answers were changed in the
sheet is a new record. Where the service gives an `id`, map that.

Options: `inbox`, `sheet`, `encoding` (see `sheets`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import tables
from pipelines.sources.blocks import Row, blocks
from pipelines.sources.cells import json_text
from pipelines.sources.folder import fetch_from
from pipelines.sources.sheets import sheet_records

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
TYPED = re.compile(r"\d{4}-\d{2}-\d{2}")
WRITTEN = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}")
MIXED = (
    "có ngày kiểu ngày lẫn ngày kiểu chữ: phần mềm bảng tính đã đổi một phần, có thể đảo ngày và tháng; hãy xuất lại"
    " · dates and texts of dates: a spreadsheet program changed some, day and month may be swapped; export again"
)


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the responses of a spreadsheet; a file whose times were half converted is refused."""
    if mixed := _mixed_times(_rows(stream, config), config):
        return iter([Fault(RejectCode.R101_UNREADABLE_FILE, field=mixed, value=f"{mixed}: {MIXED}")])
    stream.seek(0)
    return blocks(_identified(_rows(stream, config)))


def _rows(stream: BinaryIO, config: SourceConfig) -> Iterator[Row | Fault]:
    kept = {heading for mapping in config.mappings for heading in (*mapping.headings, *mapping.when)}

    def renamed(written: str) -> str:
        heading = " ".join(written.split())
        return heading if heading in kept else ALIASES.get(heading.casefold(), heading)

    return tables.rows(sheet_records(stream, config), rename=renamed)


def _identified(items: Iterable[Row | Fault]) -> Iterator[Row | Fault]:
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Fault):
            yield item
        elif ROW_ID in item.cells:
            yield Fault(RejectCode.R107_BROKEN_LINE, item.line, ROW_ID, f"2 × {ROW_ID}", json_text(item.cells))
        else:
            filled = json_text([cell for cell in item.cells.values() if cell])
            digest = sha256(filled.encode()).hexdigest()[:32]
            seen[digest] += 1
            yield Row(item.line, item.cells | {ROW_ID: f"{digest}-{seen[digest]}"}, item.size)


def _mixed_times(items: Iterable[Row | Fault], config: SourceConfig) -> str:
    """Return the first column of times that holds typed dates and dates as text, empty where none does."""
    mapped = {h for mapping in config.mappings for h, target in mapping.headings.items() if target.endswith("_at")}
    shapes: dict[str, set[bool]] = {heading: set() for heading in (*TIMES, *sorted(mapped))}
    for item in items:
        if isinstance(item, Row):
            for heading, found in shapes.items():
                cell = item.cells.get(heading) or ""
                if TYPED.match(cell) or WRITTEN.match(cell):
                    found.add(bool(TYPED.match(cell)))
    return next((heading for heading, found in shapes.items() if len(found) == 2), "")


SOURCE = Source(
    name="spreadsheet",
    channel="portal",
    fetch=fetch_from("*.xlsx", "*.xlsm", "*.xls", "*.csv", "*.tsv", "*.txt"),
    read=read,
    titles={"vi": "Bảng tính Google Forms, Microsoft Forms", "en": "Google Forms and Microsoft Forms spreadsheets"},
)
