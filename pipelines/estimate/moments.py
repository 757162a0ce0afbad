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


@cache
def _places(width: int) -> Ints:
    """Return where each entry of a symmetric matrix is in its packed upper triangle."""
    rows, columns = np.triu_indices(width)
    found = np.empty((width, width), dtype=np.int64)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    return found
