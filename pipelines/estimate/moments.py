"""Second moments of (points, validity) of all items, kept packed, and those of residuals that follow from them.

It must not know a stratum or a domain.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from pipelines.estimate.spec import Floats, Ints

ROUNDING = 1e-12  # squares that are a smaller part of what they were subtracted from are arithmetic, not variance


def residual_moments(packed: Floats, ratio: Floats) -> Floats:
    """Return Σ(p − R·d)(p − R·d)ᵀ by row from packed moments of (p, d): rows × J × J; R is J or rows × J.

    An item whose residuals are 0 but for rounding has moments of exactly 0.
    """
    j = ratio.shape[-1]
    place = _places(2 * j)
    pp, pd, dd = (packed.take(places, axis=1) for places in (place[:j, :j], place[:j, j:], place[j:, j:]))
    cross = pd * ratio[..., None, :]
    found = pp - cross - cross.transpose(0, 2, 1) + dd * (ratio[..., :, None] * ratio[..., None, :])
    none = np.einsum("hjj->hj", found) <= ROUNDING * np.einsum("hjj->hj", pp)
    found[none[:, :, None] | none[:, None, :]] = 0.0
    return found


def squares_of_moments(members: Floats) -> Floats:
    """Return the linear map from packed moments to ΣY², ΣYD and ΣD² of respondents' own totals Y = Σap and D = Σad.

    Args:
        members: relative weights a of the items in the nodes, J × K.

    Returns:
        packed moments × 3K: the K nodes for each of the three in turn.
    """
    j, nodes = members.shape
    upper = np.triu_indices(2 * j)
    found = np.zeros((3, nodes, len(upper[0])))
    for at, (rows, columns) in enumerate(((0, 0), (0, j), (j, j))):
        for node, a in enumerate(members.T):
            full = np.zeros((2 * j, 2 * j))
            full[rows : rows + j, columns : columns + j] = np.outer(a, a)
            found[at, node] = (full + full.T - np.diag(np.diag(full)))[upper]
    return found.reshape(3 * nodes, -1).T


@cache
def _places(width: int) -> Ints:
    """Return where each entry of a symmetric matrix is in its packed upper triangle."""
    rows, columns = np.triu_indices(width)
    found = np.empty((width, width), dtype=np.int64)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    return found
