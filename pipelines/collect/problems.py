"""What is wrong with the rows of a block, gathered column by column in the order of the checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells
from pipelines.collect.forms import Form
from pipelines.model.codes import RejectCode


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row: in which field, and what stood there."""

    code: RejectCode
    field: str
    value: str


class Problems:
    """Problems of the rows of one block; a row may have several."""

    def __init__(self, rows: int) -> None:
        """Start with no problem in any of so many rows."""
        self.is_bad = np.zeros(rows, dtype=bool)
        self._by_row: dict[int, list[Problem]] = {}

    def add(self, code: RejectCode, field: str, wrong: np.ndarray, cells: Cells | None = None) -> None:
        """Note a problem in every row where `wrong`, with what its cell holds."""
        if not wrong.any():
            return
        rows = np.flatnonzero(wrong)
        values = [""] * len(rows) if cells is None else cells.texts.take(pa.array(rows)).to_pylist()
        for row, value in zip(rows.tolist(), values, strict=True):
            self._by_row.setdefault(row, []).append(Problem(code, field, value or ""))
        self.is_bad |= wrong

    def of_row(self, row: int) -> list[Problem]:
        """Return the problems of a row in the order in which they were found."""
        return self._by_row[row]


def check_headings(form: Form, block: Block, problems: Problems) -> None:
    """Note headings that are missing or unknown, and cells of mapped headings that are no Unicode text."""
    for heading in form.needed:
        if heading not in block.cells:
            problems.add(RejectCode.R104_MISSING_HEADING, heading, np.ones(len(block), dtype=bool))
    for heading, cells in block.cells.items():
        if not form.knows(heading):
            problems.add(RejectCode.R103_UNKNOWN_HEADING, heading, cells.is_filled, cells)
        elif heading in form.mapping.headings:
            problems.add(RejectCode.R208_BAD_TEXT, heading, cells.broken)


def unknown_form(forms: tuple[Form, ...], block: Block, problems: Problems) -> None:
    """Note rows that no mapping fits, with what the headings that choose a form say, or else with the headings."""
    choosing = list(dict.fromkeys(name for form in forms for name in form.mapping.when if name in block.cells))
    columns = [block.cells[name].texts.to_pylist() for name in choosing]
    headings = ", ".join(list(block.cells)[:8])
    said = [", ".join(filter(None, row)) for row in zip(*columns, strict=True)] or [""] * len(block)
    cells = Cells.read([text or headings for text in said])
    problems.add(RejectCode.R108_UNKNOWN_FORM, ", ".join(choosing), np.ones(len(block), dtype=bool), cells)
