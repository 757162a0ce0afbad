"""Pages of JSON as portals give them: an object with a list of records, and perhaps a note before it.

Shared by readers of KoboToolbox and ODK Central. It must not know what a record holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.blocks import Row
from pipelines.sources.cells import json_value
from pipelines.sources.known import without_note
from pipelines.sources.web import MAX_PAGE

ReadRecord = Callable[[int, Any, int], Row | Fault]  # position from 1, record, revision (0 where no note gives it)


def read_results(stream: BinaryIO, key: str, read_record: ReadRecord) -> Iterator[Row | Fault]:
    """Yield what `read_record` makes of each record under `key`, or one fault for a page that is none."""
    content = stream.read(MAX_PAGE + 1)
    if len(content) > MAX_PAGE:
        yield Fault(RejectCode.R105_TOO_LARGE, value=f"> {MAX_PAGE} byte")
        return
    note, content = without_note(content)
    yield from note.faults
    if note.gone and not content:
        return
    try:
        results = json_value(content)[key]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"không phải trang JSON · not a page of JSON ({error})")
        return
    if not isinstance(results, list):
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"{key}: không phải danh sách · not a list")
    elif not results:
        yield Fault(RejectCode.R102_EMPTY_FILE)
    else:
        revisions = [*note.revisions, *[0] * len(results)]
        for line, (record, revision) in enumerate(zip(results, revisions, strict=False), 1):
            yield read_record(line, record, revision)
