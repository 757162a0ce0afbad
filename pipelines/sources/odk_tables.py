"""Tables of an ODK Central export: the root table alone (CSV), or a zip with it and a table a repeated group.

Headings become those of OData: `g_access-a1` is the path `g_access/a1`, `SubmissionDate` is `__system/submissionDate`.
A question that stands in several columns, because its groups changed between versions of the form, is one heading; a
row that fills two of them is refused. A zip is read within limits, and nothing of it is written to disk.
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO, cast

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources import delimited, tables
from pipelines.sources.blocks import Row
from pipelines.sources.cells import json_text
from pipelines.sources.nested import Cells, Refused, Shape
from pipelines.sources.zipped import ZIP_ERRORS, megabytes

ZIP = b"PK"
MAX_UNPACKED = 512_000_000  # bytes of all tables: a zip bomb is refused before it is unpacked
MAX_REPEATS = 64_000_000  # bytes of the tables of repeated groups, which are kept in memory
MAX_TABLES = 200
BROKEN = (
    "không phải tệp zip xuất từ ODK Central, hãy nộp nguyên tệp, không nén lại"
    " · not a zip that ODK Central exports, hand it in as it came, not zipped anew"
)
SYSTEM = {
    "KEY": "__id",
    "SubmissionDate": "__system/submissionDate",
    "SubmitterID": "__system/submitterId",
    "SubmitterName": "__system/submitterName",
    "AttachmentsPresent": "__system/attachmentsPresent",
    "AttachmentsExpected": "__system/attachmentsExpected",
    "Status": "__system/status",
    "ReviewState": "__system/reviewState",
    "DeviceID": "__system/deviceId",
    "Edits": "__system/edits",
    "FormVersion": "__system/formVersion",
}
Repeats = dict[str, dict[str, list[Cells]]]  # group → identity of the submission → entries


class _Unusable(Exception):
    """The whole export cannot be read; `fault` says why."""

    def __init__(self, code: RejectCode, value: str) -> None:
        super().__init__(value)
        self.fault = Fault(code, value=value)


def table_rows(stream: BinaryIO, shape: Shape) -> Iterator[Row | Fault]:
    """Yield the submissions of a CSV file or of a zip, with the entries of repeated groups that a rule takes."""
    start = stream.read(len(ZIP))
    stream.seek(0)
    if start != ZIP:
        yield from _root_rows(stream, shape, {})
        return
    try:
        with zipfile.ZipFile(stream) as archive:
            root, others = _tables(archive)
            repeats = {_stem(part).removeprefix(f"{_stem(root)}-"): _entries(archive, part) for part in others}
            with archive.open(root) as table:
                yield from _root_rows(cast(BinaryIO, table), shape, repeats)
    except _Unusable as error:
        yield error.fault
    except ZIP_ERRORS as error:
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"{BROKEN} ({type(error).__name__}: {error})")


def _tables(archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, list[zipfile.ZipInfo]]:
    """Return the root table and those of repeated groups.

    Attachments lie in a folder, and the log of what interviewers did has no `KEY`: both are left alone.
    """
    parts = [part for part in archive.infolist() if part.filename.endswith(".csv") and "/" not in part.filename]
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED or len(parts) > MAX_TABLES:
        raise _Unusable(RejectCode.R105_TOO_LARGE, f"{len(parts)} CSV, {megabytes(unpacked, MAX_UNPACKED)}")
    headings = {part.filename: _headings(archive, part) for part in parts}
    repeats = [part for part in parts if "PARENT_KEY" in headings[part.filename]]
    if (size := sum(part.file_size for part in repeats)) > MAX_REPEATS:
        raise _Unusable(RejectCode.R105_TOO_LARGE, megabytes(size, MAX_REPEATS))
    roots = [part for part in parts if part not in repeats and "KEY" in headings[part.filename]]
    if len(roots) != 1:
        raise _Unusable(RejectCode.R101_UNREADABLE_FILE, f"{BROKEN} ({len(roots)} × KEY)")
    return roots[0], repeats


def _stem(part: zipfile.ZipInfo) -> str:
    return part.filename.removesuffix(".csv")


def _headings(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> list[str | None]:
    with archive.open(part) as table:
        first = next(delimited.records(cast(BinaryIO, table)), None)
    return first.cells if isinstance(first, tables.Record) else []


def _entries(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> dict[str, list[Cells]]:
    """Return the entries of a repeated group by submission; they must be read whole, or none can be counted."""
    entries: dict[str, list[Cells]] = defaultdict(list)
    with archive.open(part) as table:
        for item in tables.rows(delimited.records(cast(BinaryIO, table))):
            if isinstance(item, Row):
                _keep(entries, item.cells)
            elif item.code is not RejectCode.R102_EMPTY_FILE:
                raise _Unusable(RejectCode.R101_UNREADABLE_FILE, f"{part.filename}, {item.line}: {item.value}")
    return entries


def _keep(entries: dict[str, list[Cells]], cells: Cells) -> None:
    """File an entry under its submission; an entry of a group within a group stands under the outermost."""
    root = (cells.get("PARENT_KEY") or "").partition("/")[0]
    entries[root].append({name: cell for name, cell in cells.items() if name not in ("KEY", "PARENT_KEY")})


def _root_rows(stream: BinaryIO, shape: Shape, repeats: Repeats) -> Iterator[Row | Fault]:
    for item in tables.rows(delimited.records(stream)):
        if isinstance(item, Fault):
            yield item
            continue
        try:
            cells: Cells = {}
            _fill(cells, item.cells, shape)
            for group, entries in repeats.items():
                if entry := shape.entry(group.replace("-", "/"), entries.get(cells.get("__id") or "", [])):
                    _fill(cells, entry, shape)
            yield Row(item.line, cells, item.size)
        except Refused as refused:
            yield Fault(refused.code, item.line, refused.field, refused.value, json_text(item.cells))


def _fill(cells: Cells, written: Cells, shape: Shape) -> None:
    for name, cell in written.items():
        question, split, option = name.partition("/")
        heading = SYSTEM.get(name) or shape.heading(question.replace("-", "/")) + split + option
        if cell is not None and cells.get(heading) is not None:
            raise Refused(RejectCode.R107_BROKEN_LINE, heading, f"{name}: 2 × {heading}")
        cells[heading] = cell if cell is not None else cells.get(heading)
