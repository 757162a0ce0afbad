"""Ratio means of all items of many domains at once, and what follows for every node of the tree.

With R_j = Y_j/D_j the influence of a respondent on the mean of item j is w(p_j − R_j·d_j)/D_j (Taylor linearisation;
Särndal, Swensson & Wretman 1992, §5.5), and that on a node with coefficients c the sum over items of c_j times it: its
totals by PSU, or its second moments where each response is a PSU, give the variance with the covariances between items
in it. It must not read a tally table, nor judge a result.

Shapes: G domains, P parts (see `Members`), J items, K nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.estimate.members import Members
from pipelines.estimate.moments import ROUNDING, residual_moments
from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.estimate.totals import Totals
from pipelines.estimate.tree import Patterns
from pipelines.estimate.variance import centring, variances_of_totals

PARTS = 128  # parts whose matrices of moments are unpacked together


@dataclass(frozen=True)
class ItemMeans:
    """Means of the items by domain, and what they are made of.

    Args:
        mean: G × J, NaN without an answer.
        ratio: means by part, P × J, 0 without an answer.
        lever: P × J, share of the part in the domain's mean over the part's sum of weights: the factor that makes
            w(p − R·d) an influence value.
    """

    mean: Floats
    ratio: Floats
    lever: Floats

    @property
    def available(self) -> Bools:
        """Which items have an answer, G × J."""
        return ~np.isnan(self.mean)


def item_means(totals: Totals, members: Members, share: Floats) -> ItemMeans:
    """Return the means of the items; `share` says what each part counts in its domain (`Members.shares`)."""
    weight = totals.scale[members.row]
    size = members.sums(members.rows_of_part, totals.d, weight)
    divisor = np.where(size > 0, size, 1.0)
    ratio = members.sums(members.rows_of_part, totals.y, weight) / divisor
    mean, part = members.average(ratio, size > 0, share)
    return ItemMeans(mean, ratio, part / divisor)


@dataclass(frozen=True)
class NodeMeans:
    """Estimates of all nodes, G × K each.

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


def node_means(
    means: ItemMeans, coefficients: Patterns, totals: Totals, members: Members, reweight: Floats
) -> NodeMeans:
    """Return the nodes' estimates.

    Args:
        means: of the items.
        coefficients: of the nodes by domain, NaN where a node has no value.
        totals: of the tally.
        members: the domains.
        reweight: factor by row on the weights (units brought to their share), for `kish` and `srs` only.
    """
    groups, ones = members.rows_of_domain, np.ones(len(members.row))
    score = coefficients.combine(np.nan_to_num(means.mean), np.arange(len(members.domains)))
    variance = node_variances(means, coefficients, totals, members)
    n = np.rint(members.sums(groups, totals.answered, ones)).astype(np.int64)
    weights = members.sums(groups, totals.weights, reweight)
    weights2 = members.sums(groups, totals.weights2, reweight**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        kish = np.where(n > 0, weights**2 / weights2, np.nan)
    sums = np.nansum(coefficients.matrices, axis=2)[coefficients.pattern]
    srs = _simple_variance(totals, members, reweight, weights, n) * sums**2
    size = members.sums(groups, totals.weights, ones)
    return NodeMeans(score, np.sqrt(np.maximum(variance, 0.0)), n, size, kish, srs)


def node_variances(means: ItemMeans, coefficients: Patterns, totals: Totals, members: Members) -> Floats:
    """Return the variances of the nodes' estimates, G × K."""
    spread = members.rows_of_part.spread
    residual = totals.y[members.row] - spread(means.ratio) * totals.d[members.row]
    residual *= spread(means.lever) * totals.scale[members.row, None]
    influence = coefficients.combine(residual, members.rows_of_domain.of_entry)
    if totals.moments is None:
        by_stratum = variances_of_totals(influence, members.rows_of_stratum, members.psus, members.how)
        return members.strata_of_domain.sums(by_stratum)
    about_zero = members.parts_of_domain.sums(
        _second_moments(means, coefficients, totals.moments, totals.scale, members)
    )
    off = centring(members.rows_of_stratum.sums(influence), members.psus, members.how)
    return about_zero - members.strata_of_domain.sums(off)


def _second_moments(
    means: ItemMeans, coefficients: Patterns, moments: Floats, scale: Floats, members: Members
) -> Floats:
    """Return Σ_h f_h Σ_i z² of the nodes' influence values z, P × K: cᵀMc, M the moments of the items' influence."""
    factor = members.rows_of_stratum.spread(members.how.factor) * scale[members.row] ** 2
    domain = members.parts_of_domain.of_entry
    found = np.empty((len(domain), coefficients.nodes))
    for start in range(0, len(domain), PARTS):
        parts = slice(start, start + PARTS)
        packed = members.sums(members.rows_of_part.some(start, PARTS), moments, factor)
        second = residual_moments(packed, means.ratio[parts])
        second *= means.lever[parts, :, None] * means.lever[parts, None, :]
        found[parts] = coefficients.quadratic(second, domain[parts])
    return found


def _simple_variance(totals: Totals, members: Members, reweight: Floats, weights: Floats, n: Ints) -> Floats:
    """Return by node the variance that its mean would have in a simple random sample of n with replacement.

    s²/n of the respondents' own totals Y about R·D, over the mean of D (the linearised ratio ΣY/ΣD).
    """
    groups, scale = members.rows_of_domain, totals.scale[members.row] * reweight
    y, d = (members.sums(groups, values, scale) @ totals.members for values in (totals.y, totals.d))
    yy, yd, dd = (members.sums(groups, squares, reweight) for squares in totals.squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = y / d
        squares = yy - 2 * ratio * yd + ratio**2 * dd
        found = np.where(squares > ROUNDING * yy, squares, 0.0) * weights / d**2 / (n - 1)
    return np.where(n > 1, found, np.nan)
