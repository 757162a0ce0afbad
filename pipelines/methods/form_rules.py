"""The rules that an XLSForm declares for its answers: `relevant` (of groups too), `constraint` and `required`.

Only questions whose answers are kept beside others are ruled on; which header fields a record needs, conforming says.
It must not read files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.methods.expression import KNOWN, ExpressionError, kept_columns, parse_condition
from pipelines.methods.sheet import Row
from pipelines.model.instrument import Question, Role
from pipelines.model.rule import Condition, Joined, Kept, Rule

ALWAYS = Joined("and", ())


def form_rules(rows: Iterable[Row], questions: Sequence[Question]) -> tuple[Rule, ...]:
    """Return the rules of a form; `questions` are those of the rows that are no layout, in their order.

    Raises:
        InputError: an expression goes beyond what is checked, naming sheet, row, column and remedy.
    """
    by_path = {question.path: question for question in questions}
    by_name = {question.name: question for question in questions}
    inside: list[Row] = []
    found: list[Rule] = []
    for row in rows:
        word = row.text("type").lower().replace(" ", "_")
        if word == "begin_group":
            inside.append(row)
        elif word == "end_group":
            inside.pop()
        elif word != "note":
            path = "/".join((*(group.text("name") for group in inside), row.text("name")))
            found += _of_question([*inside, row], by_path[path], by_name)
    return tuple(found)


def _of_question(rows: Sequence[Row], question: Question, by_name: dict[str, Question]) -> Iterator[Rule]:
    """Yield the rules of a question; `rows` are those of its groups and its own."""
    columns = () if question.role is Role.HEADER else kept_columns(question)
    if not columns:
        return
    own = rows[-1]
    asked = [_condition(row, Kept.RELEVANT, question, by_name) for row in rows if row.optional(Kept.RELEVANT)]
    relevant = Joined("and", tuple(asked)) if asked else ALWAYS
    if asked:
        text = " and ".join(row.optional(Kept.RELEVANT) for row in rows if row.optional(Kept.RELEVANT))
        yield Rule(Kept.RELEVANT, question.code, columns, relevant, text)
    if question.required:
        yield Rule(Kept.REQUIRED, question.code, columns, relevant, own.optional(Kept.REQUIRED))
    if text := own.optional(Kept.CONSTRAINT):
        yield Rule(Kept.CONSTRAINT, question.code, columns, _condition(own, Kept.CONSTRAINT, question, by_name), text)


def _condition(row: Row, kind: Kept, own: Question, by_name: dict[str, Question]) -> Condition:
    try:
        return parse_condition(row.optional(kind), by_name, own)
    except ExpressionError as error:
        raise row.error(kind, f"the expression cannot be checked: {error}", KNOWN) from None
