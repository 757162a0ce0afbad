"""Reads the simple part of XLSForm expressions: comparisons of answers, `selected`, `count-selected`, and, or, not.

Everything else (arithmetic, regex, dates, other functions) is refused when the form is read, so that no rule is passed
over unseen. It must not look at data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pipelines.model.instrument import Kind, Question, Role
from pipelines.model.response import HEADER_TYPES
from pipelines.model.rule import NUMBERS, Compares, Condition, Counts, IsBlank, Joined, Not

_TOKEN = re.compile(
    r"\s*(?:(?P<ref>\$\{\s*[^}\s]+\s*\})|(?P<number>-?\d+(?![\w.]))|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<word>[A-Za-z][A-Za-z-]*)|(?P<sign><=|>=|!=|[=<>(),.]))"
)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
KNOWN = "use =, !=, <, <=, >, >=, selected(), count-selected(), and, or, not() over ${questions}, numbers and 'texts'"


class ExpressionError(ValueError):
    """An expression goes beyond what is checked; the message says where."""


def parse_condition(text: str, questions: Mapping[str, Question], own: Question) -> Condition:
    """Return the condition of an expression; `own` is the question that `.` stands for, names are those of the form.

    Raises:
        ExpressionError: saying what of it cannot be checked.
    """
    return _Reader(_tokens(text), questions, own).whole()


def kept_columns(question: Question) -> tuple[str, ...]:
    """Return the columns of a response that hold the answers to a question, none where they are not kept as such."""
    if question.role is Role.HEADER:
        return (question.code,)
    is_coded = question.kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE, Kind.INTEGER)
    return question.columns if is_coded and question.role is not Role.IDENTITY else ()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"“{text[position:].strip()[:20]}” is not understood")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Reader:
    """Recursive descent over the tokens: or, and, comparison or function."""

    def __init__(self, tokens: Sequence[tuple[str, str]], questions: Mapping[str, Question], own: Question) -> None:
        self._tokens, self._at, self._questions, self._own = [*tokens, ("end", "")], 0, questions, own

    def whole(self) -> Condition:
        found = self._or()
        if self._now[0] != "end":
            raise ExpressionError(f"“{self._now[1]}” is not expected here")
        return found

    @property
    def _now(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *wanted: str) -> str:
        """Return the next token's text, which must be one of those wanted by text or by kind, and go on."""
        kind, text = self._now
        if kind not in wanted and text not in wanted:
            raise ExpressionError(f"“{text or 'the end'}” stands where {' or '.join(wanted)} should")
        self._at += 1
        return text

    def _or(self) -> Condition:
        return self._joined("or", self._and)

    def _and(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self._now == ("word", word):
            self._take(word)
            parts.append(read())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _one(self) -> Condition:
        if self._now[1] == "(":
            self._take("(")
            found = self._or()
            self._take(")")
            return found
        if self._now[0] == "word":
            return self._function(self._take("word"))
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self._take("(")
        if name == "not":
            found: Condition = Not(self._or())
        elif name == "selected":
            question = self._question()
            self._take(",")
            found = _selected(question, self._take("text"))
        elif name == "count-selected":
            question = self._question()
            self._take(")")
            return self._count(question)
        else:
            raise ExpressionError(f"the function {name}() is not understood")
        self._take(")")
        return found

    def _count(self, question: Question) -> Condition:
        if question.kind is not Kind.SELECT_MULTIPLE:
            raise ExpressionError(f"{question.name} is no multiple choice")
        operator = self._take(*NUMBERS)
        return Counts(_columns(question), operator, int(self._take("number")))

    def _comparison(self) -> Condition:
        """`${question} < 5`, or the other way round."""
        if self._now[0] in ("number", "text"):
            value = self._value()
            operator = _FLIPPED[self._take(*NUMBERS)]
            return _compared(self._question(), operator, value)
        question = self._question()
        operator = self._take(*NUMBERS)
        return _compared(question, operator, self._value())

    def _value(self) -> int | str:
        return int(self._take("number")) if self._now[0] == "number" else self._take("text")[1:-1]

    def _question(self) -> Question:
        text = self._take("ref", ".")
        if text == ".":
            return self._own
        name = text[2:-1].strip()
        if name not in self._questions:
            raise ExpressionError(f"there is no question {name}")
        return self._questions[name]


def _columns(question: Question) -> tuple[str, ...]:
    columns = kept_columns(question)
    if not columns:
        raise ExpressionError(f"the answer to {question.name} is not kept beside answers")
    return columns


def _compared(question: Question, operator: str, value: int | str) -> Condition:
    columns = _columns(question)
    if value == "":
        if operator not in ("=", "!="):
            raise ExpressionError(f"an empty text cannot stand after {operator}")
        return IsBlank(columns) if operator == "=" else Not(IsBlank(columns))
    if question.kind is Kind.SELECT_MULTIPLE:
        raise ExpressionError(f"{question.name} is a multiple choice: write selected(${{{question.name}}}, '…')")
    if question.role is Role.HEADER:
        if question.code in HEADER_TYPES or operator not in ("=", "!=") or isinstance(value, int):
            raise ExpressionError(f"{question.name} can only be compared with a text, by = or !=")
        return Compares(question.code, operator, value)
    return Compares(question.code, operator, _code(question, value, operator in ("=", "!=")))


def _code(question: Question, value: int | str, must_be_known: bool = True) -> int:
    try:
        code = int(value)
    except ValueError:
        raise ExpressionError(f"“{value}” is no code of {question.name}") from None
    if must_be_known and question.code_list is not None and code not in question.code_list.codes:
        raise ExpressionError(f"{code} is no code of {question.name}")
    return code


def _selected(question: Question, text: str) -> Condition:
    code = _code(question, text[1:-1])
    if question.kind is Kind.SELECT_MULTIPLE:
        return Compares(f"{question.code}_{code}", "=", 1)
    return _compared(question, "=", code)
