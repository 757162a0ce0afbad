"""LimeSurvey: responses of one survey by its remote control, or as exported CSV or XLSX files in an inbox folder.

Exports differ by the way they were made: `;` or `,`, with or without byte order mark, headings `code` or `code. text`.
A heading is reduced to its code part (`likert2[affSat3]. [I feel …]` is `likert2[affSat3]`); a file whose headings have
no codes is refused. An incomplete response has an empty `submitdate`; it is passed on as it is, for conforming to
judge, and one of a survey that keeps no times (`1980-01-01`) is refused with the remedy, unless no mapping takes its
time. `revision` is made here where a note of the fetch gives it.

Options: `inbox`; or `url`, `survey`, `user`, `secret` (name of the environment variable with the password),
`page_size`, `timeout`, `retries`. `structure` names the survey's `.lss` file, absolute or in the inbox: a mapping that
misses a code of the survey is then told before anything is read, and a label in place of a code is refused as such.
For the default mapping `form` (instrument id).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, Offer, RawRows, Source
from pipelines.sources import delimited, tables
from pipelines.sources.blocks import Row, blocks
from pipelines.sources.cells import json_text
from pipelines.sources.folder import fetch_from
from pipelines.sources.forms import only_form
from pipelines.sources.known import NOTE, Note, without_note
from pipelines.sources.limesurvey_remote import fetch_remote
from pipelines.sources.limesurvey_structure import MAX_STRUCTURE, Structure, read_structure
from pipelines.sources.sheets import TABLES, sheet_records

CODE_AND_TEXT = re.compile(r"([A-Za-z]\w*(?:\[[^\]]*\])*)\.(?:\s.*)?", re.ASCII | re.DOTALL)
SYSTEM = ("lastpage", "startlanguage", "seed", "token", "startdate", "datestamp", "ipaddr", "refurl", "*time")
UNNAMED = re.compile(r"column \d+")
NO_TIME = "1980-01-01 00:00:00"  # of a survey that is anonymised and not dated
DATE_IT = (
    "khảo sát ẩn danh không ghi giờ: bật ghi ngày giờ (date stamp), hoặc ghi submitted_at vào constants của ánh xạ"
    " · an anonymised survey keeps no time: switch its date stamp on, or give submitted_at under constants (mapping)"
)
from_folder = fetch_from(*TABLES)


def code_of(heading: str) -> str:
    """Return the code part of a heading, or the heading where there is none."""
    found = CODE_AND_TEXT.fullmatch(heading)
    return found[1] if found else heading


def fetch(config: SourceConfig, cursor: str) -> Iterator[Offer]:
    """Yield what the remote control gives that is new or changed where `url` is set; else exported files of the inbox.

    Raises:
        InputError: a mapping of the round does not fit the survey's structure.
        SourceError: the server cannot be reached, refuses, or contradicts itself twice.
    """
    if structure := _structure(config):
        structure.check(config.mappings, f"mappings/{config.source}.yml")
    yield from fetch_remote(config, cursor, _exported) if "url" in config.options else from_folder(config, cursor)


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the responses of an export."""
    start = stream.read(len(NOTE))
    stream.seek(0)
    if start != NOTE:
        return blocks(_coded(_responses(sheet_records(stream, config)), config))
    note, content = without_note(stream.read())
    found = _exported(BytesIO(content)) if content else ()
    return blocks([*note.faults, *_coded(_numbered(found, note), config)])


def _exported(stream: BinaryIO) -> Iterator[Row | Fault]:
    return _responses(delimited.records(stream))


def _responses(records: Iterable[tables.Record | Fault]) -> Iterator[Row | Fault]:
    """Yield the rows of an export by the codes of their headings."""
    first = True
    for item in tables.rows(records, rename=code_of):
        if first and isinstance(item, Row) and (label := _label(item.cells)):
            yield Fault(RejectCode.R112_LABELS, field=label, value=label)
            return
        first = first and not isinstance(item, Row)
        yield item


def _label(headings: Iterable[str]) -> str:
    """Return a heading that is words where most are, else nothing."""
    named = [heading for heading in headings if not UNNAMED.fullmatch(heading)]
    words = [heading for heading in named if " " in heading.strip()]
    return words[0] if len(words) * 2 > len(named) else ""


def _numbered(items: Iterable[Row | Fault], note: Note) -> Iterator[Row | Fault]:
    """Give each response its revision; lines are counted from the note before the export."""
    revisions = iter(note.revisions)
    for item in items:
        revision = "" if item.line is None else str(next(revisions, ""))
        line = item.line and item.line + 1
        if isinstance(item, Fault):
            yield Fault(item.code, line, item.field, item.value, item.payload)
        elif "revision" in item.cells:
            yield Fault(RejectCode.R107_BROKEN_LINE, line, "revision", "2 × revision", json_text(item.cells))
        else:
            yield Row(item.line + 1, item.cells | {"revision": revision or None}, item.size)


def _coded(items: Iterable[Row | Fault], config: SourceConfig) -> Iterator[Row | Fault]:
    """Refuse rows with a label where the survey's structure wants a code, and rows without a time that is wanted."""
    structure = _structure(config)
    is_dated = not config.mappings or any("submitdate" in one.headings for one in config.mappings)
    for item in items:
        heading = structure.label_in(item.cells) if structure and isinstance(item, Row) else ""
        if heading and isinstance(item, Row):
            value = item.cells[heading] or ""
            yield Fault(RejectCode.R112_LABELS, item.line, heading, value, json_text(item.cells))
        elif isinstance(item, Row) and is_dated and item.cells.get("submitdate") == NO_TIME:
            value = f"{NO_TIME}: {DATE_IT}"
            yield Fault(RejectCode.R204_BAD_TIME, item.line, "submitdate", value, json_text(item.cells))
        else:
            yield item


def _structure(config: SourceConfig) -> Structure | None:
    if not (name := config.options.get("structure")):
        return None
    path = Path(str(config.options.get("inbox", "/"))) / str(name)
    try:
        with path.open("rb") as stream:
            return read_structure(stream.read(MAX_STRUCTURE + 1), str(path))
    except OSError as error:
        remedy = "correct options.structure in round.yml: an absolute path, or a file of the inbox"
        raise InputError(f"the structure file cannot be opened: {error.strerror}", str(path), remedy) from None


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return the mapping for a survey whose question codes are the names of the XLSForm, exported by codes.

    The server's `submitdate` is when the answer was submitted, unless a question of the form says that; then it is
    when the answer was received.
    """
    form = only_form(config, instruments)
    has_time = any(question.code == "submitted_at" for question in form.questions)
    headings = {"id": "record_id", "submitdate": "received_at" if has_time else "submitted_at"}
    if "url" in config.options:
        headings["revision"] = "revision"
    return (Mapping(form.id, headings | {q.name: q.code for q in form.questions}, ignore=SYSTEM),)


SOURCE = Source(
    name="limesurvey",
    channel="portal",
    fetch=fetch,
    read=read,
    mappings=mappings,
    titles={"vi": "LimeSurvey (điều khiển từ xa, tệp xuất ra)", "en": "LimeSurvey (remote control, exported files)"},
)
