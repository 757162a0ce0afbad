"""The rules of the forms as SQL over the responses of a month: which is broken first, for every row in one pass.

A rule holds for responses of its own form and version: answers of another version went through a crosswalk, and its
form asked something else. It must not read the workbook.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.model.method import Method
from pipelines.model.rule import Compares, Condition, Counts, IsBlank, Joined, Kept, Not, Rule

CODES = {
    Kept.REQUIRED: "R309_REQUIRED_BLANK",
    Kept.RELEVANT: "R310_NOT_RELEVANT",
    Kept.CONSTRAINT: "R311_CONSTRAINT",
}


def broken_rule(method: Method) -> str:
    """Return SQL for the number of the first rule, from 0, that a row breaks; null where it breaks none."""
    cases = [
        f"WHEN form = {_text(form)} AND form_version = {_text(version)} AND {_broken(rule)} THEN {number}"
        for number, (form, version, rule) in enumerate(_rules(method))
    ]
    return f"CASE {' '.join(cases)} END" if cases else "NULL::INTEGER"


def rule_places(method: Method) -> list[dict[str, str]]:
    """Return code, question and expression of every rule, in the order of `broken_rule`."""
    places = [{"code": CODES[rule.kind], "question": rule.question, "text": rule.text} for _, _, rule in _rules(method)]
    return places or [{"code": "", "question": "", "text": ""}]


def _rules(method: Method) -> Iterator[tuple[str, str, Rule]]:
    for instrument in method.instruments:
        for rule in instrument.rules:
            yield instrument.id, instrument.version, rule


def _broken(rule: Rule) -> str:
    """Required: blank though asked; relevant: answered though not asked; constraint: answered as not allowed."""
    blank = _sql(IsBlank(rule.columns))
    if rule.kind is Kept.REQUIRED:
        return f"({blank} AND {_sql(rule.condition)})"
    return f"(NOT {blank} AND NOT {_sql(rule.condition)})"


def _sql(condition: Condition) -> str:
    """Return SQL that is true or false, never null."""
    match condition:
        case Compares(column, operator, value):
            shown = str(value) if isinstance(value, int) else _text(value)
            return f"coalesce({_name(column)} {operator} {shown}, false)"
        case IsBlank(columns):
            return f"({' AND '.join(f'{_name(column)} IS NULL' for column in columns)})"
        case Counts(columns, operator, value):
            ticked = " + ".join(f"coalesce({_name(column)}, 0)" for column in columns)
            return f"({ticked} {operator} {value})"
        case Not(part):
            return f"(NOT {_sql(part)})"
        case Joined(_, ()):
            return "true"
        case Joined(word, parts):
            return "(" + f" {word.upper()} ".join(map(_sql, parts)) + ")"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
