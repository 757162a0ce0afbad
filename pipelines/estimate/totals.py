"""A tally read as matrices of totals for one measure, with the weights of the strata applied.

It must not form a ratio: that is the estimator's part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.estimate.spec import BREAKDOWN, CATEGORY, Floats, Ints, TallySpec
from pipelines.estimate.strata import Strata
from pipelines.estimate.tallying import sums_of


@dataclass(frozen=True)
class Totals:
    """Totals by row of the tally, for one measure; J items, K nodes in the order of the tree.

    Args:
        y: Σwp, rows × J, without the weight of the stratum.
        d: Σwd, rows × J, without it.
        answered: responses with an answer below the node, rows × K.
        weights: Σw of those, rows × K.
        weights2: Σw² of those, rows × K.
        squares: ΣwY², ΣwYD and ΣwD² of the respondents' own totals, rows × K each.
        members: relative weights of the items in the nodes, J × K.
        moments: Σ(wv)(wv)ᵀ packed, rows × upper triangle; None where the tally is by PSU.
        scale: weight of the row's stratum: `moments` are still without it.
    """

    y: Floats
    d: Floats
    answered: Ints
    weights: Floats
    weights2: Floats
    squares: list[Floats]
    members: Floats
    moments: Floats | None
    scale: Floats


@dataclass(frozen=True)
class Rows:
    """What each row of the tally is about: its cell, its unit, its stratum's position and its number of responses."""

    breakdown: list[str]
    category: list[str]
    unit: list[str]
    stratum: Ints
    n: Ints

    @classmethod
    def of(cls, tally: pa.Table, spec: TallySpec, strata: Strata) -> Rows:
        """Read the key columns of a tally."""
        position = strata.position()
        keys = zip(*(tally[name].to_pylist() for name in spec.stratum), strict=True)
        stratum = np.array([position[key] for key in keys], dtype=np.int64)
        breakdown, category, unit = (tally[name].to_pylist() for name in (BREAKDOWN, CATEGORY, spec.unit))
        return cls(breakdown, category, unit, stratum, sums_of(tally, "n")[:, 0])


def counts(tally: pa.Table, spec: TallySpec, power: int = 1) -> Floats:
    """Return Σw^power by option, rows × options, without the weights of the strata."""
    return sums_of(tally, ("count_weight" if power == 1 else "count_weight2") if spec.weight else "count").astype(float)


def totals_of(tally: pa.Table, spec: TallySpec, measure: str, nodes: tuple[str, ...], scale: Floats) -> Totals:
    """Return the totals of one measure; `nodes` are codes of items and inner nodes, `scale` the weight by row."""
    place = {code: k for k, code in enumerate((*spec.items, *spec.nodes))}
    order = np.array([place[code] for code in nodes], dtype=np.int64)

    def by_node(items: np.ndarray, inner: np.ndarray) -> np.ndarray:
        return np.hstack([items, inner]).take(order, axis=1)

    points, valid = _by_option(spec, measure)
    weighted, per_row = counts(tally, spec), scale[:, None]
    y, d = weighted @ points, weighted @ valid
    inner = _inner(tally, spec, measure)
    answered = by_node(sums_of(tally, "count") @ valid if spec.weight else d, inner.answered)
    power = by_node(d, inner.weights), by_node(counts(tally, spec, 2) @ valid if spec.weight else d, inner.weights2)
    own = (weighted @ points**2, y, d)
    return Totals(
        y=y,
        d=d,
        answered=np.rint(answered).astype(np.int64),
        weights=power[0] * per_row,
        weights2=power[1] * per_row**2,
        squares=[by_node(*both) * per_row for both in zip(own, inner.squares, strict=True)],
        members=np.hstack([np.eye(len(spec.items)), spec.members])[:, order],
        moments=None if spec.is_clustered else sums_of(tally, f"moments_{measure}"),
        scale=scale,
    )


def _by_option(spec: TallySpec, measure: str) -> tuple[Floats, Floats]:
    """Return points and validity by option and item: two matrices options × items."""
    points, valid = np.zeros((2, spec.sums["count"][0], len(spec.items)))
    for column, item in enumerate(spec.items):
        for row, code in zip(range(spec.sums["count"][0])[spec.slots[item]], spec.options[item], strict=True):
            if code in spec.measures[measure]:
                points[row, column], valid[row, column] = spec.measures[measure][code], 1.0
    return points, valid


@dataclass(frozen=True)
class _Inner:
    """What a tally holds of the inner nodes of one measure, rows × nodes each; names as in `Totals`."""

    answered: Ints
    weights: np.ndarray
    weights2: np.ndarray
    squares: list[Floats]


def _inner(tally: pa.Table, spec: TallySpec, measure: str) -> _Inner:
    count, at = len(spec.nodes), list(spec.measures).index(measure)
    answered = sums_of(tally, "answered")[:, at * count : (at + 1) * count]
    squares = np.split(sums_of(tally, "squares")[:, 3 * at * count : 3 * (at + 1) * count], 3, axis=1)
    if not spec.weight:
        return _Inner(answered, answered, answered, squares)
    both = sums_of(tally, "answered_weight").reshape(-1, 2, len(spec.measures), count)
    return _Inner(answered, both[:, 0, at], both[:, 1, at], squares)
