"""Estimates of an analyst with their full covariance: intervals, contrasts and tests; it must not see the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from pipelines.estimate.interval import METHODS
from pipelines.estimate.spec import Floats


@dataclass(frozen=True)
class Estimate:
    """Estimates that belong together.

    Args:
        names: of the k estimates.
        value: k estimates; NaN where there was nothing to estimate from.
        covariance: k × k.
        df: degrees of freedom of the design.
        n: responses behind each estimate.
        simple: variance of each in a simple random sample of n with replacement; empty where that has no meaning.
        population: estimated size of what each is about, for the correction in `deff`.
    """

    names: tuple[str, ...]
    value: Floats
    covariance: Floats
    df: int
    n: Floats
    simple: Floats
    population: Floats

    @property
    def se(self) -> Floats:
        """Standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def deff(self, replacement: bool = False) -> Floats:
        """Return the design effects, against simple random sampling without (or with) replacement."""
        fraction = 0.0 if replacement else self.n / self.population
        return np.diag(self.covariance) / (self.simple * (1 - fraction))

    def interval(self, level: float = 0.95, method: str = "t", df: float | None = None) -> tuple[Floats, Floats]:
        """Return lower and upper ends; `logit` and `beta` take the estimates as proportions from 0 to 1."""
        freedom = np.full(len(self.value), float(self.df if df is None else df))
        if method == "t":
            return METHODS[method](self.value, self.se, freedom, self.n, level)
        low, high = METHODS[method](100 * self.value, 100 * self.se, freedom, self.n, level)
        return low / 100, high / 100

    def contrast(self, coefficients: Mapping[str, float], name: str = "contrast") -> Estimate:
        """Return a linear combination with its variance, covariances included; a KeyError names an unknown estimate."""
        if unknown := set(coefficients) - set(self.names):
            raise KeyError(", ".join(sorted(unknown)))
        c = np.array([coefficients.get(own, 0.0) for own in self.names])
        used = c != 0
        value, variance = c[used] @ self.value[used], c @ np.nan_to_num(self.covariance) @ c
        nothing = np.full(1, np.nan)
        count = np.array([self.n[used].min()])
        return Estimate((name,), np.array([value]), np.array([[variance]]), self.df, count, nothing, nothing)

    def p_value(self, hypothesis: float = 0.0, df: float | None = None) -> Floats:
        """Return the two-sided p values of t tests of a value."""
        return 2 * special.stdtr(self.df if df is None else df, -np.abs(self.value - hypothesis) / self.se)

    def table(self, level: float = 0.95, method: str = "t") -> pd.DataFrame:
        """Return one row an estimate: name, estimate, se, ci_low, ci_high, df, n."""
        low, high = self.interval(level, method)
        columns = {"estimate": self.value, "se": self.se, "ci_low": low, "ci_high": high, "n": self.n.astype(int)}
        return pd.DataFrame({"name": self.names, **columns, "df": self.df})
