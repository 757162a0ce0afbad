"""What an event of a kiosk must be, by the published schema: one record by itself, or many at once by column.

Both say the same of a good record. What is wrong with a bad one only `problem_of` can tell. Neither looks up a code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from pipelines.model.codes import RejectCode
from pipelines.sources.blocks import MAX_COLUMNS, is_large
from pipelines.sources.columns import TextColumn
from pipelines.sources.lines import MAX_LINE

SCHEMA: dict[str, Any] = orjson.loads(Path(__file__).with_name("kiosk.schema.json").read_bytes())
EVENT: dict[str, Any] = SCHEMA["$defs"]["event"]
ANSWERS = "answers"
PREFIX = f"{ANSWERS}/"
Problem = tuple[RejectCode, str, str]  # code, field, value

_JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}
_ARROW_TYPES = {"string": pa.string(), "integer": pa.int64()}
SAMPLE = 1_000  # lines whose keys are expected of all
# Arrow takes several values on one line for several rows, and a null before any object brings the process down.
_NEXT_VALUE = re.compile(rb"}[ \t\r]*[{n]")


class _Unusual(Exception):
    """Something that only reading record by record can judge."""


@dataclass(frozen=True)
class _Check:
    """What the schema says of one key, in the form that records are checked by."""

    name: str
    required: bool
    types: frozenset[str]
    minimum: float | None
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, name: str, rule: dict[str, Any]) -> _Check:
        types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        pattern = re.compile(rule["pattern"]) if "pattern" in rule else None
        return cls(name, name in EVENT["required"], frozenset(types), rule.get("minimum"), pattern)

    def problem(self, record: dict[str, Any]) -> Problem | None:
        value = record.get(self.name)
        if self.required and (value is None or value == ""):
            return RejectCode.R201_MISSING_FIELD, self.name, ""
        if self.name in record and _type_of(value) not in self.types:
            return RejectCode.R107_BROKEN_LINE, self.name, f"{self.name}: {_type_of(value)}"
        if self.minimum is not None and value is not None and value < self.minimum:
            return RejectCode.R207_BAD_NUMBER, self.name, str(value)
        if self.pattern and not self.pattern.search(value or ""):
            return RejectCode.R204_BAD_TIME, self.name, str(value)
        return None

    @property
    def arrow_type(self) -> pa.DataType:
        """Type of the column of a key that is text or a whole number."""
        (found,) = (_ARROW_TYPES[name] for name in self.types if name in _ARROW_TYPES)
        return found

    def checked(self, column: pa.Array) -> pa.Array:
        """Return the column of the key; raises `_Unusual` where a value may be wrong."""
        is_blank = self.required and (column.null_count or pc.any(pc.equal(column.cast(pa.string()), "")).as_py())
        is_low = self.minimum is not None and pc.any(pc.less(column, self.minimum)).as_py()
        if is_blank or is_low or (self.pattern and not _all_match(column, self.pattern)):
            raise _Unusual
        return column


def _all_match(column: pa.Array, pattern: re.Pattern[str]) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern.pattern)).as_py())


def _type_of(value: Any) -> str:
    """Return the JSON Schema type of a value; a number without decimals is an integer there."""
    kind = _JSON_TYPES[type(value)]
    return "integer" if kind == "number" and value.is_integer() else kind


_CHECKS = {name: _Check.of(name, rule) for name, rule in EVENT["properties"].items()}
_FLAT = {name: check for name, check in _CHECKS.items() if name != ANSWERS}


def problem_of(record: Any) -> Problem | None:
    """Return the first thing about a JSON value that the schema forbids, unknown keys left aside; None if nothing."""
    if not isinstance(record, dict):
        return RejectCode.R107_BROKEN_LINE, "", _type_of(record)
    for check in _CHECKS.values():
        if problem := check.problem(record):
            return problem
    for code, answer in record[ANSWERS].items():
        if type(answer) is not int and _type_of(answer) not in ("integer", "null"):
            return RejectCode.R107_BROKEN_LINE, PREFIX + code, f"{PREFIX}{code}: {_type_of(answer)}"
    return None


def columns_of(lines: Sequence[bytes]) -> dict[str, TextColumn] | None:
    """Return heading → column of lines of JSON that are all good events with known keys; None where one may not be.

    Headings come in the order in which reading record by record meets them. None also for more than a block may hold.
    """
    for sample in (lines[:SAMPLE], lines):
        try:
            return _columns(lines, _headings(sample))
        except (_Unusual, orjson.JSONDecodeError, pa.ArrowException):
            continue
    return None


def _columns(lines: Sequence[bytes], headings: Sequence[str]) -> dict[str, TextColumn]:
    if is_large(len(lines), len(headings) + 1, sum(map(len, lines))):
        raise _Unusual
    names = [heading for heading in headings if heading in _FLAT]
    codes = [heading.removeprefix(PREFIX) for heading in headings if heading not in _FLAT]
    table = _parsed(lines, names, codes)
    found = {name: _FLAT[name].checked(table[name].combine_chunks()) for name in names}
    answers = table[ANSWERS].combine_chunks()
    if answers.null_count or any(check.required and name not in found for name, check in _FLAT.items()):
        raise _Unusual
    found |= zip([PREFIX + code for code in codes], answers.flatten(), strict=True)
    return {heading: TextColumn(found[heading]) for heading in headings}


def _headings(lines: Sequence[bytes]) -> list[str]:
    """Return the headings of the events on some lines."""
    records = [orjson.loads(line) for line in lines]
    if not all(isinstance(record, dict) and isinstance(record.get(ANSWERS), dict) for record in records):
        raise _Unusual
    headings: dict[str, None] = {}
    for keys, codes in dict.fromkeys((tuple(record), tuple(record[ANSWERS])) for record in records):
        if not set(keys) <= set(_CHECKS) or len(keys) - 1 + len(codes) > MAX_COLUMNS:
            raise _Unusual
        headings |= dict.fromkeys(key for key in keys if key != ANSWERS)
        headings |= dict.fromkeys(PREFIX + code for code in codes)
    return list(headings)


def _parsed(lines: Sequence[bytes], names: Sequence[str], codes: Sequence[str]) -> pa.Table:
    """Return the events as Arrow reads them: any other key or type, or a number with decimals, is an error there."""
    objects = [line.strip(b" \t\r") for line in lines]
    text = b"\n".join(objects)
    if {(line[:1], line[-1:]) for line in objects} != {(b"{", b"}")} or _NEXT_VALUE.search(text):
        raise _Unusual
    answers = pa.struct([(code, pa.int64()) for code in codes])
    schema = pa.schema([*((name, _FLAT[name].arrow_type) for name in names), (ANSWERS, answers)])
    table = pj.read_json(
        pa.BufferReader(text),
        pj.ReadOptions(use_threads=False, block_size=2 * MAX_LINE),
        pj.ParseOptions(schema, newlines_in_values=False, unexpected_field_behavior="error"),
    )
    table.validate(full=True)  # that all text is UTF-8
    return table
