"""What an event of a kiosk must be, by the published schema: one record by itself, or many at once by column.

Both say the same of a good record. What is wrong with a bad one only `problem_of` can tell. Neither looks up a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.model.codes import RejectCode
from pipelines.sources.blocks import MAX_COLUMNS
from pipelines.sources.columns import TextColumn

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

    def column(self, records: Sequence[dict[str, Any]]) -> pa.Array:
        """Return the values of all records as a column; raises `_Unusual` or Arrow's errors where one may be wrong."""
        values = [record.get(self.name) for record in records]
        if self.arrow_type == pa.int64() and not set(map(type, values)) <= {int}:  # Arrow would cut decimals off
            raise _Unusual
        column = pa.array(values, self.arrow_type)
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


def columns_of(records: Sequence[Any]) -> dict[str, TextColumn] | None:
    """Return heading → column of JSON values that are all good events with known keys; None where one may not be.

    Headings come in the order in which reading record by record meets them.
    """
    try:
        return _columns(records)
    except (_Unusual, pa.ArrowException, OverflowError):
        return None


def _columns(records: Sequence[Any]) -> dict[str, TextColumn]:
    if not set(map(type, records)) <= {dict}:
        raise _Unusual
    answers = [record.get(ANSWERS) for record in records]
    if not set(map(type, answers)) <= {dict}:
        raise _Unusual
    headings = _headings(dict.fromkeys(zip(map(tuple, records), map(tuple, answers), strict=True)))
    found = {name: check.column(records) for name, check in _FLAT.items() if check.required or name in headings}
    found |= _answer_columns(answers, [heading for heading in headings if heading not in _FLAT])
    return {heading: TextColumn(found[heading]) for heading in headings}


def _headings(shapes: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]) -> list[str]:
    """Return the headings of records with these keys and these codes of answers."""
    headings: dict[str, None] = {}
    for keys, codes in shapes:
        if not set(keys) <= set(_CHECKS) or len(keys) - 1 + len(codes) > MAX_COLUMNS:
            raise _Unusual
        headings |= dict.fromkeys(key for key in keys if key != ANSWERS)
        headings |= dict.fromkeys(PREFIX + code for code in codes)
    return list(headings)


def _answer_columns(answers: Sequence[dict[str, Any]], headings: Sequence[str]) -> dict[str, pa.Array]:
    kinds = set(map(type, chain.from_iterable(map(dict.values, answers))))
    if not kinds <= {int, type(None)}:
        raise _Unusual
    codes = pa.array(answers, pa.struct([(heading.removeprefix(PREFIX), pa.int64()) for heading in headings]))
    return dict(zip(headings, codes.flatten(), strict=True))
