"""Conditions over the answers of one response, as an instrument declares them (relevant, constraint).

A small tree of plain values: `pipelines.methods` reads it from an XLSForm, screening turns it into a check of a whole
month. A comparison with a blank answer is false, except that a blank equals the empty text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NUMBERS = ("=", "!=", "<", "<=", ">", ">=")


class Kept(StrEnum):
    """What the rule is that a response has broken; the value is the XLSForm's column."""

    REQUIRED = "required"
    RELEVANT = "relevant"
    CONSTRAINT = "constraint"


@dataclass(frozen=True)
class Compares:
    """The answer in `column` against a whole number, or against text in a field of the response."""

    column: str
    operator: str
    value: int | str


@dataclass(frozen=True)
class IsBlank:
    """Nothing is answered in any of these columns."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """How many options of a multiple choice are ticked, against a whole number."""

    columns: tuple[str, ...]
    operator: str
    value: int


@dataclass(frozen=True)
class Not:
    """The condition does not hold."""

    part: Condition


@dataclass(frozen=True)
class Joined:
    """All of the parts hold (`and`), or at least one (`or`)."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compares | IsBlank | Counts | Not | Joined


@dataclass(frozen=True)
class Rule:
    """What the form asks of one question; `text` is the expression as the workbook has it."""

    kind: Kept
    question: str
    columns: tuple[str, ...]
    condition: Condition
    text: str
