"""Importance and performance: how much each factor goes with satisfaction as a whole, and how well it is done.

Where the instrument asks for satisfaction as a whole, that answer is regressed on all factors and its R² is shared out
among them (Lindeman, Merenda & Gold 1980; the Shapley value of R²). Where the overall index is made of the very same
items, such a regression would find its own arithmetic: importance is then the correlation of a factor with the index of
all the others. Both follow from second moments alone, so no library has to hold the responses.

Quadrants are those of Martilla & James (1977), cut at the means over the factors. Importance says what goes together,
not what causes what. `potential` is no estimate but arithmetic: the points the index would gain if all were satisfied
with the factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.estimate.driver_moments import DriverMoments, DriverSpec
from pipelines.estimate.spec import Floats
from pipelines.estimate.tree import coefficients
from pipelines.model.method import Level, Node


class Quadrant(StrEnum):
    """What to do with a factor."""

    CONCENTRATE = "concentrate"  # important, not done well: mend first
    KEEP = "keep"  # important, done well
    LOW_PRIORITY = "low_priority"  # neither
    OVERDONE = "overdone"  # done well, not so important


LMG, REST = "lmg", "correlation_with_rest"

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("measure", "unit_code", "node_code")),
        pa.field("importance", pa.float64()),
        pa.field("se", pa.float64()),
        pa.field("importance_method", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("coefficient", "r_squared")),
        pa.field("n", pa.int64()),
        *(pa.field(name, pa.float64()) for name in ("score", "leverage", "potential")),
        pa.field("quadrant", pa.string()),
    ]
)


@dataclass(frozen=True)
class Importance:
    """By factor: importance and, in a regression, the standardised coefficient; R² of the whole."""

    value: Floats
    coefficient: Floats
    r_squared: float


def factors_of(tree: Node) -> tuple[str, ...]:
    """Return the codes of the factors of an index, in order."""
    return tuple(node.code for node in tree.walk() if node.level is Level.FACTOR and node.children)


def drivers(moments: DriverMoments, tree: Node, scores: Mapping[tuple[str, str], float], least: int = 30) -> pa.Table:
    """Return importance and performance of every factor in every unit (`SCHEMA`), the largest potential first.

    Args:
        moments: of the units and of those above them.
        tree: the index tree.
        scores: (unit, factor) → score under the measure of `moments`; one that is missing leaves performance unknown.
        least: fewest responses that importance is judged from; with fewer it is null.
    """
    spec = moments.spec
    leverage = leverages(tree, spec.factors)
    best = max(spec.tally.measures[spec.measure].values())
    rows: list[dict[str, Any]] = []
    for unit in sorted(moments.n):
        found, se = _importance(moments, unit, leverage, least)
        performance = np.array([scores.get((unit, factor), np.nan) for factor in spec.factors])
        potential = leverage * (best - performance)
        quadrants = quadrants_of(found.value, performance)
        for at in sorted(range(len(spec.factors)), key=lambda k: (-np.nan_to_num(potential[k]), k)):
            rows.append(
                {
                    "measure": spec.measure,
                    "unit_code": unit,
                    "node_code": spec.factors[at],
                    "importance": _known(found.value[at]),
                    "se": _known(se[at]),
                    "importance_method": LMG if spec.outcome else REST,
                    "coefficient": _known(found.coefficient[at]),
                    "r_squared": _known(found.r_squared),
                    "n": int(moments.n[unit].sum()),
                    "score": _known(performance[at]),
                    "leverage": float(leverage[at]),
                    "potential": _known(potential[at]),
                    "quadrant": quadrants[at],
                }
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def leverages(tree: Node, factors: tuple[str, ...]) -> Floats:
    """Return by how many points the index moves where a factor moves by one (its items all alike)."""
    codes, matrix = coefficients(tree)
    index, rows = matrix[codes.index(tree.code)], {code: matrix[number] for number, code in enumerate(codes)}
    return np.array([index[rows[factor] != 0].sum() / rows[factor].sum() for factor in factors])


def quadrants_of(importance: Floats, performance: Floats) -> list[str | None]:
    """Return the quadrant of each factor, cut at the means; None where either is unknown."""
    known = ~np.isnan(importance) & ~np.isnan(performance)
    if not known.any():
        return [None] * len(importance)
    weighty = importance >= importance[known].mean()
    well = performance >= performance[known].mean()
    names = {
        (True, False): Quadrant.CONCENTRATE,
        (True, True): Quadrant.KEEP,
        (False, False): Quadrant.LOW_PRIORITY,
        (False, True): Quadrant.OVERDONE,
    }
    return [str(names[bool(w), bool(p)]) if k else None for w, p, k in zip(weighty, well, known, strict=True)]


def _importance(moments: DriverMoments, unit: str, leverage: Floats, least: int) -> tuple[Importance, Floats]:
    """Return the importance of the factors in one unit and their standard errors.

    The standard error is the delete-a-group jackknife (Kott 2001) over the random groups of PSUs that have responses.
    """
    spec, products, n = moments.spec, moments.products[unit], moments.n[unit]
    unknown = np.full(len(spec.factors), np.nan)
    if n.sum() < max(least, 2):
        return Importance(unknown, unknown, np.nan), unknown
    total = products.sum(axis=0)
    whole = _importance_of(total, spec, leverage)
    used = np.flatnonzero(n)
    if len(used) < 2:
        return whole, unknown
    others = np.array([_importance_of(total - products[group], spec, leverage).value for group in used])
    spread = ((others - whole.value) ** 2).sum(axis=0)
    return whole, np.sqrt((len(used) - 1) / len(used) * spread)


def _importance_of(products: Floats, spec: DriverSpec, leverage: Floats) -> Importance:
    covariance = covariance_of(products)
    if spec.outcome:
        return regression(covariance)
    value = correlation_with_rest(covariance, leverage)
    return Importance(value, np.full(len(value), np.nan), np.nan)


def covariance_of(products: Floats) -> Floats:
    """Return the weighted covariance matrix from Σw·vvᵀ with v = (1, z)."""
    mean = products[0, 1:] / products[0, 0]
    found = products[1:, 1:] / products[0, 0] - np.outer(mean, mean)
    arithmetic = np.diag(found) <= 1e-12 * np.diag(products[1:, 1:]) / products[0, 0]
    found[arithmetic[:, None] | arithmetic[None, :]] = 0.0
    return found


def correlation_with_rest(covariance: Floats, leverage: Floats) -> Floats:
    """Return the correlation of each factor with the index of all the others; NaN where either does not vary."""
    found = np.full(len(leverage), np.nan)
    for factor in range(len(leverage)):
        rest = np.where(np.arange(len(leverage)) == factor, 0.0, leverage)
        variance = covariance[factor, factor] * (rest @ covariance @ rest)
        if variance > 0:
            found[factor] = covariance[factor] @ rest / np.sqrt(variance)
    return found


def regression(covariance: Floats) -> Importance:
    """Regress the last variable on all others: standardised coefficients, R², and R² shared out among them.

    LMG: the mean, over all orders in which the factors may enter, of what a factor adds to R² when it enters.
    """
    count = len(covariance) - 1
    outcome = covariance[count, count]
    if outcome <= 0:
        nothing = np.full(count, np.nan)
        return Importance(nothing, nothing, np.nan)
    explained = {
        subset: _r_squared(covariance, list(subset))
        for size in range(count + 1)
        for subset in combinations(range(count), size)
    }
    value = np.zeros(count)
    for factor in range(count):
        for subset in (one for one in explained if factor not in one):
            orders = factorial(len(subset)) * factorial(count - len(subset) - 1) / factorial(count)
            value[factor] += orders * (explained[tuple(sorted((*subset, factor)))] - explained[subset])
    slopes = np.linalg.pinv(covariance[:count, :count], hermitian=True) @ covariance[:count, count]
    coefficient = slopes * np.sqrt(np.diag(covariance)[:count] / outcome)
    return Importance(value, coefficient, explained[tuple(range(count))])


def _r_squared(covariance: Floats, subset: list[int]) -> float:
    if not subset:
        return 0.0
    with_outcome = covariance[subset, -1]
    inverse = np.linalg.pinv(covariance[np.ix_(subset, subset)], hermitian=True)
    return float(with_outcome @ inverse @ with_outcome / covariance[-1, -1])


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
