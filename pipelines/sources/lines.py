"""Lines of UTF-8 text read from bytes, whatever the bytes are: never more than a block of rows in memory.

A line that is too long or is not UTF-8 becomes a fault and the next line is read. Guessing an encoding is not done:
a legacy Vietnamese encoding (TCVN3, VNI, cp1258) guessed wrongly would pass for text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.blocks import MAX_ROWS, MAX_SIZE

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


class Lines(NamedTuple):
    """Consecutive lines as bytes, without their line feeds; `is_whole` says that the last had one."""

    first: int
    contents: list[bytes]
    is_whole: bool


def text_lines(stream: BinaryIO) -> Iterator[Line | Fault]:
    """Yield the lines of a stream of UTF-8 (with or without byte order mark); a file in UTF-16 is one fault."""
    for part in _parts(stream):
        yield from [part] if isinstance(part, Fault) else decoded(part)


def line_batches(stream: BinaryIO) -> Iterator[Lines | Fault]:
    """Yield the lines of a stream as `text_lines` does, but as bytes and about as many at a time as a block holds."""
    batch, size = Lines(1, [], True), 0
    for part in _parts(stream):
        if isinstance(part, Fault):
            yield part
            return
        if batch.contents and (size >= MAX_SIZE or len(batch.contents) + len(part.contents) > MAX_ROWS):
            yield batch
            batch, size = Lines(part.first, [], True), 0
        batch = Lines(batch.first, batch.contents + part.contents, part.is_whole)
        size += sum(map(len, part.contents))
    if batch.contents:
        yield batch


def decoded(lines: Lines) -> Iterator[Line | Fault]:
    """Yield lines as text; one that is too long or no UTF-8 is a fault."""
    last = len(lines.contents) - 1
    for position, content in enumerate(lines.contents):
        yield _decoded(lines.first + position, content, lines.is_whole or position < last)


def _parts(stream: BinaryIO) -> Iterator[Lines | Fault]:
    """Yield the lines that end in each block of the stream."""
    for part in _byte_lines(stream):
        if part.first == 1:
            if part.contents[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                yield Fault(RejectCode.R101_UNREADABLE_FILE, value=UTF16)
                return
            part.contents[0] = part.contents[0].removeprefix(codecs.BOM_UTF8)
        yield part


def _byte_lines(stream: BinaryIO) -> Iterator[Lines]:
    number, kept = 1, b""
    while block := stream.read(BLOCK):
        if b"\n" not in block and len(kept) > MAX_LINE:
            continue
        *whole, kept = (kept + block).split(b"\n")
        kept = kept[: MAX_LINE + 1]  # one byte too many tells that the line is too long; the rest is skipped
        if whole:
            yield Lines(number, whole, True)
            number += len(whole)
    if kept:
        yield Lines(number, [kept], False)


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
