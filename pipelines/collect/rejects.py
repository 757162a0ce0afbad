"""Rows that were not accepted, each with its reason, place and payload; read back as one table.

Payloads follow the same privacy as responses: identity is masked, and so is in every other field what leads to a
person, since a row may have slipped by a column. The landed bytes, found by hash and line, hold the row as it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from pathlib import PurePosixPath

import pyarrow as pa

from pipelines.collect.cells import Block, clean_text
from pipelines.collect.forms import Form
from pipelines.collect.privacy import IDENTITY, is_private_heading, masked, scrub, without_names
from pipelines.collect.problems import Problem
from pipelines.lake import Lake, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.run import Landed, Reject
from pipelines.model.source import Fault

SCHEMA = pa.schema([(field.name, pa.int64() if field.name == "line" else pa.string()) for field in fields(Reject)])
PLACE = ("source", "month")  # what the path of a file of rejects says of its rows
MONTH = re.compile(r"\d{4}-\d{2}")
VALUE_LIMIT = 200
NUMBERED = ("record_id", "revision", "device_id", "sequence")  # what these hold may look like a telephone number
ERASED = "[đã xóa · erased]"  # in place of the payload of a row whose person was erased
UNREAD = "[không giữ ở đây · only in the landed bytes]"  # ... of what could not be read where the form asks for names


def reject_table(rows: Iterable[Reject]) -> pa.Table:
    """Return rejects as a table, in the order given."""
    listed = list(rows)
    return pa.table({name: [getattr(row, name) for row in listed] for name in SCHEMA.names}, SCHEMA)


def read_rejects(lake: Lake, round_id: str, source: str = "", columns: Sequence[str] = SCHEMA.names) -> pa.Table:
    """Return all rejects and duplicates of a round, of one source or all, with `source` and `month` before the rest.

    The month is known from screening on; empty before. `columns` are those of the rest that are wanted.
    """
    place = pa.schema([pa.field(name, pa.string()) for name in PLACE])
    tables = [pa.schema([*place, *(SCHEMA.field(name) for name in columns)]).empty_table()]
    for path in lake.glob(rejects(round_id, source or "*", "*", "*")):
        table, folders = lake.read_table(path, list(columns)), PurePosixPath(path)
        name = next(part for part in folders.parts if part.startswith("source=")).removeprefix("source=")
        month = folders.stem if MONTH.fullmatch(folders.stem) else ""
        for position, text in enumerate((name, month)):
            table = table.add_column(position, place.field(position), pa.array([text] * len(table), pa.string()))
        tables.append(table)
    order = [name for name in ("source", "stage", "landing_sha256", "line", "code") if name in tables[0].schema.names]
    return pa.concat_tables(tables).sort_by([(name, "ascending") for name in order])


def reject_of(landed: Landed, problems: Sequence[Problem], line: int | None, payload: str, identity: str) -> Reject:
    """Return the reject of a row: the first problem's code and place, the texts of all."""
    values = [limited(_told(problem), VALUE_LIMIT) for problem in problems]
    places = [
        masked(problem.field) for problem in problems
    ]  # a file without headings has a person's row in their place
    codes = [problem.code for problem in problems]
    said = list(zip(codes, places, values, strict=True))
    return Reject(
        code=problems[0].code.code,
        stage="conform",
        file=landed.name,
        landing_sha256=landed.sha256,
        line=line,
        field=places[0],
        value=values[0],
        message_vi="; ".join(code.text_vi(place, value) for code, place, value in said),
        message_en="; ".join(code.text_en(place, value) for code, place, value in said),
        payload=payload,
        response_id=identity,
    )


def reject_of_fault(landed: Landed, fault: Fault, limit: int, asks: bool = False) -> Reject:
    """Return the reject of what the reader could not split into fields; without its text where the form asks for names.

    Where a name ends in such a text nobody can tell.
    """
    payload = UNREAD if asks and fault.payload else limited(masked(storable(fault.payload)), limit)
    return reject_of(landed, [Problem(fault.code, fault.field, fault.value)], fault.line, payload, "")


def payload_of(block: Block, row: int, form: Form | None, limit: int) -> str:
    """Return a row as JSON, identity masked, and whatever else leads to a person."""
    position = int(block.rows[row])
    cells: dict[str, str] = {}
    for heading, values in block.raw.columns.items():
        if values[position] is not None:
            cells[masked(storable(heading))] = _shown(form, clean_text(heading), str(values[position]))
    return limited(storable(json.dumps(cells, ensure_ascii=False)), limit)


def payload_of_record(block: Block, row: int, known: Collection[str], private: str, limit: int) -> str:
    """Return a record as JSON: known headings as they came, the private one masked, everything else scrubbed."""
    position = int(block.rows[row])
    cells: dict[str, str] = {}
    for heading, values in block.raw.columns.items():
        text = values[position]
        if text is not None:
            name = clean_text(heading)
            shown = IDENTITY if name == private else text if name in known else scrub(text)[0]
            cells[storable(heading)] = shown
    return limited(storable(json.dumps(cells, ensure_ascii=False)), limit)


def limited(text: str, limit: int) -> str:
    """Return a text cut to `limit` characters, and say so where it was longer."""
    return text if len(text) <= limit else f"{text[:limit]}… [+{len(text) - limit}]"


def storable(text: str) -> str:
    """Return a text with lone surrogates and NUL written as escapes, so that every store takes it."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\u0000")


def _shown(form: Form | None, heading: str, text: str) -> str:
    if form is not None and heading in form.withheld:
        return IDENTITY
    if form is not None and form.mapping.headings.get(heading) in NUMBERED:
        return without_names(text)
    is_known = form is not None and heading in form.mapping.headings
    return IDENTITY if not is_known and is_private_heading(heading) else masked(text)


def _told(problem: Problem) -> str:
    if problem.code is RejectCode.R103_UNKNOWN_HEADING and is_private_heading(problem.field):
        return IDENTITY
    return masked(storable(problem.value))
