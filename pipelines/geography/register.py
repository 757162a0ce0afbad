"""The register of units (`units.csv`): which unit bears a code at a date.

It holds the list as it stood until 30/06/2025, the one from 01/07/2025 and every later amendment listed in NOTICE.md.
Earlier changes are not in it: the list of 30/06/2025 serves all earlier dates. It must not guess: a code that is not
in the list at the date is an error.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pipelines.model.errors import InputError
from pipelines.model.unit import UNIT_LEVELS, Unit

FOLDER = Path(__file__).parent
LEVEL_OF_LENGTH = {2: "province", 3: "district", 5: "commune"}
# Codes that another maintained list gives to the same unit: alias → (code, first day).
ALIASES = {"06978": ("06970", date(2025, 7, 1))}


def units(level: str, at: date) -> Mapping[str, Unit]:
    """Return all units of a level at a date, by code, in the order of codes.

    Args:
        level: `province`, `district` or `commune`.
        at: the day; there is no district from 01/07/2025 on.

    Raises:
        InputError: the level is none of these.
    """
    if level not in UNIT_LEVELS:
        raise InputError(f"“{level}” is not a level of units", remedy=f"use one of {', '.join(UNIT_LEVELS)}")
    return list_of(level, vintage_of(at))


def unit(code: str, level: str, at: date) -> Unit:
    """Return the unit that bears a code at a date; an alias is accepted.

    Raises:
        InputError: no unit of the level bears the code at the date; the message names those that bear it at another.
    """
    known = units(level, at)
    found = known.get(code) or known.get(aliases(at).get(code, ""))
    if found is None:
        raise InputError(f"{level} code “{code}” is not in the list of units at {at}", remedy=_remedy(code, level))
    return found


def aliases(at: date) -> dict[str, str]:
    """Return the codes of other lists that are accepted at a date → the codes of the register."""
    return {alias: code for alias, (code, since) in ALIASES.items() if at >= since}


def ancestors(child: Unit, at: date) -> tuple[Unit, ...]:
    """Return the units above a unit at a date, from its parent up."""
    found: list[Unit] = []
    while child.parent_code:
        child = unit(child.parent_code, LEVEL_OF_LENGTH[len(child.parent_code)], at)
        found.append(child)
    return tuple(found)


def vintage_of(at: date) -> int:
    """Return the number of changes of the register up to and including a day."""
    return bisect_right(_boundaries(), at)


@cache
def list_of(level: str, vintage: int) -> Mapping[str, Unit]:
    """Return the units of a level between two changes of the register."""
    day = _boundaries()[vintage - 1] if vintage else date.min
    return MappingProxyType({row.code: row for row in _rows() if row.level == level and _holds(row, day)})


@cache
def _boundaries() -> tuple[date, ...]:
    return tuple(sorted({row.valid_from for row in _rows() if row.valid_from}))


def _holds(row: Unit, day: date) -> bool:
    return (row.valid_from or date.min) <= day <= (row.valid_to or date.max)


@cache
def _rows() -> tuple[Unit, ...]:
    return tuple(_read())


def _read() -> Iterator[Unit]:
    with (FOLDER / "units.csv").open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream)
        next(lines)
        for level, code, name_vi, name_en, type_, parent, valid_from, valid_to, resolution in lines:
            yield Unit(level, code, name_vi, name_en, type_, parent, _day(valid_from), _day(valid_to), resolution)


@cache
def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _remedy(code: str, level: str) -> str:
    others = [row for row in _rows() if row.code == code and row.level == level]
    if not others:
        return "check the code (text with its leading zeros: 2 digits a province, 3 a district, 5 a commune)"
    periods = "; ".join(f"{row.name_vi} from {row.valid_from or '…'} to {row.valid_to or '…'}" for row in others)
    return f"check the date, or convert the code: it is {periods}"
