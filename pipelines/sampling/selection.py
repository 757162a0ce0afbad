"""Who is drawn: methods of selection that follow from a seed alone.

A row's number is SHA-256 of seed, stratum and serial, so a draw can be repeated with any tool and in any order of rows.
Inclusion probabilities are exact fractions. It must not read or write a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate

from pipelines.model.errors import InputError

Key = tuple[str, ...]
SEPARATOR = "\x1f"  # occurs in no serial and no code that a table holds


class Selection(StrEnum):
    """How rows are drawn within a stratum."""

    RANDOM = "random"
    SYSTEMATIC = "systematic"


@dataclass(frozen=True)
class Drawn:
    """A row that was drawn: its position in its stratum and the probability that it had."""

    position: int
    probability: Fraction


def chance(seed: int, *names: str) -> Fraction:
    """Return the number from 0 to below 1 that a seed gives to a name: the first 64 bits of SHA-256, big-endian."""
    digest = hashlib.sha256(SEPARATOR.join((str(seed), *names)).encode()).digest()
    return Fraction(int.from_bytes(digest[:8], "big"), 1 << 64)


def simple_random(serials: Sequence[str], count: int, seed: int, stratum: Key = ()) -> list[Drawn]:
    """Draw a simple random sample without replacement: the rows with the smallest numbers, in the order of the list."""
    _expect_enough(len(serials), count, stratum)
    order = sorted(range(len(serials)), key=lambda i: (chance(seed, *stratum, serials[i]), serials[i]))
    return [Drawn(i, Fraction(count, len(serials))) for i in sorted(order[:count])]


def systematic(serials: Sequence[str], count: int, seed: int, stratum: Key = ()) -> list[Drawn]:
    """Draw every N/n-th row of the list from a random start; a sorted list is thereby stratified by its order."""
    _expect_enough(len(serials), count, stratum)
    return pps_systematic([1] * len(serials), count, seed, stratum)


def pps_systematic(sizes: Sequence[int], count: int, seed: int, stratum: Key = ()) -> list[Drawn]:
    """Draw `count` units with probability proportional to size, without replacement, in the order of the list.

    Whoever is as large as the sampling interval is taken with certainty, and the others are drawn from what is left
    (Särndal, Swensson & Wretman 1992, §3.6.2).
    """
    _expect_enough(sum(1 for size in sizes if size > 0), count, stratum)
    certain = _certain(sizes, count)
    rest = [i for i in range(len(sizes)) if i not in certain and sizes[i] > 0]
    found = [Drawn(i, Fraction(1)) for i in certain]
    if draws := count - len(certain):
        interval = Fraction(sum(sizes[i] for i in rest), draws)
        point = interval * chance(seed, *stratum)
        for i, end in zip(rest, accumulate(sizes[i] for i in rest), strict=True):
            if point < end:
                found.append(Drawn(i, sizes[i] / interval))
                point += interval
    return sorted(found, key=lambda drawn: drawn.position)


def select(
    strata: Mapping[Key, Sequence[str]], planned: Mapping[Key, int], method: Selection, seed: int
) -> dict[Key, list[Drawn]]:
    """Draw as many of each stratum as planned; strata that the plan does not name give nobody.

    Raises:
        InputError: the list lacks a stratum of the plan, or holds fewer rows than planned.
    """
    draw = simple_random if method is Selection.RANDOM else systematic
    return {key: draw(strata.get(key, ()), count, seed, key) for key, count in planned.items() if count}


def _certain(sizes: Sequence[int], count: int) -> set[int]:
    certain: set[int] = set()
    while draws := count - len(certain):
        left = sum(size for i, size in enumerate(sizes) if i not in certain)
        large = {i for i, size in enumerate(sizes) if i not in certain and size * draws >= left > 0}
        if not large:
            break
        certain |= large
    return certain


def _expect_enough(there: int, count: int, stratum: Key) -> None:
    if count > there:
        raise InputError(
            f"{count} are planned, but the list holds {there}",
            f"stratum {' / '.join(stratum) or 'all'}",
            "plan fewer, or complete the list",
        )
