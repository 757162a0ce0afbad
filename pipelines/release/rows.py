"""Rows of a release in one canonical form, so that one hash holds for CSV, Parquet and a database alike.

Canonical form: one JSON array a row (UTF-8, no spaces, columns as declared), the lines sorted, after a first line that
names the columns and their types. Doubles are written in Python's shortest form that reads back to the same value;
dates and times in ISO 8601, times in UTC. The files are read here by their documented form alone, without the code
that wrote them: that is what makes the comparison a check.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from pipelines.model.errors import InputError
from pipelines.model.table import Column

ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


class Field(NamedTuple):
    """Name and declared type of a published column."""

    name: str
    type: str


def fields_of(columns: Iterable[Column]) -> tuple[Field, ...]:
    """Return name and type of the public columns, in declared order."""
    return tuple(Field(column.name, column.type) for column in columns if column.public)


def schema_of(fields: Sequence[Field]) -> pa.Schema:
    """Return the Arrow schema that the declared types stand for."""
    return pa.schema([pa.field(field.name, ARROW[field.type]) for field in fields])


def row_sha256(rows: pa.Table, fields: Sequence[Field]) -> str:
    """Return the hash of the canonical rows; the order of the rows and the file format do not matter.

    Raises:
        InputError: a double is NaN or infinite; such a value must be null, with a status.
    """
    typed = rows.select([field.name for field in fields]).cast(schema_of(fields))
    columns = [typed[field.name].to_pylist() for field in fields]
    lines = sorted(_line([_plain(value) for value in row]) for row in zip(*columns, strict=True))
    digest = hashlib.sha256(_line([f"{field.name}:{field.type}" for field in fields]))
    for line in lines:
        digest.update(line)
    return digest.hexdigest()


def _line(values: list[Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{value} among published values", remedy="publish null with an obs_status instead")
        return repr(value + 0.0)  # -0.0 and 0.0 are one value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def read_parquet(content: bytes) -> pa.Table:
    """Return the rows of a Parquet file."""
    return pq.read_table(pa.BufferReader(content))


def read_csv(content: bytes, fields: Sequence[Field]) -> pa.Table:
    """Return the rows of a CSV file of a release.

    UTF-8, comma, a heading; text in double quotes, an empty cell without quotes is null. An apostrophe in front of a
    text is not part of it: it keeps spreadsheets from reading the text as a formula.
    """
    schema = schema_of(fields)
    rows = pa.csv.read_csv(
        pa.BufferReader(content),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa.csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    for field in fields:
        if field.type == "text" and field.name in rows.column_names:
            bare = pc.replace_substring_regex(rows[field.name], "^'", "")
            rows = rows.set_column(rows.schema.get_field_index(field.name), field.name, bare)
    return rows
