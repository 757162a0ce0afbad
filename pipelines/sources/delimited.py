"""Records of delimited text (CSV): comma, semicolon or tab (or what a line `sep=;` says), UTF-8, quoted by RFC 4180.

A record that cannot be parsed costs its first line only: reading goes on at the next line, so that one stray
quotation mark does not swallow the rest of the file. It must not hold more than one record.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.cells import text_of
from pipelines.sources.lines import MAX_LINE, TOO_LONG, Line, text_lines
from pipelines.sources.tables import Record

DELIMITERS = "\t;,"  # the likelier first: headings in words hold commas
LOOKED_AT = 20  # lines, for two that are not blank
DECLARED = re.compile(r"sep=(.)\r?")  # what Excel writes and takes for itself in the first line
FIELD_LIMIT = csv.field_size_limit()  # characters of a cell
TOO_LONG_A_CELL = f"ô dài hơn {FIELD_LIMIT} ký tự · a cell of over {FIELD_LIMIT} characters"
RETURN = (
    "dấu xuống dòng kiểu Macintosh (CR) ngoài dấu nháy, hãy lưu lại thành CSV UTF-8"
    " · a carriage return (CR) outside of quotes, save it as CSV UTF-8"
)
REASONS = {  # how an error of the library begins → what a person reads
    "unexpected end": "dấu nháy kép mở mà không đóng · a quotation mark is opened and not closed",
    "new-line": RETURN,
    "field larger": TOO_LONG_A_CELL,
}
STRAY = "dấu nháy kép ở giữa ô · a quotation mark within a cell"
RUNS_ON = "ô có dấu nháy kéo vào dòng không đọc được · a quoted cell runs into a line that cannot be read"


class _BrokenRecord(Exception):
    """The lines do not make a record; its text says why."""


class _Feed:
    """Lines for `csv.reader`, which may be put back; `taken` are those of the record being read."""

    def __init__(self, lines: Iterator[Line | Fault]) -> None:
        self.lines = lines
        self.ahead: deque[Line | Fault] = deque()
        self.taken: list[Line] = []
        self.size = 0

    def begin(self) -> None:
        """Forget the record before."""
        self.taken, self.size = [], 0

    def peek(self) -> Line | Fault | None:
        if not self.ahead:
            self.ahead.extend(islice(self.lines, 1))
        return self.ahead[0] if self.ahead else None

    def first_texts(self) -> list[str]:
        """Return the first two lines that are not blank; all stay to be read."""
        self.ahead.extend(islice(self.lines, LOOKED_AT))
        return [line.text for line in self.ahead if isinstance(line, Line) and line.text.strip()][:2]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.peek()
        if line is None:
            raise StopIteration
        if isinstance(line, Fault):
            raise _BrokenRecord(RUNS_ON)
        if self.size + len(line.text) > MAX_LINE:
            raise _BrokenRecord(TOO_LONG)
        self.taken.append(line)
        self.size += len(line.text)
        self.ahead.popleft()
        return line.text + "\n"

    def put_back(self) -> Line:
        """Return the first line of the record; those after it will be read again."""
        first, *others = self.taken
        self.ahead.extendleft(reversed(others))
        return first


def records(stream: BinaryIO) -> Iterator[Record | Fault]:
    """Yield the records of a file; the delimiter is the one that splits each of the first lines into most cells."""
    feed = _Feed(text_lines(stream))
    reader = csv.reader(feed, delimiter=_declared(feed) or _delimiter_of(feed.first_texts()), strict=True)
    while (line := feed.peek()) is not None:
        if isinstance(line, Fault):
            feed.ahead.popleft()
            yield line
        else:
            feed.begin()
            yield _record(reader, feed)


def _record(reader: Iterator[list[str]], feed: _Feed) -> Record | Fault:
    try:
        cells = next(reader)
    except (csv.Error, _BrokenRecord) as error:
        why = _reason(error)
        is_cut = len(feed.taken) == 1 and not feed.taken[0].is_whole and why != RETURN
        line = feed.put_back()
        code = RejectCode.R106_TRUNCATED if is_cut else RejectCode.R107_BROKEN_LINE
        return Fault(code, line.number, value=why, payload=line.text)
    return Record(feed.taken[0].number, [text_of(cell) for cell in cells], feed.size)


def _reason(error: Exception) -> str:
    if isinstance(error, _BrokenRecord):
        return str(error)
    return next((reason for start, reason in REASONS.items() if str(error).startswith(start)), STRAY)


def _declared(feed: _Feed) -> str:
    """Return the delimiter that the first line says and take that line away; empty where it says none."""
    first = feed.peek()
    found = DECLARED.fullmatch(first.text) if isinstance(first, Line) else None
    if found is None or found[1] not in DELIMITERS:
        return ""
    feed.ahead.popleft()
    return found[1]


def _delimiter_of(lines: list[str]) -> str:
    """Return the delimiter that splits each line into most cells; a line with half of a quoted cell says nothing."""
    whole = [line for line in lines if line.count('"') % 2 == 0] or lines
    return max(DELIMITERS, key=lambda delimiter: min((_width(line, delimiter) for line in whole), default=0))


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
