"""What became of a unit when units changed (`crosswalk.csv`), forwards and backwards.

It says which units and how; it must not move numbers: restating a result on other units is a re-aggregation with
weights, done where the responses are.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

from pipelines.geography.register import FOLDER, LEVEL_OF_LENGTH, unit, units
from pipelines.model.unit import Change, Target

Steps = Mapping[tuple[str, date], tuple[Target, ...]]
SEVERITY = list(Change)


def successors(code: str, level: str, from_date: date, to_date: date) -> tuple[Target, ...]:
    """Return the units at `to_date` that a unit of `from_date` became: the default first, then by code.

    A district abolished on 01/07/2025 has none, except the five island districts that became đặc khu of their own.

    Raises:
        InputError: no unit bears the code at `from_date`.
        ValueError: `to_date` is before `from_date`.
    """
    start = unit(code, level, from_date)
    days = _days_between(from_date, to_date)
    return _walk(start.code, level, days, _forwards(), to_date)


def predecessors(code: str, level: str, from_date: date, to_date: date) -> tuple[Target, ...]:
    """Return the units at `from_date` that, whole or in part, became a unit of `to_date`, by code.

    `is_default` says whether this unit stands for the predecessor where that was split.

    Raises:
        InputError: no unit bears the code at `to_date`.
        ValueError: `to_date` is before `from_date`.
    """
    end = unit(code, level, to_date)
    days = reversed(_days_between(from_date, to_date))
    found = _walk(end.code, level, days, _backwards(), from_date)
    return tuple(sorted(found, key=lambda target: target.code))


def _walk(code: str, level: str, days: Iterable[date], steps: Steps, arrival: date) -> tuple[Target, ...]:
    reached: tuple[Target, ...] = (Target(code, level, Change.SAME, True),)
    for day in days:
        reached = tuple(_join(so_far, step) for so_far in reached for step in steps.get((so_far.code, day), (so_far,)))
    known = (target for target in reached if target.code in units(target.level, arrival))
    return tuple(sorted(known, key=lambda target: (not target.is_default, target.code)))


def _join(first: Target, then: Target) -> Target:
    kind = max(first.kind, then.kind, key=SEVERITY.index)
    return Target(then.code, then.level, kind, first.is_default and then.is_default)


def _days_between(from_date: date, to_date: date) -> list[date]:
    if to_date < from_date:
        raise ValueError(f"from {from_date} to {to_date} goes back in time")
    return [day for day in _last_days() if from_date <= day < to_date]


@cache
def _last_days() -> tuple[date, ...]:
    return tuple(sorted({day for _, day, _ in _links()}))


@cache
def _forwards() -> Steps:
    return _steps(_links())


@cache
def _backwards() -> Steps:
    return _steps(
        (target.code, day, Target(code, LEVEL_OF_LENGTH[len(code)], target.kind, target.is_default))
        for code, day, target in _links()
    )


def _steps(links: Iterable[tuple[str, date, Target]]) -> Steps:
    index: defaultdict[tuple[str, date], tuple[Target, ...]] = defaultdict(tuple)
    for code, day, target in links:
        index[code, day] += (target,)
    return dict(index)


@cache
def _links() -> tuple[tuple[str, date, Target], ...]:
    with (FOLDER / "crosswalk.csv").open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream)
        next(lines)
        return tuple(
            (code, date.fromisoformat(day), Target(to, LEVEL_OF_LENGTH[len(to)], Change(kind), is_default == "1"))
            for code, day, to, kind, is_default in lines
        )
