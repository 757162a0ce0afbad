"""A table read record by record: the first record that is not blank is its headings, the others are its rows.

Shared by the readers of CSV and XLSX. It must not know a file format.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.blocks import MAX_COLUMNS, Row


class Record(NamedTuple):
    """One record as cells by position; `line` and `size` as in `Row`."""

    line: int
    cells: list[str | None]
    size: int


Rename = Callable[[str], str]


def rows(records: Iterable[Record | Fault], rename: Rename = str) -> Iterator[Row | Fault]:
    """Yield the rows of a table by heading; blank records are passed over.

    Headings are stripped, NFC and, through `rename`, brought to the form that mappings use; a column without heading
    is called `column 3` and is there only for rows that have something in it. A table without usable headings, or
    without any row, is one fault.
    """
    headings: list[str] = []
    is_empty = True
    for record in records:
        if isinstance(record, Fault):
            yield record
            if not headings:
                return
            is_empty = False
        elif any(record.cells):
            if headings:
                is_empty = False
                yield _row(record, headings)
                continue
            headings = _headings(record.cells, rename)
            if fault := _fault_of(headings, record):
                yield fault
                return
    if is_empty:
        yield Fault(RejectCode.R102_EMPTY_FILE)


def _headings(cells: list[str | None], rename: Rename) -> list[str]:
    written = _trimmed(cells)
    return [
        rename(unicodedata.normalize("NFC", cell.strip())) if cell else _unnamed(position)
        for position, cell in enumerate(written, 1)
    ]


def _fault_of(headings: list[str], record: Record) -> Fault | None:
    if len(headings) > MAX_COLUMNS:
        return Fault(RejectCode.R105_TOO_LARGE, value=f"{len(headings)} > {MAX_COLUMNS}")
    repeated = [heading for heading, count in Counter(headings).items() if count > 1]
    if repeated:
        return Fault(RejectCode.R109_DUPLICATE_HEADING, field=repeated[0], payload=_payload(record.cells))
    return None


def _row(record: Record, headings: list[str]) -> Row | Fault:
    cells = record.cells
    if len(cells) > len(headings):
        cells = _trimmed(cells)  # a separator at the end of each row is common and says nothing
        cells += [None] * (len(headings) - len(cells))
    if len(cells) != len(headings):
        value = f"{len(cells)} ô ≠ {len(headings)} tiêu đề · {len(cells)} cells ≠ {len(headings)} headings"
        return Fault(RejectCode.R107_BROKEN_LINE, record.line, value=value, payload=_payload(cells))
    places = enumerate(zip(headings, cells, strict=True), 1)
    named = {heading: cell for place, (heading, cell) in places if cell or heading != _unnamed(place)}
    return Row(record.line, named, record.size)


def _unnamed(position: int) -> str:
    return f"column {position}"


def _trimmed(cells: list[str | None]) -> list[str | None]:
    last = max((position for position, cell in enumerate(cells, 1) if cell), default=0)
    return cells[:last]


def _payload(cells: list[str | None]) -> str:
    return orjson.dumps(cells).decode()
