"""Which series go on from one round to another, and why the others are cut.

A code keeps its meaning (a new meaning is a new code), so a series goes on where the code and everything below it are
the same in both methods and years. A rule of the method may cut it besides: its value holds `breaks_after`, the last
year of the old series, and the `codes` or `roles` of what is cut. It must not compare figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.model.instrument import Question
from pipelines.model.method import Measure, Method, Node

OTHER_PROGRAMME, NEW_CODE, OTHER_PARTS = "another_programme", "not_in_previous_method", "other_composition"
BREAKS_AFTER = "breaks_after"


def node_breaks(method: Method, year: int, before: Method, year_before: int) -> dict[str, str]:
    """Return node → why its series is cut between two rounds; a node whose series goes on, or is none, is not there.

    Reasons are the constants of this module, or the name of the rule that cuts.
    """
    if method.programme != before.programme:
        return dict.fromkeys(method.nodes, OTHER_PROGRAMME)
    new, old = _definitions(method.tree, year), _definitions(before.tree, year_before)
    found = {
        code: NEW_CODE if code not in old else OTHER_PARTS
        for code, definition in new.items()
        if old.get(code) != definition
    }
    return _declared(method, new, {}, year, year_before) | found


def question_breaks(method: Method, year: int, before: Method, year_before: int) -> dict[str, str]:
    """Return question → why the series of its answers is cut; columns of a multiple choice are named one by one."""
    new, old = _questions(method), _questions(before)
    if method.programme != before.programme:
        return dict.fromkeys(new, OTHER_PROGRAMME)
    found = {
        code: NEW_CODE if code not in old else OTHER_PARTS
        for code, question in new.items()
        if code not in old or _options(old[code]) != _options(question)
    }
    roles = {code: str(question.role) for code, question in new.items()}
    return _declared(method, new, roles, year, year_before) | found


def same_measures(method: Method, before: Method) -> tuple[Measure, ...]:
    """Return the measures that both methods have, with the same points for every answer."""
    old = {(measure.name, measure.unit): measure.points for measure in before.measures}
    return tuple(one for one in method.measures if old.get((one.name, one.unit)) == one.points)


def _definitions(tree: Node, year: int) -> dict[str, tuple[Any, ...]]:
    """Return, for every node of a year, what its score rests on: codes, combinations, weights, scales below it."""
    found: dict[str, tuple[Any, ...]] = {}
    for node in reversed(list(tree.walk())):
        children = tuple((child.weight, found[child.code]) for child in node.children if child.code in found)
        if node.valid_in(year) and (children or not node.children):
            found[node.code] = (node.code, node.combination, node.minimum, node.maximum, children)
    return found


def _questions(method: Method) -> dict[str, Question]:
    questions = [question for instrument in reversed(method.instruments) for question in instrument.coded]
    return {column: question for question in questions for column in (question.code, *question.columns)}


def _options(question: Question) -> tuple[Any, ...]:
    choices = question.code_list.choices if question.code_list else ()
    return (question.kind, tuple((choice.code, choice.label_vi) for choice in choices))


def _declared(
    method: Method, codes: Iterable[str], roles: dict[str, str], year: int, year_before: int
) -> dict[str, str]:
    """Return what the method's own rules cut between two years."""
    found: dict[str, str] = {}
    for rule in method.rules.values():
        value = rule.value if isinstance(rule.value, dict) else {}
        last = value.get(BREAKS_AFTER)
        if last is None or not min(year, year_before) <= last < max(year, year_before):
            continue
        cut = set(value.get("codes", ()))
        found |= {code: rule.name for code in codes if code in cut or roles.get(code, "") in value.get("roles", ())}
    return found
