"""Estimation domains: which rows of a tally speak for which unit and category; it must not compute an estimate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipelines.estimate.spec import Ints
from pipelines.estimate.strata import Strata
from pipelines.estimate.totals import Rows

Cell = tuple[str, str]  # breakdown and category
WHOLE: Cell = ("", "")


@dataclass(frozen=True)
class Domain:
    """One unit (or roll-up of units) in one category of one breakdown.

    `parts` gives the rows of the tally by unit; `remarks` are reasons for caution that hold for all its estimates.
    """

    unit: str
    breakdown: str
    category: str
    is_rollup: bool
    parts: Mapping[str, Ints]
    remarks: frozenset[str]

    @cached_property
    def rows(self) -> Ints:
        """All rows of the domain."""
        return np.concatenate(list(self.parts.values()))


def domains(
    rows: Rows, strata: Strata, rollups: Mapping[str, tuple[str, ...]], breakdown_min_n: int = 0
) -> Iterator[Domain]:
    """Yield the domains that have a response: units by code, then roll-ups, each by breakdown and category.

    Units (and roll-ups) with fewer than `breakdown_min_n` responses are not broken down, all categories or none: where
    one category were missing among others, it would follow by subtraction.
    """
    found: dict[Cell, dict[str, list[int]]] = {}
    for number, (breakdown, category, unit) in enumerate(zip(rows.breakdown, rows.category, rows.unit, strict=True)):
        found.setdefault((breakdown, category), {}).setdefault(unit, []).append(number)
    cells = {cell: {unit: np.array(at) for unit, at in units.items()} for cell, units in sorted(found.items())}
    gaps = {key[0] for key in strata.without_answers}
    answered = {key[0] for key in strata.keys}
    groups: list[tuple[str, tuple[str, ...], bool]] = [(unit, (unit,), False) for unit in sorted(answered)]
    groups += [(unit, tuple(sorted(members)), True) for unit, members in rollups.items()]
    for unit, members, is_rollup in groups:
        remarks = _remarks(members, gaps, answered)
        is_large = _responses(rows, cells.get(WHOLE, {}), members) >= breakdown_min_n
        for cell, units in cells.items():
            parts = {member: units[member] for member in members if member in units}
            if parts and (is_large or cell == WHOLE):
                yield Domain(unit, *cell, is_rollup, parts, remarks)


def _responses(rows: Rows, whole: Mapping[str, Ints], members: tuple[str, ...]) -> int:
    """Return how many responses the units have, `whole` being their rows of the tally without breakdown."""
    return int(sum(rows.n[whole[member]].sum() for member in members if member in whole))


def _remarks(members: tuple[str, ...], gaps: set[str], answered: set[str]) -> frozenset[str]:
    found = {"strata_without_answers"} if gaps & set(members) else set()
    return frozenset(found | ({"units_without_answers"} if set(members) - answered else set()))
