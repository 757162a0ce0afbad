"""The design of a sample for an analyst: stages, strata, weights, finite populations, domains, as in R's `survey`.

    design = Design(table, psu=["dnum"], strata=["stype"], weight="pw", population=["fpc"])
    design.mean(["api00"], by=["stype"]).table()

Where the index needs tallies, an analyst has the responses themselves; this module takes them as a pandas or Arrow
table. A domain keeps every PSU of the design. A missing value leaves its response out of the domain of that column
alone (`na.rm=TRUE` asked for one column at a time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.estimate.result import Estimate
from pipelines.estimate.spec import Bools, Floats
from pipelines.estimate.stages import Stage, multistage_covariance, stages_of
from pipelines.estimate.variance import Lonely
from pipelines.estimate.weights import Weighting, base_weights
from pipelines.model.errors import InputError


class Design:
    """A sample and how it was drawn.

    Args:
        data: one row a response.
        psu: columns of the sampling units, one a stage; empty: every response is its own.
        strata: columns of the strata, one a stage as far as there are any.
        weight: column of the weights, or a `Weighting` whose adjustments then enter the variance; None: from
            `population`, or 1.
        population: columns of the finite population, one a stage: the number of units in the stratum, or the sampling
            fraction where it is at most 1. Empty: with replacement.
        nested: whether codes of PSUs start anew in every stratum.
        lonely: rule for strata with a single PSU.

    Raises:
        InputError: a column is missing or has gaps, a PSU lies in two strata, a population is not constant in its
            stratum or smaller than the sample, a weight is negative or missing.
    """

    def __init__(
        self,
        data: pd.DataFrame | pa.Table,
        psu: Sequence[str] = (),
        strata: Sequence[str] = (),
        weight: str | Weighting | None = None,
        population: Sequence[str] = (),
        nested: bool = False,
        lonely: Lonely | str = Lonely.FAIL,
    ) -> None:
        """Check the design and work out its stages and weights."""
        self.data = data.to_pandas() if isinstance(data, pa.Table) else data.reset_index(drop=True)
        used = [*psu, *strata, *population, *([weight] if isinstance(weight, str) else [])]
        _expect_complete(self.data, used)
        self.lonely = lonely
        self.stages: list[Stage] = stages_of(self.data, psu, strata, population, nested)
        if isinstance(weight, Weighting):
            self.weighting = weight
        elif weight is not None:
            self.weighting = base_weights(self.data[weight].to_numpy(dtype=float), weight)
        else:
            self.weighting = base_weights(np.prod([1 / stage.fraction for stage in self.stages], axis=0), "design")
        if len(self.weighting.weight) != len(self.data):
            raise InputError("there are not as many weights as rows", "weights", "weigh the same rows")

    @property
    def df(self) -> int:
        """Degrees of freedom: PSUs − strata of the first stage, among responses with a weight."""
        used, first = self.weighting.weight != 0, self.stages[0]
        return len(np.unique(first.unit[used])) - len(np.unique(first.stratum[used]))

    def total(self, columns: Sequence[str], by: Sequence[str] = (), where: Bools | None = None) -> Estimate:
        """Return totals of columns over the domains of `by` within `where`."""
        return self._estimate("total", {name: (self._column(name), None) for name in columns}, by, where)

    def mean(self, columns: Sequence[str], by: Sequence[str] = (), where: Bools | None = None) -> Estimate:
        """Return means of columns."""
        return self._estimate("mean", {name: (self._column(name), None) for name in columns}, by, where)

    def ratio(self, numerator: str, denominator: str, by: Sequence[str] = (), where: Bools | None = None) -> Estimate:
        """Return the ratio of two totals."""
        pair = (self._column(numerator), self._column(denominator))
        return self._estimate("ratio", {f"{numerator}/{denominator}": pair}, by, where)

    def proportions(self, column: str, by: Sequence[str] = (), where: Bools | None = None) -> Estimate:
        """Return the proportion of each category of a column among those that have one."""
        _expect_columns(self.data, [column])
        values = self.data[column]
        shares = {
            f"{column}{category}": (np.where(values.isna(), np.nan, values == category), None)
            for category in sorted(values.dropna().unique())
        }
        return self._estimate("mean", shares, by, where)

    def shares_up_to(self, column: str, limits: Sequence[float], where: Bools | None = None) -> Estimate:
        """Return the share of those whose value of a column is at or below each limit."""
        values = self._column(column)
        parts = {f"{limit:g}": (np.where(np.isnan(values), np.nan, values <= limit), None) for limit in limits}
        return self._estimate("mean", parts, (), where)

    def _column(self, name: str) -> Floats:
        _expect_columns(self.data, [name])
        return self.data[name].to_numpy(dtype=float, na_value=np.nan)

    def _estimate(
        self, what: str, columns: Mapping[str, tuple[Floats, Floats | None]], by: Sequence[str], where: Bools | None
    ) -> Estimate:
        """Estimate every column in every domain, with the covariance of all of them."""
        names, parts = [], []
        for name, (y, x) in columns.items():
            for label, member in self._domains(by, where):
                names.append(f"{label}:{name}" if by and len(columns) > 1 else label or name)
                parts.append(_linearise(what, y, x, self.weighting.weight, member))
        value, influence, n, simple, population = (np.array(column) for column in zip(*parts, strict=True))
        covariance = self._covariance(influence.T)
        covariance[np.isnan(value)] = np.nan
        covariance[:, np.isnan(value)] = np.nan
        return Estimate(tuple(names), value, covariance, self.df, n, simple, population)

    def _covariance(self, influence: Floats) -> Floats:
        for centring in self.weighting.centrings:
            influence = centring.residual(influence)
        return multistage_covariance(influence, self.stages, self.lonely)

    def _domains(self, by: Sequence[str], where: Bools | None) -> list[tuple[str, Bools]]:
        """Return label and members of each domain; the first column of `by` varies fastest."""
        inside = np.ones(len(self.data), dtype=bool) if where is None else np.asarray(where, dtype=bool)
        if not by:
            return [("", inside)]
        _expect_columns(self.data, by)
        own = list(self.data[list(by)].itertuples(index=False, name=None))
        known = self.data[list(by)].notna().all(axis=1).to_numpy()
        found = sorted({key for key, used in zip(own, inside & known, strict=True) if used}, key=lambda key: key[::-1])
        number = pd.Series(own).map({key: place for place, key in enumerate(found)}).to_numpy()
        return [(".".join(map(str, key)), inside & (number == place)) for place, key in enumerate(found)]


def _linearise(
    what: str, y: Floats, x: Floats | None, weight: Floats, member: Bools
) -> tuple[float, Floats, float, float, float]:
    """Return the estimate, the influence of each response, n, its simple variance and the size of the domain."""
    valid = member & ~np.isnan(y) & (True if x is None else ~np.isnan(x))
    w, y = weight * valid, np.nan_to_num(y)
    n, size = float((valid & (weight != 0)).sum()), float(w.sum())
    if what == "total":
        return float(w @ y) if n else np.nan, w * y, n, np.nan, size
    x = np.ones(len(y)) if x is None else np.nan_to_num(x)
    divisor = float(w @ x)
    if divisor == 0:
        return np.nan, np.zeros(len(y)), n, np.nan, size
    value = float(w @ y) / divisor
    residual = y - value * x
    simple = size * float(w @ residual**2) / divisor**2 / (n - 1) if n > 1 else np.nan
    return value, w * residual / divisor, n, simple, size


def _expect_complete(data: pd.DataFrame, columns: Sequence[str]) -> None:
    _expect_columns(data, columns)
    for name in columns:
        if gaps := int(data[name].isna().sum()):
            raise InputError(
                f"{gaps} rows have no value", f"column {name}", "every row needs its place in the design and its weight"
            )


def _expect_columns(data: pd.DataFrame, columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in data.columns]:
        raise InputError(f"there is no column {', '.join(missing)}", "data", f"use one of {', '.join(data.columns)}")
