"""Scan: paper forms that a machine has read, one JSON object a sheet and line, whole sheets without an open doubt.

Pictures become sheets before (`hailong form read`); here they are rows like those of any other source. A value is
text or null, under the names of header fields and question codes. It must not look at pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from pipelines.model.codes import RejectCode
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources.blocks import MAX_COLUMNS, Row, blocks
from pipelines.sources.folder import fetch_from
from pipelines.sources.forms import own_names
from pipelines.sources.lines import Line, text_lines


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the sheets of a file; a line that is none is a fault and the next is read."""
    return blocks(_rows(stream))


def _rows(stream: BinaryIO) -> Iterator[Row | Fault]:
    is_empty = True
    for line in text_lines(stream):
        if isinstance(line, Fault):
            yield line
        elif line.text and not line.text.isspace():
            yield _row(line)
        else:
            continue
        is_empty = False
    if is_empty:
        yield Fault(RejectCode.R102_EMPTY_FILE)


def _row(line: Line) -> Row | Fault:
    try:
        sheet = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        code = RejectCode.R107_BROKEN_LINE if line.is_whole else RejectCode.R106_TRUNCATED
        return Fault(code, line.number, value=error.msg, payload=line.text)
    if not isinstance(sheet, dict) or not all(cell is None or isinstance(cell, str) for cell in sheet.values()):
        return Fault(RejectCode.R107_BROKEN_LINE, line.number, value=line.text[:80], payload=line.text)
    if len(sheet) > MAX_COLUMNS:
        return Fault(RejectCode.R105_TOO_LARGE, line.number, value=f"> {MAX_COLUMNS}", payload=line.text)
    return Row(line.number, {name: cell or None for name, cell in sheet.items()}, len(line.text))


SOURCE = Source(
    name="scan",
    channel="paper_desk",
    fetch=fetch_from("*.jsonl"),
    read=read,
    mappings=own_names,
    titles={"vi": "Phiếu giấy quét và đọc bằng máy", "en": "Paper forms, scanned and read by machine"},
)
