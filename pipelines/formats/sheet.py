"""One sheet of a workbook: the only place that writes cells, by type, never as a formula and never losing one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter

from pipelines.model.errors import InputError

VIETNAMESE = "[$-42A]"  # a decimal comma in programs that follow the locale of a number format
DECIMALS = "{decimals}"  # stands in a style where the decimals of the method go
LINE, SHADE, ACCENT = "#C9D1D8", "#E6F1F0", "#0B6B63"
STYLES: dict[str, dict[str, Any]] = {
    "": {},
    "title": {"bold": True, "font_size": 15, "font_color": ACCENT},
    "subtitle": {"italic": True, "font_color": "#5A6673"},
    "name": {"bold": True},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "heading": {
        "bold": True,
        "text_wrap": True,
        "valign": "vcenter",
        "align": "center",
        "bg_color": SHADE,
        "border": 1,
    },
    "cell": {"border": 1, "valign": "vcenter", "text_wrap": True, "indent": 1},
    "whole": {"border": 1, "valign": "vcenter", "num_format": f"{VIETNAMESE}#,##0"},
    "score": {"border": 1, "valign": "vcenter", "num_format": f"{VIETNAMESE}{DECIMALS}"},
    "few": {"border": 1, "valign": "vcenter", "num_format": f'{VIETNAMESE}"("{DECIMALS}")"'},
    "absent": {"border": 1, "valign": "vcenter", "align": "center", "font_color": "#5A6673"},
}


@dataclass(frozen=True)
class Sheet:
    """A worksheet with named styles; `strong` rows are printed bold, scores with so many `decimals`."""

    name: str
    workbook: Any
    worksheet: Any
    decimals: int = 2
    formats: dict[tuple[str, bool], Any] = field(default_factory=dict)

    @classmethod
    def add(cls, workbook: xlsxwriter.Workbook, name: str, decimals: int = 2) -> Sheet:
        """Add a sheet to a workbook."""
        return cls(name, workbook, workbook.add_worksheet(name), decimals)

    def put(self, row: int, column: int, value: Any, style: str = "", strong: bool = False) -> None:
        """Write a value as what it is; None leaves the cell empty. Row and column count from 0.

        Raises:
            InputError: the cell does not fit into a sheet (32,767 characters).
        """
        form = self._format(style, strong)
        if value is None:
            outcome = self.worksheet.write_blank(row, column, None, form)
        elif isinstance(value, bool):
            outcome = self.worksheet.write_boolean(row, column, value, form)
        elif isinstance(value, int | float):
            outcome = self.worksheet.write_number(row, column, value, form)
        else:
            text = value.isoformat() if isinstance(value, date | datetime) else value
            outcome = self.worksheet.write_string(row, column, text, form)
        if outcome:
            raise InputError("the value does not fit into a cell", f"sheet {self.name}, row {row + 1}", "shorten it")

    def width(self, column: int, characters: float) -> None:
        """Set the width of a column."""
        self.worksheet.set_column(column, column, characters)

    def height(self, row: int, points: float) -> None:
        """Set the height of a row."""
        self.worksheet.set_row(row, points)

    def freeze(self, rows: int, columns: int = 0) -> None:
        """Keep the first rows and columns in sight."""
        self.worksheet.freeze_panes(rows, columns)

    def filter(self, rows: int, columns: int) -> None:
        """Offer filters on a heading in the first row."""
        self.worksheet.autofilter(0, 0, max(rows, 1), columns - 1)

    def print_landscape(self, heading: int | None = None) -> None:
        """Print on A4 across, one page wide, pages numbered, the heading row on each page."""
        self.worksheet.set_landscape()
        self.worksheet.set_paper(9)
        self.worksheet.fit_to_pages(1, 0)
        self.worksheet.set_margins(left=0.6, right=0.6, top=0.7, bottom=0.7)
        self.worksheet.set_footer("&C&P / &N")
        if heading is not None:
            self.worksheet.repeat_rows(heading)

    def _format(self, style: str, strong: bool) -> Any:
        if (style, strong) not in self.formats:
            look = STYLES[style] | ({"border_color": LINE} if "border" in STYLES[style] else {})
            if "num_format" in look:
                look["num_format"] = look["num_format"].replace(DECIMALS, f"{0:.{self.decimals}f}")
            self.formats[style, strong] = self.workbook.add_format(look | ({"bold": True} if strong else {}))
        return self.formats[style, strong]
