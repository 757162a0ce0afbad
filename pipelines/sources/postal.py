"""Postal: paper forms as keyed, one row a form, in XLSX or CSV. Which column is which is said by a mapping file.

It must not interpret cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import tables
from pipelines.sources.blocks import blocks
from pipelines.sources.day_order import keyed_fault
from pipelines.sources.folder import fetch_from
from pipelines.sources.forms import own_names
from pipelines.sources.sheets import TABLES, sheet_records


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the rows of a keyed file; one whose dates a program half converted is refused.

    Options `sheet` and `encoding` as in `sheets`.
    """
    if fault := keyed_fault(tables.rows(sheet_records(stream, config)), config):
        return iter([fault])
    stream.seek(0)
    return blocks(tables.rows(sheet_records(stream, config)))


SOURCE = Source(
    name="postal",
    channel="paper_post",
    fetch=fetch_from(*TABLES),
    read=read,
    mappings=own_names,
    titles={"vi": "Phiếu giấy đã nhập liệu (XLSX, CSV)", "en": "Paper forms as keyed (XLSX, CSV)"},
)
