"""Records of one sheet of an XLSX workbook, read row by row within limits that no keyed form reaches.

Formulas are read as the values last calculated; one without a value is a fault, because a blank would be silent.
It must not evaluate, follow links out of the file, or trust the sizes that the file claims.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import openpyxl
import orjson
from openpyxl.utils import get_column_letter
from openpyxl.workbook.workbook import Workbook

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.cells import text_of
from pipelines.sources.tables import Record
from pipelines.sources.zipped import megabytes

MAX_UNPACKED = 128_000_000  # bytes of all parts: a zip bomb is refused before it is unpacked
MAX_ROWS = 1_048_576  # what Excel holds
MAX_CELLS_OF_ROW = 16_384
MAX_TAGS_OF_ROW = 16 * MAX_CELLS_OF_ROW
SHEET = re.compile(r"xl/worksheets/[^/]*\.xml", re.IGNORECASE)
ROW_END = re.compile(rb"</(?:\w+:)?row>")
BLOCK = 1 << 18  # bytes of a sheet looked at at once: less than the tags of one row may take
UNCALCULATED = "công thức chưa được tính, hãy mở và lưu lại tệp · formula without a value, open and save the file"
BROKEN = "không phải tệp XLSX lành · not a sound XLSX file"


def records(stream: BinaryIO, sheet: str = "") -> Iterator[Record | Fault]:
    """Yield the records of the named sheet, or of the first that is shown; what cannot be read is one last fault.

    Where no sheet is named, another one with rows is a fault: it may hold answers.
    """
    try:
        archive = zipfile.ZipFile(stream)
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MAX_UNPACKED:
            yield Fault(RejectCode.R105_TOO_LARGE, value=megabytes(unpacked, MAX_UNPACKED))
            return
        if _has_endless_row(archive):
            yield Fault(RejectCode.R105_TOO_LARGE, value=f"> {MAX_CELLS_OF_ROW} ô · cells")
            return
        yield from _sheet_records(stream, sheet)
    except Exception as error:  # a broken workbook makes the library raise anything
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"{BROKEN} ({type(error).__name__}: {error})")


def _has_endless_row(archive: zipfile.ZipFile) -> bool:
    """Whether a row has more tags than a row of all columns could: the library would hold all of it at once."""
    for part in archive.infolist():
        if not SHEET.fullmatch(part.filename):
            continue
        tags = 0
        with archive.open(part) as sheet:
            while block := sheet.read(BLOCK):
                first, *others = ROW_END.split(block)
                tags += first.count(b"<")
                if tags > MAX_TAGS_OF_ROW:
                    return True
                tags = others[-1].count(b"<") if others else tags
    return False


def _sheet_records(stream: BinaryIO, sheet: str) -> Iterator[Record | Fault]:
    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    formulas = openpyxl.load_workbook(stream, read_only=True)
    if sheet and sheet not in book.sheetnames:
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"không có trang tính · no sheet “{sheet}”")
        return
    sheets = [sheet] if sheet else _shown(book)
    width = 0
    for line, (values, written) in enumerate(zip(_rows(book, sheets[0]), _rows(formulas, sheets[0]), strict=True), 1):
        if line > MAX_ROWS or len(values) > MAX_CELLS_OF_ROW:
            yield Fault(RejectCode.R105_TOO_LARGE, line, value=f"> {MAX_ROWS} × {MAX_CELLS_OF_ROW}")
            return
        if values:
            cells = [text_of(value) for value in values]
            width = width or len(cells)
            yield _uncalculated(line, cells, written) or _record(line, cells, width)
    for other in sheets[1:]:
        if any(text_of(value) for values in _rows(book, other) for value in values):
            yield Fault(RejectCode.R115_SHEET_NOT_READ, field=other, value=sheets[0])


def _shown(book: Workbook) -> list[str]:
    """Return the names of the sheets that a person sees, or of all where none is shown."""
    shown = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    return shown or [sheet.title for sheet in book.worksheets]


def _rows(book: Workbook, sheet: str) -> Iterator[tuple[Any, ...]]:
    found = book[sheet]
    found.reset_dimensions()  # the size that the file claims may cut columns off
    return found.iter_rows(values_only=True)


def _uncalculated(line: int, cells: list[str | None], written: tuple[Any, ...]) -> Fault | None:
    for position, (cell, formula) in enumerate(zip(cells, written, strict=True), 1):
        if cell is None and text_of(formula) is not None:
            place = f"{get_column_letter(position)}{line}"
            payload = orjson.dumps(cells).decode()
            return Fault(RejectCode.R107_BROKEN_LINE, line, place, f"{place}: {UNCALCULATED}", payload)
    return None


def _record(line: int, cells: list[str | None], width: int) -> Record:
    """A sheet does not store the blank cells at the end of a row: they are put back up to the width of the headings."""
    size = sum(len(cell) for cell in cells if cell)
    return Record(line, cells + [None] * (width - len(cells)), size)
