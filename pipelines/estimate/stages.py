"""Sampling in several stages with finite populations at each: the variance that R's `svyrecvar` computes.

The first stage adds the covariance of its totals between PSUs; every PSU then adds that of its own second stage times
the first stage's sampling fraction, and so on (Särndal et al. 1992, §4.3). Without a finite population later stages add
nothing: the first stage holds it all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.estimate.spec import Floats, Ints
from pipelines.estimate.variance import Lonely, covariance_of_totals, scaling
from pipelines.model.errors import InputError


@dataclass(frozen=True)
class Stage:
    """One stage by response: its stratum, its unit, units sampled in the stratum and the fraction that they are.

    `fraction` is 1 and `is_finite` False where the population is not given.
    """

    stratum: Ints
    unit: Ints
    sampled: Ints
    fraction: Floats
    is_finite: bool


def stages_of(
    data: pd.DataFrame, psu: Sequence[str], strata: Sequence[str], population: Sequence[str], nested: bool
) -> list[Stage]:
    """Return the stages of a design; the arguments are those of `Design`."""
    stages: list[Stage] = []
    above = np.zeros(len(data), dtype=np.int64)
    for number in range(max(len(psu), 1)):
        stratum = _codes(above, data[strata[number]]) if number < len(strata) else above
        inside = stratum if nested or number else above
        unit = _codes(inside, data[psu[number]]) if psu else np.arange(len(data))
        _expect_nested(stratum, unit, psu[number] if psu else "row", data)
        pairs = pd.DataFrame({"stratum": stratum, "unit": unit})
        sampled = pairs.groupby("stratum").unit.transform("nunique").to_numpy()
        is_finite = number < len(population)
        fraction = _fraction(data, population[number], stratum, sampled) if is_finite else np.ones(len(data))
        stages.append(Stage(stratum, unit, sampled, fraction, is_finite))
        above = unit
    return stages


def multistage_covariance(influence: Floats, stages: Sequence[Stage], lonely: Lonely | str) -> Floats:
    """Return the covariance (k × k) of the column sums of influence values, responses × k."""
    stage, later = stages[0], stages[1:]
    found = _one_stage(influence, stage, lonely)
    if not later or not stage.is_finite:
        return found
    for rows in pd.Series(stage.unit).groupby(stage.unit).indices.values():
        inner = [_take(one, np.asarray(rows)) for one in later]
        found = found + stage.fraction[rows[0]] * multistage_covariance(influence[rows], inner, lonely)
    return found


def _one_stage(influence: Floats, stage: Stage, lonely: Lonely | str) -> Floats:
    units, first, of_row = np.unique(stage.unit, return_index=True, return_inverse=True)
    totals = np.zeros((len(units), influence.shape[1]))
    np.add.at(totals, of_row, influence)
    strata, one, of_unit = np.unique(stage.stratum[first], return_index=True, return_inverse=True)
    rows = first[one]
    correction = 1.0 - stage.fraction[rows] if stage.is_finite else np.ones(len(strata))
    how = scaling(stage.sampled[rows], correction, lonely)
    return covariance_of_totals(totals, of_unit, stage.sampled[rows], how)


def _take(stage: Stage, rows: Ints) -> Stage:
    return Stage(stage.stratum[rows], stage.unit[rows], stage.sampled[rows], stage.fraction[rows], stage.is_finite)


def _codes(above: Ints, column: pd.Series) -> Ints:
    """Number the values of a column within the groups above."""
    own = pd.factorize(column, sort=True)[0].astype(np.int64)
    return pd.factorize(above * (own.max(initial=0) + 1) + own, sort=True)[0].astype(np.int64)


def _fraction(data: pd.DataFrame, name: str, stratum: Ints, sampled: Ints) -> Floats:
    given = data[name].to_numpy(dtype=float)
    if (pd.Series(given).groupby(stratum).nunique() > 1).any():
        raise InputError("the population differs within a stratum", f"column {name}", "give one number a stratum")
    fraction = np.where(given <= 1, given, sampled / given)
    if ((fraction > 1) | (fraction <= 0)).any():
        row = int(np.argmax((fraction > 1) | (fraction <= 0)))
        raise InputError(
            f"{sampled[row]} units are sampled of a population of {given[row]:g}",
            f"column {name}, row {row}",
            "give the number of units in the stratum, or the fraction sampled",
        )
    return fraction


def _expect_nested(stratum: Ints, unit: Ints, name: str, data: pd.DataFrame) -> None:
    spread = pd.Series(stratum).groupby(unit).nunique()
    if (spread > 1).any():
        row = int(np.flatnonzero(unit == spread.idxmax())[0])
        code = data[name].iloc[row] if name in data.columns else row
        raise InputError(
            f"PSU “{code}” lies in two strata",
            f"column {name}",
            "say that codes start anew in every stratum (nested), or correct them",
        )
