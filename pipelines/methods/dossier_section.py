"""Reads the section `dossiers` of `method.yml` into the model, and checks that it fits the index tree.

It must not look at a dossier.
"""

from __future__ import annotations

from typing import Any

from pipelines.model.dossier import COMMON, Classes, DossierRules, Fault, LevelOf, PointRule, RateRule
from pipelines.model.errors import InputError
from pipelines.model.instrument import Status
from pipelines.model.method import Method
from pipelines.model.record import FieldKind, RecordField

LEVELS_OF_COMPARE = 3
USED_AS = {
    LevelOf.COMPARE: (FieldKind.DAY, FieldKind.NUMBER, FieldKind.COUNT),
    LevelOf.COUNT: (FieldKind.COUNT,),
    LevelOf.CODE: (FieldKind.CODE,),
}


def dossier_rules(section: dict[str, Any]) -> DossierRules:
    """Return the rules of a section that fits the schema; a code field may hold the codes that have points."""
    points = tuple(_point_rule(node, entry) for node, entry in section["scores"].items() if "points" in entry)
    rates = tuple(_rate_rule(node, entry) for node, entry in section["scores"].items() if "faults" in entry)
    codes = {rule.fields[0]: frozenset(rule.points) for rule in points if rule.level_of is LevelOf.CODE}
    fields = tuple(
        RecordField(name, FieldKind(entry["kind"]), entry.get("required", False), codes=codes.get(name, frozenset()))
        for name, entry in section["fields"].items()
    )
    classes = section.get("classes")
    graded = Classes(classes["maximum"], tuple(classes["bounds"])) if classes else None
    return DossierRules(fields, section["day"], points, rates, graded)


def check_dossiers(method: Method, where: str) -> None:
    """Raise InputError where the section is missing, names what is not there, or leaves a leaf without a rule."""
    rules, place = method.dossiers, f"{where}: dossiers"
    if (rules is None) != (method.input != "dossiers"):
        remedy = "a method whose input is dossiers has this section, and no other method"
        raise InputError(f"the input is {method.input}", place, remedy)
    if rules is None:
        return
    _check_leaves(method, rules, place)
    kinds = {field.name: field.kind for field in rules.fields}
    if taken := [field.name for field in COMMON if field.name in kinds]:
        raise InputError(f"every dossier has a field {taken[0]!r}", f"{place}.fields", "remove it or rename it")
    _expect(kinds, rules.day, (FieldKind.DAY,), f"{place}.day")
    for rule in rules.points:
        _check_points(rule, kinds, f"{place}.scores.{rule.node}")
    for rate in rules.rates:
        for fault in rate.faults:
            for names, kind in ((fault.late, FieldKind.DAY), (fault.any_of, FieldKind.FLAG)):
                for name in names:
                    _expect(kinds, name, (kind,), f"{place}.scores.{rate.node}.faults.{fault.name}")
    if rules.classes and list(rules.classes.bounds) != sorted(set(rules.classes.bounds), reverse=True):
        raise InputError("bounds do not fall", f"{place}.classes", "write lower bounds, best first")


def _check_leaves(method: Method, rules: DossierRules, place: str) -> None:
    everything: tuple[PointRule | RateRule, ...] = (*rules.points, *rules.rates)
    ruled = {rule.node for rule in everything}
    if strangers := sorted(ruled - set(method.items)):
        raise InputError(f"the index has no leaf {strangers[0]!r}", f"{place}.scores", "see tree")
    if missing := [code for code in method.items if code not in ruled]:
        raise InputError(f"leaf {missing[0]!r} has no rule", f"{place}.scores", "add one, or remove the leaf")
    for rule in everything:
        if rule.status is not Status.LOCAL and not rule.source:
            remedy = "cite where it was seen, or write status: local"
            raise InputError("the rule has no source", f"{place}.scores.{rule.node}", remedy)


def _check_points(rule: PointRule, kinds: dict[str, FieldKind], place: str) -> None:
    for name in rule.fields:
        _expect(kinds, name, USED_AS[rule.level_of], place)
    if rule.level_of is LevelOf.COMPARE:
        if len(rule.points) != LEVELS_OF_COMPARE:
            raise InputError(f"{len(rule.points)} points", place, "write three: below, equal, above the limit")
        if len({kinds[name] is FieldKind.DAY for name in rule.fields}) > 1:
            raise InputError("a day is compared with a number", place, "compare two days or two numbers")


def _expect(kinds: dict[str, FieldKind], name: str, allowed: tuple[FieldKind, ...], place: str) -> None:
    if name not in kinds:
        raise InputError(f"there is no field {name!r}", place, f"use one of: {', '.join(kinds)}")
    if kinds[name] not in allowed:
        raise InputError(f"field {name!r} is of kind {kinds[name]}", place, f"use a field of: {', '.join(allowed)}")


def _point_rule(node: str, entry: dict[str, Any]) -> PointRule:
    level_of = next(one for one in LevelOf if one in entry)
    named = entry[level_of]
    return PointRule(
        node=node,
        level_of=level_of,
        fields=tuple(named) if level_of is LevelOf.COMPARE else (named,),
        points=dict(enumerate(entry["points"])),
        status=Status(entry["status"]),
        source=entry.get("source", ""),
    )


def _rate_rule(node: str, entry: dict[str, Any]) -> RateRule:
    faults = tuple(
        Fault(
            name, said["title"]["vi"], said["title"]["en"], tuple(said.get("late", ())), tuple(said.get("any_of", ()))
        )
        for name, said in entry["faults"].items()
    )
    return RateRule(
        node, faults, entry["full_points"], entry["full_from"], Status(entry["status"]), entry.get("source", "")
    )
