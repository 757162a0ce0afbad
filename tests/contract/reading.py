"""What the contract tests of sources share: a configuration, and what a reader gave, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pipelines.model.instrument import Choice, CodeList, Instrument, Kind, Question, Role
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows
from pipelines.sources import source


@dataclass(frozen=True)
class Reading:
    rows: list[dict[str, str | None]]
    lines: list[int]
    faults: list[Fault]

    @property
    def codes(self) -> list[tuple[str, int | None]]:
        return [(fault.code.name[:4], fault.line) for fault in self.faults]


def config(name: str, **options: Any) -> SourceConfig:
    return SourceConfig(name, "test", source(name).channel, options)


def inbox(name: str, folder: Path) -> SourceConfig:
    return config(name, inbox=str(folder))


def read(name: str, content: bytes, **options: Any) -> Reading:
    blocks = list(source(name).read(BytesIO(content), "file", config(name, **options)))
    rows = [(line, row) for block in blocks if isinstance(block, RawRows) for line, row in _rows(block)]
    faults = [fault for fault in blocks if isinstance(fault, Fault)]
    return Reading([row for _, row in rows], [line for line, _ in rows], faults)


def _rows(block: RawRows) -> Iterator[tuple[int, dict[str, str | None]]]:
    assert {len(cells) for cells in block.columns.values()} <= {len(block.lines)}
    for position, line in enumerate(block.lines):
        yield line, {heading: cells[position] for heading, cells in block.columns.items()}


def form(form_id: str = "citizen", *names: str) -> Instrument:
    """A form of satisfaction items, whose XLSForm names are their codes in lower case, and a comment."""
    scale = CodeList("satisfaction", tuple(Choice(code, f"mức {code}", f"level {code}") for code in range(1, 6)))
    items = [
        Question(code, code.lower(), f"g/{code.lower()}", Kind.SELECT_ONE, Role.ITEM, "…", "…", scale)
        for code in names or ("A1", "A2")
    ]
    remark = Question("comment", "y_kien", "y_kien", Kind.TEXT, Role.COMMENT, "Ý kiến khác", "Other remarks")
    return Instrument(form_id, "2017.1", "Phiếu", "Form", (*items, remark), "0" * 64)
