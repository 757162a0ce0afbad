"""Postal: paper forms as keyed, one row a form, in XLSX or CSV. Which column is which is said by a mapping file.

The format is told from the bytes, not from the name. It must not interpret cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.response import HEADER
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources import delimited, tables, workbook
from pipelines.sources.blocks import blocks
from pipelines.sources.folder import fetch_from

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # XLS, and XLSX with a password
SAVE_AS_XLSX = "tệp XLS cũ hoặc có mật khẩu, hãy lưu lại thành XLSX · an old XLS or locked file, save it as XLSX"


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the rows of a keyed file; `options.sheet` names the sheet of a workbook, else the first is read."""
    start = stream.read(4)
    stream.seek(0)
    if start == OLD_OFFICE:
        return iter([Fault(RejectCode.R101_UNREADABLE_FILE, value=SAVE_AS_XLSX)])
    if start == ZIP:
        return blocks(tables.rows(workbook.records(stream, str(config.options.get("sheet", "")))))
    return blocks(tables.rows(delimited.records(stream)))


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return mappings for files whose headings are our own names: header fields and question codes.

    Two columns say which form each row is: `instrument` and `instrument_version`.
    """
    return tuple(
        Mapping(
            form=instrument.id,
            when={"instrument": (instrument.id,), "instrument_version": (instrument.version,)},
            headings={name: name for name in (*HEADER, *instrument.by_code)},
        )
        for instrument in instruments
    )


SOURCE = Source(
    name="postal",
    channel="paper_post",
    fetch=fetch_from("*.xlsx", "*.xlsm", "*.xls", "*.csv", "*.tsv", "*.txt"),
    read=read,
    mappings=mappings,
    titles={"vi": "Phiếu giấy đã nhập liệu (XLSX, CSV)", "en": "Paper forms as keyed (XLSX, CSV)"},
)
