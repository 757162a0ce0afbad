"""Records of a keyed or exported table in whatever it came: XLSX or CSV, Unicode or a declared legacy encoding.

The format is told from the bytes, not from the name. Options: `sheet` names the sheet of a workbook, else the first is
read; `encoding` (see `legacy`). It must not interpret cells.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, cast

from pipelines.model.codes import RejectCode
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault
from pipelines.sources import delimited, workbook, zipped
from pipelines.sources.legacy import SingleBytes, declared, in_unicode
from pipelines.sources.tables import Record

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # XLS, and XLSX with a password
MARKUP = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")  # what many systems call XLS is a page
# What an office may hand in for a table, so that it is not passed over in silence; the reader says what it cannot take.
TABLES = (
    "*.xlsx",
    "*.xlsm",
    "*.xls",
    "*.csv",
    "*.tsv",
    "*.txt",
    "*.zip",
    "*.ods",
    "*.xlsb",
    "*.htm",
    "*.html",
    "*.xml",
)
SAVE_AS_XLSX = "tệp XLS cũ hoặc có mật khẩu, hãy lưu lại thành XLSX · an old XLS or locked file, save it as XLSX"
A_PAGE = "trang HTML hoặc XML mang tên bảng tính, hãy lưu lại thành XLSX · a page of HTML or XML, save it as XLSX"
LOOKED_AT = 1 << 16  # bytes, to tell UTF-8 from one byte a letter


def sheet_records(stream: BinaryIO, config: SourceConfig) -> Iterator[Record | Fault]:
    """Yield the records of a table; what cannot be read is a fault.

    Raises:
        InputError: `options.encoding` names no encoding.
    """
    encoding = declared(config)
    start = _start(stream)
    if start.startswith(OLD_OFFICE):
        return iter([Fault(RejectCode.R101_UNREADABLE_FILE, value=SAVE_AS_XLSX)])
    if start.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(MARKUP):
        return iter([Fault(RejectCode.R101_UNREADABLE_FILE, value=A_PAGE)])
    if start.startswith(ZIP) and not zipped.is_workbook(stream):
        return zipped.records(stream, lambda table: _delimited(table, encoding))
    if start.startswith(ZIP):
        return in_unicode(workbook.records(stream, str(config.options.get("sheet", ""))), encoding)
    return _delimited(stream, encoding)


def _start(stream: BinaryIO) -> bytes:
    start = stream.read(LOOKED_AT)
    stream.seek(0)
    return start


def _delimited(stream: BinaryIO, encoding: str) -> Iterator[Record | Fault]:
    if encoding and not _is_utf8(_start(stream)):
        stream = cast(BinaryIO, SingleBytes(stream))
    return in_unicode(delimited.records(stream), encoding)


def _is_utf8(start: bytes) -> bool:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True  # to be refused as UTF-16
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True
