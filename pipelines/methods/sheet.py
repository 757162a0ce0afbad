"""The sheets of an XLSForm workbook as rows that can say where they are.

It must not know what the columns mean.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from pipelines.model.errors import InputError

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class Row:
    """One row of a sheet: its number as Excel shows it, and the text of its cells by heading."""

    where: str
    number: int
    cells: Mapping[str, str]

    def error(self, column: str, what: str, remedy: str) -> InputError:
        """Return an error that names this row and a column of it."""
        return InputError(what, f"{self.where}, row {self.number}, column {column}", remedy)

    def optional(self, column: str) -> str:
        """Return a cell's text, empty where there is none."""
        return unicodedata.normalize("NFC", self.cells.get(column, ""))

    def text(self, column: str) -> str:
        """Return a cell's text; an empty one is an error."""
        text = self.optional(column)
        if not text:
            raise self.error(column, "the cell is empty", f"fill in {column}")
        return text

    def choose(self, column: str, options: type[E]) -> E:
        """Return the member of an enumeration that a cell names."""
        text = self.text(column)
        if text not in set(options):
            raise self.error(column, f"unknown {column} {text!r}", f"use one of: {', '.join(options)}")
        return options(text)


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet, without empty ones."""

    where: str
    rows: tuple[Row, ...]

    def only_row(self) -> Row:
        """Return the one row of a sheet that must have exactly one."""
        if len(self.rows) != 1:
            raise InputError(f"{len(self.rows)} rows", self.where, "keep exactly one row below the headings")
        return self.rows[0]


@dataclass(frozen=True)
class Book:
    """A workbook as pyxform read it, and its bytes."""

    path: Path
    content: bytes
    sheets: Mapping[str, Any]

    def sheet(self, name: str, columns: tuple[str, ...]) -> Sheet:
        """Return a sheet that must be there with all of the given columns."""
        where = f"{self.path}, sheet {name}"
        if name not in self.sheets:
            raise InputError("the sheet is missing", where, f"add a sheet named {name}")
        headings = {unicodedata.normalize("NFC", heading) for heading in self.sheets[f"{name}_header"][0]}
        for column in columns:
            if column not in headings:
                raise InputError(f"column {column!r} is missing", f"{where}, row 1", f"add the heading {column}")
        rows = (Row(where, number, _by_nfc_heading(cells)) for number, cells in enumerate(self.sheets[name], start=2))
        return Sheet(where, tuple(row for row in rows if row.cells))


def read_book(path: Path) -> Book:
    """Read a workbook.

    Raises:
        InputError: where it is not there, or no XLSX workbook.
    """
    from pyxform.xls2json_backends import xlsx_to_dict  # takes a second, and Airflow lists methods at every turn

    try:
        content = path.read_bytes()
        return Book(path, content, xlsx_to_dict(BytesIO(content)))
    except FileNotFoundError:
        raise InputError("there is no such file", str(path), "check the path") from None
    except Exception as error:  # damaged bytes make the ZIP, XML and Excel readers raise whatever they like
        raise InputError(f"no readable XLSX workbook: {error}", str(path), "save it again as .xlsx") from None


def _by_nfc_heading(cells: Mapping[str, str]) -> dict[str, str]:
    return {unicodedata.normalize("NFC", heading): text for heading, text in cells.items() if text}
