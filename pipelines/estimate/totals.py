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
        y: Σwp, rows × J.
        d: Σwd, rows × J.
        answered: responses with an answer below the node, rows × K.
        weights: Σw and Σw² of those, rows × K × 2.
        squares: Σw(Y², YD, D²) of the respondents' own totals, rows × K × 3.
        members: relative weights of the items in the nodes, J × K.
        moments: Σ(wv)(wv)ᵀ packed, rows × upper triangle; None where the tally is by PSU.
        scale: weight of the row's stratum: `moments` are still without it.
    """

    y: Floats
    d: Floats
    answered: Ints
    weights: Floats
    squares: Floats
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
    points, valid = _by_option(spec, measure)
    weighted, n = counts(tally, spec), sums_of(tally, "count").astype(float)
    y, d, per_row = weighted @ points, weighted @ valid, scale[:, None]
    w = np.stack([d * per_row, counts(tally, spec, 2) @ valid * per_row**2], axis=2)
    own = np.stack([weighted @ points**2, y, d], axis=2) * per_row[:, :, None]
    inner = _inner(tally, spec, measure, scale)
    place = {code: k for k, code in enumerate((*spec.items, *spec.nodes))}
    order = [place[code] for code in nodes]
    moments = None if spec.is_clustered else sums_of(tally, f"moments_{measure}")
    return Totals(
        y=y,
        d=d,
        answered=np.hstack([np.rint(n @ valid).astype(np.int64), inner[0]])[:, order],
        weights=np.concatenate([w, inner[1]], axis=1)[:, order],
        squares=np.concatenate([own, inner[2]], axis=1)[:, order],
        members=np.hstack([np.eye(len(spec.items)), spec.members])[:, order],
        moments=moments,
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


def _inner(tally: pa.Table, spec: TallySpec, measure: str, scale: Floats) -> tuple[Ints, Floats, Floats]:
    """Return answered, weights and squares of the inner nodes of one measure."""
    count, at = len(spec.nodes), list(spec.measures).index(measure)
    answered = sums_of(tally, "answered")[:, at * count : (at + 1) * count]
    squares = sums_of(tally, "squares")[:, 3 * at * count : 3 * (at + 1) * count].reshape(-1, 3, count)
    if spec.weight:
        both = sums_of(tally, "answered_weight").reshape(-1, 2, len(spec.measures), count)[:, :, at]
    else:
        both = np.stack([answered, answered], axis=1).astype(float)
    powers = np.stack([scale, scale**2], axis=1)[:, :, None]
    return answered, (both * powers).transpose(0, 2, 1), squares.transpose(0, 2, 1) * scale[:, None, None]
