"""Quantiles of a column with Woodruff's intervals; it must not compute a variance itself.

The quantile is the smallest value up to which the weighted share reaches p. Its interval (Woodruff 1952) is that of the
share at this value, p ± t·se, read back on the scale of the values; the standard error is the width over 2t. These are
the figures of R's `svyquantile(…, qrule = "math")`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipelines.estimate.design import Design
from pipelines.estimate.interval import quantile as t_quantile
from pipelines.estimate.spec import Bools, Floats
from pipelines.model.errors import InputError

TOLERANCE = 1e-12  # of a share, for what adding weights up leaves


def quantiles(
    design: Design, column: str, probabilities: Sequence[float], where: Bools | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return one row a probability: `probability`, `estimate`, `se`, `ci_low`, `ci_high`, `df`.

    An end of an interval that lies beyond the data is the smallest or largest value.

    Raises:
        InputError: a probability is not between 0 and 1, or nobody has a value.
    """
    asked = np.array(probabilities, dtype=float)
    if not ((asked > 0) & (asked < 1)).all():
        raise InputError(f"{probabilities} are not all between 0 and 1", "probabilities", "write shares such as 0.5")
    values, shares = _distribution(design, column, where)
    found = _read_back(values, shares, asked)
    if len(set(found)) < len(found):
        parts = [design.shares_up_to(column, [value], where) for value in found]
        low, high = (np.array([part.interval(level)[end][0] for part in parts]) for end in (0, 1))
    else:
        low, high = design.shares_up_to(column, found.tolist(), where).interval(level)
    ends = _read_back(values, shares, low), _read_back(values, shares, high)
    factor = 2 * t_quantile(np.array([float(design.df)]), level)[0]
    columns = {"probability": asked, "estimate": found, "se": (ends[1] - ends[0]) / factor}
    return pd.DataFrame(columns | {"ci_low": ends[0], "ci_high": ends[1], "df": design.df})


def _distribution(design: Design, column: str, where: Bools | None) -> tuple[Floats, Floats]:
    """Return the values that occur, rising, and the weighted share at or below each."""
    data = design.data[column].to_numpy(dtype=float, na_value=np.nan)
    inside = ~np.isnan(data) & (design.weighting.weight > 0)
    if where is not None:
        inside &= np.asarray(where, dtype=bool)
    if not inside.any():
        raise InputError("nobody has a value", f"column {column}", "choose a domain with answers")
    values, place = np.unique(data[inside], return_inverse=True)
    weight = np.bincount(place, design.weighting.weight[inside])
    return values, np.cumsum(weight) / weight.sum()


def _read_back(values: Floats, shares: Floats, asked: Floats) -> Floats:
    place = np.searchsorted(shares, asked - TOLERANCE, side="left")
    return values[np.clip(place, 0, len(values) - 1)]
