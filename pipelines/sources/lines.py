"""Lines of UTF-8 text read from bytes, whatever the bytes are: never more than one line and one block in memory.

A line that is too long or is not UTF-8 becomes a fault and the next line is read. Guessing an encoding is not done:
a legacy Vietnamese encoding (TCVN3, VNI, cp1258) guessed wrongly would pass for text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault

MAX_LINE = 1_000_000  # bytes
BLOCK = 1 << 20
SHOWN = 200  # bytes of a line kept as payload where the whole is too long
NOT_UTF8 = "không phải UTF-8, hãy lưu lại bằng UTF-8 · not UTF-8, save it as UTF-8"
UTF16 = "UTF-16, hãy lưu lại bằng UTF-8 · UTF-16, save it as UTF-8"
TOO_LONG = f"> {MAX_LINE} byte"


class Line(NamedTuple):
    """A line without its line feed; `is_whole` says that the line feed was there."""

    number: int
    text: str
    is_whole: bool


def text_lines(stream: BinaryIO) -> Iterator[Line | Fault]:
    """Yield the lines of a stream of UTF-8 (with or without byte order mark); a file in UTF-16 is one fault."""
    first = True
    for number, content, is_whole in _byte_lines(stream):
        if first and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            yield Fault(RejectCode.R101_UNREADABLE_FILE, value=UTF16)
            return
        yield _decoded(number, content.removeprefix(codecs.BOM_UTF8) if first else content, is_whole)
        first = False


def _byte_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    number, kept = 0, b""
    while block := stream.read(BLOCK):
        if b"\n" not in block and len(kept) > MAX_LINE:
            continue
        *whole, kept = (kept + block).split(b"\n")
        kept = kept[: MAX_LINE + 1]  # one byte too many tells that the line is too long; the rest is skipped
        for content in whole:
            number += 1
            yield number, content, True
    if kept:
        yield number + 1, kept, False


def _decoded(number: int, content: bytes, is_whole: bool) -> Line | Fault:
    if len(content) > MAX_LINE:
        shown = content[:SHOWN].decode(errors="replace")
        return Fault(RejectCode.R105_TOO_LARGE, number, value=TOO_LONG, payload=shown)
    try:
        return Line(number, content.decode(), is_whole)
    except UnicodeDecodeError as error:
        is_cut = not is_whole and error.reason == "unexpected end of data"
        code = RejectCode.R106_TRUNCATED if is_cut else RejectCode.R101_UNREADABLE_FILE
        return Fault(code, number, value=NOT_UTF8, payload=content.decode(errors="backslashreplace"))
