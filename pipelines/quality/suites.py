"""Suites of expectations as data: read from `expectations/*.json`, or compiled by the caller.

Every expectation says how severe it is, its rule and what ought to hold in Vietnamese and English. This module does
not evaluate anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.model.errors import InputError
from pipelines.model.gate import CRITICAL, WARNING

Expectation = Mapping[str, Any]
TEXTS = ("rule", "vi", "en")
COLUMNS = ("column", "column_A", "column_B")
REMEDY = "an expectation has type, kwargs, severity (critical or warning) and meta with rule, vi and en"


@dataclass(frozen=True)
class Suite:
    """Expectations under one name; `where` is the file they come from, for messages."""

    name: str
    expectations: tuple[Expectation, ...]
    where: str

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the values that are given only when the gate runs (`{"$PARAMETER": "window_from"}`)."""
        values = [value for one in self.expectations for value in one["kwargs"].values()]
        return frozenset(value["$PARAMETER"] for value in values if isinstance(value, dict) and "$PARAMETER" in value)

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that any expectation looks at, also to choose rows."""
        conditions = [one["kwargs"]["row_condition"] for one in self.expectations if "row_condition" in one["kwargs"]]
        looked_at = [column for one in self.expectations for column in columns_of(one["kwargs"])]
        return frozenset(looked_at) | {condition["column"]["name"] for condition in conditions}


def columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that an expectation judges, in the order of their roles."""
    return (*(kwargs[key] for key in COLUMNS if key in kwargs), *kwargs.get("column_list", ()))


def read_suite(path: Path) -> Suite:
    """Read a suite; InputError names the file and the expectation that is not well formed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        name, expectations = content["name"], content["expectations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the suite cannot be read: {error}", str(path), REMEDY) from error
    return _suite(name, expectations, str(path))


def _suite(name: str, expectations: Sequence[Expectation], where: str) -> Suite:
    """Return a suite of well-formed expectations; InputError says which is not."""
    for position, one in enumerate(expectations, start=1):
        if problem := _problem(one):
            raise InputError(problem, f"{where}, expectation {position}", REMEDY)
    rules = Counter(one["meta"]["rule"] for one in expectations)
    twice = [rule for rule, count in rules.items() if count > 1]
    if twice:
        raise InputError(f"rules used more than once: {', '.join(twice)}", where, "give each expectation its own rule")
    return Suite(name, tuple(expectations), where)


def _problem(one: Expectation) -> str:
    if not isinstance(one.get("type"), str) or not isinstance(one.get("kwargs"), dict):
        return "an expectation needs a type and kwargs"
    if one.get("severity") not in (CRITICAL, WARNING):
        return f"severity is “{one.get('severity')}”, not critical or warning"
    missing = [text for text in TEXTS if not one.get("meta", {}).get(text)]
    return f"meta has no {', '.join(missing)}" if missing else ""
