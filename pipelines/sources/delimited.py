"""Records of delimited text (CSV): comma, semicolon or tab, UTF-8, quoted as RFC 4180 says.

A record that cannot be parsed costs its first line only: reading goes on at the next line, so that one stray
quotation mark does not swallow the rest of the file. It must not hold more than one record.
"""

from __future__ import annotations

import csv
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
            raise _BrokenRecord("a quoted cell runs into a line that cannot be read")
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
    reader = csv.reader(feed, delimiter=_delimiter_of(feed.first_texts()), strict=True)
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
        is_cut = len(feed.taken) == 1 and not feed.taken[0].is_whole
        line = feed.put_back()
        code = RejectCode.R106_TRUNCATED if is_cut else RejectCode.R107_BROKEN_LINE
        return Fault(code, line.number, value=str(error), payload=line.text)
    return Record(feed.taken[0].number, [text_of(cell) for cell in cells], feed.size)


def _delimiter_of(lines: list[str]) -> str:
    """Return the delimiter that splits each line into most cells; a line with half of a quoted cell says nothing."""
    whole = [line for line in lines if line.count('"') % 2 == 0] or lines
    return max(DELIMITERS, key=lambda delimiter: min((_width(line, delimiter) for line in whole), default=0))


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0
