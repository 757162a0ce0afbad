"""Checks that the parts of a method fit together: tree, instruments, measures, rules, breakdowns.

It must not read files; each check raises InputError naming the key of `method.yml` and the remedy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipelines.methods.dossier_section import check_dossiers
from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument, Question, Role, Status
from pipelines.model.method import Combination, Method, Node
from pipelines.model.response import HEADER, PROVENANCE

WEIGHT_TOLERANCE = 1e-9
MOST_DECIMALS = 6


def check_method(method: Method, where: str) -> None:
    """Run every check; `where` is what messages call the file."""
    _check_instruments(method.instruments, where)
    _check_tree(method, where)
    for node in method.tree.walk():
        _check_node(node, where)
    _check_measures(method, where)
    _check_rules(method, where)
    _check_rounding(method, where)
    _check_breakdowns(method, where)
    if method.input == "responses":
        _check_items(method, where)
    if method.input == "indicators":
        _check_indicators(method, where)
    elif scaled := [node.code for node in method.tree.walk() if node.combination is Combination.SCALED]:
        remedy = "write pooled, mean or sum, or input: indicators"
        raise InputError(f"node {scaled[0]!r} is scaled, but its input is {method.input}", f"{where}: tree", remedy)
    check_dossiers(method, where)


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once, in order."""
    return [name for name, count in Counter(names).items() if count > 1]


def _check_instruments(instruments: tuple[Instrument, ...], where: str) -> None:
    """A code means one thing on all forms: the same kind of question with the same answer codes."""
    first: dict[str, tuple[str, Question]] = {}
    for instrument in instruments:
        for question in instrument.questions:
            form, known = first.setdefault(question.code, (instrument.id, question))
            if _answers(known) != _answers(question):
                raise InputError(
                    f"{question.code} has other answers in form {instrument.id!r} than in {form!r}",
                    where,
                    "give the question its own item_code, or the same code list in both forms",
                )


def _answers(question: Question) -> tuple[object, ...]:
    if question.role is Role.HEADER:
        return (Role.HEADER,)
    return question.kind, question.role, question.code_list.codes if question.code_list else None


def _check_tree(method: Method, where: str) -> None:
    twice = repeated(node.code for node in method.tree.walk())
    if twice:
        remedy = "a node has one parent and is not below itself: keep each code once"
        raise InputError(f"code {twice[0]!r} occurs more than once", f"{where}: tree", remedy)
    for node in method.tree.walk():
        if node.children and node.combination is None:
            remedy = "write combination: pooled, mean or sum here or above"
            raise InputError(f"node {node.code!r} has no combination", f"{where}: tree", remedy)


def _check_node(node: Node, where: str) -> None:
    """A node's bounds are in order, and the weights below a scaled node add up to 1."""
    place = f"{where}: tree, node {node.code!r}"
    for low, high in (("minimum", "maximum"), ("year_from", "year_to")):
        first, last = getattr(node, low), getattr(node, high)
        if first is not None and last is not None and first > last:
            raise InputError(f"{low} {first} is above {high} {last}", place, f"exchange {low} and {high}")
    if node.combination is not Combination.SCALED:
        return
    for one in (node, *node.children):
        if one.minimum is None or one.maximum is None or one.minimum == one.maximum:
            raise InputError(f"{one.code!r} has no scale", place, "write a minimum and a maximum above it")
    total = sum(child.weight for child in node.children)
    if abs(total - 1) > WEIGHT_TOLERANCE:
        raise InputError(f"the weights below add up to {total:g}", place, "make them add up to 1")


def _check_indicators(method: Method, where: str) -> None:
    """Pooling and leaves without a scale have no meaning for indicators of different scales."""
    for node in method.tree.walk():
        if node.combination is Combination.POOLED:
            remedy = "write combination: scaled, sum or mean"
            raise InputError(f"node {node.code!r} pools indicators", f"{where}: tree", remedy)
    for leaf in method.tree.leaves:
        if leaf.minimum is None or leaf.maximum is None:
            remedy = "write minimum and maximum"
            raise InputError(f"indicator {leaf.code!r} has no scale", f"{where}: tree", remedy)


def _check_items(method: Method, where: str) -> None:
    """Leaves and items are the same: nothing asked is left out, nothing scored was not asked."""
    asked = {item.code for instrument in method.instruments for item in instrument.items}
    if not asked:
        raise InputError(
            "there is no instrument with items", where, "put an XLSForm (.xlsx) beside it, or input: scores"
        )
    if strangers := [code for code in method.items if code not in asked]:
        remedy = "correct the code, or add the question with role item to a form"
        raise InputError(f"leaf {strangers[0]!r} is no item of any form", f"{where}: tree", remedy)
    if missing := sorted(asked - set(method.items)):
        remedy = "add it below its factor, or give the question another role"
        raise InputError(f"item {missing[0]!r} of the forms is not in the tree", f"{where}: tree", remedy)


def _check_measures(method: Method, where: str) -> None:
    if twice := repeated(measure.name for measure in method.measures):
        raise InputError(f"measure {twice[0]!r} occurs twice", f"{where}: measures", "rename or remove one")
    defaults = [measure.name for measure in method.measures if measure.is_default]
    if len(defaults) != 1:
        remedy = "write default: true at exactly one measure"
        raise InputError(f"{len(defaults)} default measures", f"{where}: measures", remedy)
    for measure in method.measures:
        if method.input == "responses" and not measure.points:
            remedy = "write code → points for every code that counts"
            raise InputError(f"measure {measure.name!r} has no points", f"{where}: measures", remedy)
        for instrument in method.instruments:
            for item in instrument.items:
                known = item.code_list.codes if item.code_list else frozenset()
                if strange := sorted(set(measure.points) - known):
                    raise InputError(
                        f"measure {measure.name!r} gives points to code {strange[0]}, which item {item.code!r} of "
                        f"form {instrument.id!r} does not have",
                        f"{where}: measures",
                        f"use codes of its list: {', '.join(map(str, sorted(known)))}",
                    )


def _check_rounding(method: Method, where: str) -> None:
    """What is printed follows the rule `rounding`, so it is one of a known form."""
    if "rounding" not in method.rules:
        return
    value = method.rules["rounding"].value
    decimals = value.get("decimals") if isinstance(value, dict) else None
    known = isinstance(decimals, int) and 0 <= decimals <= MOST_DECIMALS and value.get("mode") == "half_up"
    if not known:
        remedy = f"write value: {{decimals: 2, mode: half_up}}, with 0 to {MOST_DECIMALS} decimals"
        raise InputError(f"rounding is {value!r}", f"{where}: rules.rounding", remedy)


def _check_rules(method: Method, where: str) -> None:
    for rule in method.rules.values():
        if rule.status is not Status.LOCAL and not rule.source:
            remedy = "cite where it was seen or what it was inferred from, or write status: local"
            raise InputError(f"rule {rule.name!r} has no source", f"{where}: rules.{rule.name}", remedy)


def _check_breakdowns(method: Method, where: str) -> None:
    profile = [q.code for instrument in method.instruments for q in instrument.with_role(Role.PROFILE)]
    known = dict.fromkeys((*profile, *HEADER, *PROVENANCE))
    for code in method.breakdowns:
        if code not in known:
            remedy = f"use one of: {', '.join(known)}"
            raise InputError(f"breakdown {code!r} is no question of role profile", f"{where}: breakdowns", remedy)
