"""A commune's desk for tests of stages: prints sheets, fills pages, hands them in as scans and counts what is whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from paper_kit import ROUND, as_pages, mark, png, write_round

from pipelines.lake import responses
from pipelines.model.run import StageReport
from pipelines.paper.marks import Gray
from pipelines.paper.printing import Blank
from pipelines.paper.register import Templates, batches
from pipelines.settings import PROJECT, Settings
from pipelines.stages.collecting import collect, conform, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context, open_context
from pipelines.stages.forms import PrintOrder, print_forms
from pipelines.stages.scans import read_scans

ORDER = PrintOrder("tthc/citizen", "1-3")
DAY = date(2023, 5, 4)


def open_round(folder: Path, **settings: Any) -> Context:
    """Write the round into a lake of its own and open it."""
    context = open_context(Settings(str(folder), "duckdb://", (), PROJECT, "An", **settings))
    write_round(context.lake)
    return context


class Desk:
    """A commune's desk: prints three sheets, and hands in pages of them as filled."""

    def __init__(self, context: Context, folder: Path) -> None:
        self.context, self.folder = context, folder
        pdf = print_forms(context, ROUND, ORDER, folder).read_bytes()
        self.pages = as_pages(pdf)
        template = Templates(context.lake, ROUND).named(batches(context.lake, ROUND)[0].template)
        assert template is not None
        self.template = template
        self.blank = Blank(self.template, b"")

    def page(self, sheet: int, number: int, **marks: str) -> Gray:
        page = self.pages[(sheet - 1) * self.template.pages + number - 1].copy()
        for code, option in {"A1": "5", "procedure_code": "1.001193", "sex": "2", **marks}.items():
            here = any(one.question == code for one in self.template.on_page(number))
            for one in option.split() if here else ():
                mark(page, code, one, self.blank)
        return page

    def hand_in(self, *pages: Gray, name: str = "stack") -> StageReport:
        files = []
        for number, page in enumerate(pages):
            files.append(self.folder / f"{name}-{number}.png")
            files[-1].write_bytes(png(page))
        return read_scans(self.context, ROUND, files, DAY)


def count(context: Context) -> list[dict[str, Any]]:
    """Collect, conform and screen what is whole; return the accepted responses."""
    collect(context, "scan", ROUND)
    for batch in pending_batches(context, "scan", ROUND):
        conform(context, batch)
    for key in stale_partitions(context, "scan", ROUND):
        screen(context, key)
    paths = context.lake.glob(responses("tthc", ROUND, "*", "scan"))
    return [row for path in paths for row in context.lake.read_table(path).to_pylist()]
