"""Shares a sample out over cells: proportional to given shares, within bounds, in whole numbers that add up exactly.

One factor λ serves all cells: a cell gets λ·share, but not less than its minimum and not more than it holds. Whole
numbers follow by the largest remainder. It must not know what a share stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipelines.model.errors import InputError

Key = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A stratum, a PSU or a channel: how much it holds, what it is shared out by, and the fewest it must get.

    `share` is the size for a proportional allocation, and size × standard deviation for Neyman's.
    """

    key: Key
    size: int
    share: float | Fraction
    minimum: int = 0


def allocate(total: int, cells: Sequence[Cell], where: str = "plan") -> list[int]:
    """Return how many of `total` each cell gets; the sum is `total`, and the same cells give the same numbers.

    Raises:
        InputError: the cells hold fewer than the total, their minima need more, or a share is negative or missing.
    """
    _expect_possible(total, cells, where)
    factor = _factor(total, cells, where)
    return spread(total, [_bounded(cell, factor) for cell in cells], [cell.key for cell in cells])


def spread(total: int, wanted: Sequence[Fraction], keys: Sequence[Key]) -> list[int]:
    """Return whole numbers next to those wanted (which sum to `total`): the largest remainders are rounded up.

    Equal remainders go by key, so that the order of the cells does not matter.
    """
    found = [math.floor(value) for value in wanted]
    by_remainder = sorted(range(len(found)), key=lambda i: (found[i] - wanted[i], keys[i]))
    for i in by_remainder[: total - sum(found)]:
        found[i] += 1
    return found


def _bounded(cell: Cell, factor: Fraction) -> Fraction:
    return min(max(factor * Fraction(cell.share), Fraction(cell.minimum)), Fraction(cell.size))


def _factor(total: int, cells: Sequence[Cell], where: str) -> Fraction:
    """Return λ: the sum over cells is a rising, piecewise linear function of it, so look between its breakpoints."""
    ends = {Fraction(end) / Fraction(c.share) for c in cells if c.share > 0 for end in (c.minimum, c.size)}
    low = Fraction(0)
    for high in sorted(ends):
        above = sum((_bounded(cell, high) for cell in cells), Fraction(0))
        if above >= total:
            below = sum((_bounded(cell, low) for cell in cells), Fraction(0))
            return high if above == below else low + (high - low) * (total - below) / (above - below)
        low = high
    if sum((_bounded(cell, low) for cell in cells), Fraction(0)) == total:
        return low
    raise InputError(
        f"{total} cannot be shared out: too many strata have the share 0",
        where,
        "give these strata a deviation above 0, or ask fewer",
    )


def _expect_possible(total: int, cells: Sequence[Cell], where: str) -> None:
    for cell in cells:
        name = " / ".join(cell.key)
        if not 0 <= cell.share < math.inf:
            raise InputError(f"the share is {cell.share}", f"{where}, stratum {name}", "give a number from 0 up")
        if not 0 <= cell.minimum <= cell.size:
            raise InputError(
                f"at least {cell.minimum} are wanted of {cell.size}", f"{where}, stratum {name}", "lower the minimum"
            )
    held, needed = sum(cell.size for cell in cells), sum(cell.minimum for cell in cells)
    if total > held:
        raise InputError(f"{total} are wanted, but there are only {held}", where, f"ask {held} at most")
    if total < needed:
        raise InputError(
            f"the minima of the strata need {needed}, but only {total} are wanted",
            where,
            f"ask {needed} at least, or lower minimum_per_stratum or minimum_per_procedure",
        )
