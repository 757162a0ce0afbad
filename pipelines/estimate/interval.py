"""Confidence intervals from an estimate, its standard error and degrees of freedom.

`logit` and `beta` (Korn & Graubard 1998) are for percentages and stay inside 0–100; `t` is symmetric and is not cut at
the ends of a scale, since a cut interval no longer says how uncertain the estimate is. Formulas as in R's `svyciprop`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from pipelines.estimate.spec import Floats

Interval = tuple[Floats, Floats]


def t_interval(estimate: Floats, se: Floats, df: Floats, n: Floats, level: float) -> Interval:
    """Return estimate ± t(df)·se; `n` is not needed."""
    half = quantile(df, level) * se
    return estimate - half, estimate + half


def logit_interval(percent: Floats, se: Floats, df: Floats, n: Floats, level: float) -> Interval:
    """Return the t interval of log(p/(1−p)), transformed back to percent; NaN at 0 and 100."""
    p = percent / 100
    inside = (p > 0) & (p < 1)
    safe = np.where(inside, p, 0.5)
    half = quantile(df, level) * (se / 100) / (safe * (1 - safe))
    middle = np.where(inside, special.logit(safe), np.nan)
    return 100 * special.expit(middle - half), 100 * special.expit(middle + half)


def beta_interval(percent: Floats, se: Floats, df: Floats, n: Floats, level: float) -> Interval:
    """Return the Clopper–Pearson interval on the effective sample size, adjusted for `df`, in percent.

    Where the variance is 0 because all answers agree, the effective sample size is the number of answers `n`.
    """
    p, alpha = percent / 100, 1 - level
    varies = (se > 0) & (p > 0) & (p < 1)
    effective = np.where(varies, p * (1 - p) / np.where(varies, se / 100, 1.0) ** 2, n)
    ratio = quantile(n - 1, level) / quantile(df, level)
    effective = effective * np.where(varies, ratio**2, 1.0)
    yes, no = effective * p, effective * (1 - p)
    low = np.where(yes > 0, special.betaincinv(np.maximum(yes, 1e-300), no + 1, alpha / 2), 0.0)
    high = np.where(no > 0, special.betaincinv(yes + 1, np.maximum(no, 1e-300), 1 - alpha / 2), 1.0)
    unknown = np.isnan(p) | np.isnan(effective)
    return 100 * np.where(unknown, np.nan, low), 100 * np.where(unknown, np.nan, high)


def quantile(df: Floats, level: float) -> Floats:
    """Return the two-sided t quantile; NaN where there are no degrees of freedom, normal where they are infinite."""
    known, place = np.unique(np.asarray(df, dtype=float), return_inverse=True)  # most rows share theirs: each once
    found = np.where(known > 0, special.stdtrit(np.where(known > 0, known, 1.0), 0.5 + level / 2), np.nan)
    return found[place].reshape(np.shape(df))


METHODS: dict[str, Callable[[Floats, Floats, Floats, Floats, float], Interval]] = {
    "t": t_interval,
    "logit": logit_interval,
    "beta": beta_interval,
}
