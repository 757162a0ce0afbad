"""Ratio means of all items of a domain with their full covariance, and what follows for every node of the tree.

With R_j = Y_j/D_j the influence of a respondent on the mean of item j is w(p_j − R_j·d_j)/D_j (Taylor linearisation);
its totals by PSU, or its second moments where each response is a PSU, give the covariance of all items at once, and a
node with coefficients c has the variance cᵀ·cov·c. It must not read a tally table, nor judge a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.estimate.strata import Strata
from pipelines.estimate.totals import Totals
from pipelines.estimate.variance import Scaling, covariance_of_moments, covariance_of_totals, scaling

ROUNDING = 1e-12  # squares that are a smaller part of what they were subtracted from are arithmetic, not variance


@dataclass(frozen=True)
class ItemMeans:
    """Means of the items (NaN without an answer) and their covariance (0 there)."""

    mean: Floats
    covariance: Floats

    @property
    def available(self) -> Bools:
        """Which items have an answer."""
        return ~np.isnan(self.mean)


@dataclass(frozen=True)
class Design:
    """The strata of one domain: which they are, the stratum of each of its rows, and the factors of the variance."""

    strata: Ints
    of_row: Ints
    psus: Ints
    how: Scaling

    @classmethod
    def of(cls, stratum: Ints, strata: Strata, lonely: str) -> Design:
        """Take the strata of the rows of a domain."""
        own, of_row = np.unique(stratum, return_inverse=True)
        names = [" / ".join(strata.keys[i]) for i in own]
        how = scaling(strata.psus[own], strata.correction[own], lonely, names)
        return cls(own, of_row, strata.psus[own], how)


def item_means(totals: Totals, rows: Ints, design: Design) -> ItemMeans:
    """Return means and covariance of the items over some rows of the tally."""
    weight = totals.scale[rows]
    size = weight @ totals.d[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(size > 0, weight @ totals.y[rows] / size, np.nan)
    ratio, divisor = np.nan_to_num(mean), np.where(size > 0, size, 1.0)
    residual = (totals.y[rows] - ratio * totals.d[rows]) * (weight[:, None] / divisor)
    if totals.moments is None:
        covariance = covariance_of_totals(residual, design.of_row, design.psus, design.how)
    else:
        second = residual_moments(totals.moments[rows], ratio) * (weight**2)[:, None, None]
        second /= np.outer(divisor, divisor)
        order = np.argsort(design.of_row)
        covariance = covariance_of_moments(second[order], residual[order], design.psus, design.how)
    return ItemMeans(mean, covariance)


def residual_moments(packed: Floats, ratio: Floats) -> Floats:
    """Return Σ(p − R·d)(p − R·d)ᵀ by row from packed moments of (p, d): rows × J × J; R is J or rows × J."""
    j = ratio.shape[-1]
    width = 2 * j
    full = np.zeros((len(packed), width, width))
    upper = np.triu_indices(width)
    full[:, upper[0], upper[1]] = packed
    full[:, upper[1], upper[0]] = packed
    pp, pd, dd = full[:, :j, :j], full[:, :j, j:], full[:, j:, j:]
    cross = pd * ratio[..., None, :]
    found = pp - cross - cross.transpose(0, 2, 1) + dd * (ratio[..., :, None] * ratio[..., None, :])
    none = np.einsum("hjj->hj", found) <= ROUNDING * np.einsum("hjj->hj", pp)
    found[none[:, :, None] | none[:, None, :]] = 0.0
    return found


def average(parts: list[ItemMeans], share: Floats) -> ItemMeans:
    """Return the mean of independent units with the given shares; an item is averaged over the units that have it."""
    mean = np.array([part.mean for part in parts])
    weight = share[:, None] * ~np.isnan(mean)
    with np.errstate(invalid="ignore"):
        weight = weight / weight.sum(axis=0)
    covariance = sum(np.outer(w, w) * part.covariance for w, part in zip(np.nan_to_num(weight), parts, strict=True))
    has_value = ~np.isnan(mean).all(axis=0)
    return ItemMeans(np.where(has_value, np.nansum(weight * mean, axis=0), np.nan), np.asarray(covariance))


@dataclass(frozen=True)
class NodeMeans:
    """Estimates of all nodes of a domain.

    Args:
        score: NaN where a node has no value.
        se: standard error.
        n: respondents with an answer below the node.
        size: sum of their weights.
        kish: their number, discounted for unequal weights (Kish 1965): (Σw)²/Σw².
        srs: variance of the score in a simple random sample of n with replacement.
    """

    score: Floats
    se: Floats
    n: Ints
    size: Floats
    kish: Floats
    srs: Floats


def node_means(means: ItemMeans, coefficients: Floats, totals: Totals, rows: Ints, reweight: Floats) -> NodeMeans:
    """Return the nodes' estimates: C·mean and the square root of the diagonal of C·cov·Cᵀ.

    Args:
        means: of the items.
        coefficients: nodes × items, NaN rows where a node has no value.
        totals: of the tally.
        rows: of the domain.
        reweight: factor by row on the weights (units brought to their share), for `kish` and `srs` only.
    """
    score = coefficients @ np.nan_to_num(means.mean)
    variance = np.einsum("ki,ij,kj->k", coefficients, means.covariance, coefficients)
    size = totals.weights[rows][:, :, 0].sum(axis=0)
    weights = np.einsum("r,rk->k", reweight, totals.weights[rows][:, :, 0])
    weights2 = np.einsum("r,rk->k", reweight**2, totals.weights[rows][:, :, 1])
    n = totals.answered[rows].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        kish = np.where(n > 0, weights**2 / weights2, np.nan)
    srs = _simple_variance(totals, rows, reweight, weights, n) * np.nansum(coefficients, axis=1) ** 2
    return NodeMeans(score, np.sqrt(np.maximum(variance, 0.0)), n, size, kish, srs)


def _simple_variance(totals: Totals, rows: Ints, reweight: Floats, weights: Floats, n: Ints) -> Floats:
    """Return by node the variance that its mean would have in a simple random sample of n with replacement.

    s²/n of the respondents' own totals Y about R·D, over the mean of D (the linearised ratio ΣY/ΣD).
    """
    scale = totals.scale[rows] * reweight
    y, d = scale @ totals.y[rows] @ totals.members, scale @ totals.d[rows] @ totals.members
    yy, yd, dd = np.einsum("r,rkp->pk", reweight, totals.squares[rows])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = y / d
        squares = yy - 2 * ratio * yd + ratio**2 * dd
        found = np.where(squares > ROUNDING * yy, squares, 0.0) * weights / d**2 / (n - 1)
    return np.where(n > 1, found, np.nan)
