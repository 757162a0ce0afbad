"""Single rows gathered into bounded blocks, column by column: what every reader ends in.

It must not look into cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipelines.model.source import Fault, RawRows

MAX_ROWS = 20_000
MAX_CELLS = 2_000_000  # rows × headings: rows that share no heading make a block wide
MAX_SIZE = 16_000_000
MAX_COLUMNS = 2_000  # of one row; a longer row is a fault of the reader


@dataclass(frozen=True, slots=True)
class Row:
    """One row by heading, where it stands (`line`, from 1) and how large it is (`size`, characters or bytes)."""

    line: int
    cells: dict[str, str | None]
    size: int


@dataclass
class _Block:
    rows: list[Row] = field(default_factory=list)
    headings: dict[str, None] = field(default_factory=dict)
    size: int = 0

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.headings.update(dict.fromkeys(row.cells))
        self.size += row.size

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= MAX_ROWS or is_large(len(self.rows), len(self.headings), self.size)

    def as_raw_rows(self) -> RawRows:
        columns = {heading: [row.cells.get(heading) for row in self.rows] for heading in self.headings}
        return RawRows(columns, [row.line for row in self.rows])


def is_large(rows: int, headings: int, size: int) -> bool:
    """Whether so many rows of so many headings and so much text fill a block, or are more than one may hold."""
    return rows * headings >= MAX_CELLS or size >= MAX_SIZE


def blocks(items: Iterable[Row | Fault]) -> Iterator[RawRows | Fault]:
    """Yield rows in blocks, and faults at once: a fault may come before the block with the rows around it."""
    block = _Block()
    for item in items:
        if isinstance(item, Fault):
            yield item
            continue
        block.add(item)
        if block.is_full:
            yield block.as_raw_rows()
            block = _Block()
    if block.rows:
        yield block.as_raw_rows()
