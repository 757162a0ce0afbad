"""Tables as bytes: CSV and XLSX, the same for the same rows. It must not know what a cell means."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter

Cell = str | int | datetime
CREATED = datetime(2020, 1, 1)  # a workbook carries a date; this one says nothing
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "remove_timezone": True,
    "default_date_format": "dd/mm/yyyy hh:mm:ss",
}


def csv_sheet(rows: Sequence[Sequence[Cell]], encoding: str = "utf-8-sig") -> bytes:
    """Return rows as CSV: with a byte order mark, as Excel saves it, unless an encoding without is named."""
    sink = io.StringIO(newline="")
    csv.writer(sink).writerows(rows)
    return sink.getvalue().encode(encoding)


def xlsx_sheet(rows: Sequence[Sequence[Cell]], name: str) -> bytes:
    """Return rows as the one sheet of a workbook; times are typed, and local as they are."""
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, OPTIONS)
    book.set_properties({"created": CREATED})
    sheet = book.add_worksheet(name)
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return sink.getvalue()
