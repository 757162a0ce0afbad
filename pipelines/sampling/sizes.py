"""How many to ask: the formulas and the tables by which surveys set the size of a sample.

Sizes are whole numbers, rounded up. It must not share a size out over strata.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from statistics import NormalDist
from typing import Any

from pipelines.model.errors import InputError


class Rule(StrEnum):
    """How a size follows from a population."""

    YAMANE = "yamane"
    COCHRAN = "cochran"
    STEPS = "steps"
    TYPES = "types"


@dataclass(frozen=True)
class SizeRule:
    """The rule of a round and what it needs.

    Args:
        rule: which of `Rule`.
        margin: half the width of the interval that is aimed at, as a share.
        level: confidence level (only for `cochran`).
        proportion: share that is expected; 0.5 gives the largest sample (only for `cochran`).
        design_effect: factor for clusters and unequal weights (only for `cochran`).
        steps: (population from which on, size), in any order.
        types: (type of unit as its name begins, such as Xã; size).
        minimum: never fewer, as far as the population goes.
    """

    rule: Rule = Rule.YAMANE
    margin: float = 0.05
    level: float = 0.95
    proportion: float = 0.5
    design_effect: float = 1.0
    steps: tuple[tuple[int, int], ...] = ()
    types: tuple[tuple[str, int], ...] = ()
    minimum: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any], level: float) -> SizeRule:
        """Read the section `sampling` of the settings."""
        return cls(
            rule=Rule(settings["rule"]),
            margin=settings["margin"],
            level=level,
            proportion=settings["proportion"],
            design_effect=settings["design_effect"],
            steps=tuple((step["from"], step["size"]) for step in settings["steps"]),
            types=tuple((entry["type"], entry["size"]) for entry in settings["types"]),
            minimum=settings["minimum"],
        )


def yamane(population: int, margin: float) -> int:
    """Return N/(1 + N·e²), rounded up (Yamane 1967): Cochran's size at a level of about 95 % and a share of one half.

    Computed in whole fractions, so that a result that is a whole number is not rounded to the next.
    """
    e = Fraction(str(margin))
    return math.ceil(population / (1 + population * e * e))


def cochran(
    margin: float, level: float, population: int | None = None, proportion: float = 0.5, design_effect: float = 1.0
) -> int:
    """Return deff · n₀/(1 + (n₀ − 1)/N) with n₀ = z²·p·(1 − p)/e², rounded up (Cochran 1977, eq. 4.1 and 4.2).

    `population` None is an infinite one. The result is never above the population.
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    first = z * z * proportion * (1 - proportion) / margin**2
    size = first if population is None else first / (1 + (first - 1) / max(population, 1))
    rounded = math.ceil(size * design_effect - 1e-9)
    return rounded if population is None else min(rounded, population)


def sample_size(rule: SizeRule, population: int, name: str = "") -> int:
    """Return how many of a unit's population are asked, at least `rule.minimum` and never more than there are.

    Args:
        rule: of the round.
        population: people or dossiers of the unit.
        name: of the unit; the rule `types` goes by how it begins.

    Raises:
        InputError: no step or type fits.
    """
    if rule.rule is Rule.YAMANE:
        size = yamane(population, rule.margin)
    elif rule.rule is Rule.COCHRAN:
        size = cochran(rule.margin, rule.level, population, rule.proportion, rule.design_effect)
    elif rule.rule is Rule.STEPS:
        size = _step(rule.steps, population)
    else:
        size = _of_type(rule.types, name)
    return min(max(size, rule.minimum), population)


def _step(steps: Sequence[tuple[int, int]], population: int) -> int:
    reached = [step for step in steps if step[0] <= population]
    if not reached:
        raise InputError(
            f"no step holds for a population of {population}",
            "settings: sampling.steps",
            "add a step, for instance {from: 0, size: 100}",
        )
    return max(reached)[1]


def _of_type(types: Sequence[tuple[str, int]], name: str) -> int:
    fitting = [(len(kind), size) for kind, size in types if name.casefold().startswith(f"{kind.casefold()} ")]
    if not fitting:
        raise InputError(
            f"no type of unit fits “{name}”",
            "settings: sampling.types",
            f"types there are: {', '.join(kind for kind, _ in types) or 'none'}; a name begins with its type",
        )
    return max(fitting)[1]
