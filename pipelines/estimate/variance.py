"""Covariance of totals between PSUs within strata (ultimate clusters), as R's `survey` computes it.

For stratum h with n_h PSUs, totals z_hi and sampling fraction 1 − f_h, the covariance of Σz is
Σ_h f_h · n_h/(n_h−1) · Σ_i (z_hi − z̄_h)(z_hi − z̄_h)ᵀ. A PSU without a member of the domain has the total 0 and counts
in n_h. With influence values as totals this is the linearised variance of any smooth statistic (Särndal, Swensson &
Wretman 1992, §5.5). Nothing here knows an item or a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipelines.estimate.grouping import Grouping
from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.model.errors import InputError

CENSUS = 1e-7  # a stratum with a smaller correction is taken whole and adds no variance (as in `survey`)


class Lonely(StrEnum):
    """What a stratum with a single PSU adds (R's `survey.lonely.psu`)."""

    FAIL = "fail"
    REMOVE = "remove"  # nothing
    CERTAINTY = "certainty"  # nothing: it is taken to be in every sample
    ADJUST = "adjust"  # the square of its distance from the grand mean, which is 0 for influence values
    AVERAGE = "average"  # as much as the mean of the other strata


@dataclass(frozen=True)
class Scaling:
    """By stratum: the factor of its squares and products, and whether they are taken about the stratum's mean."""

    factor: Floats
    centred: Bools


def scaling(
    psus: Ints, correction: Floats, lonely: Lonely | str, names: Sequence[str] = (), group: Ints | None = None
) -> Scaling:
    """Return the factors by stratum.

    Args:
        psus: number of PSUs sampled, those without a member of the domain included.
        correction: finite population correction, 1 − sampled/all PSUs; 1 for none.
        lonely: rule for strata with one PSU that is not the whole stratum.
        names: names of the strata, for the message of `fail`.
        group: number of the estimate that a stratum belongs to, where there are several; `average` is within it.

    Raises:
        InputError: the rule is `fail` and there is such a stratum.
    """
    correction = np.where(correction < CENSUS, 0.0, correction)
    single = psus <= 1
    bare = single & (correction > 0)
    if bare.any() and lonely == Lonely.FAIL:
        first = names[int(np.argmax(bare))] if len(names) else str(int(np.argmax(bare)))
        raise InputError(
            "there is a single PSU in the stratum: its variance cannot be estimated",
            f"stratum {first}",
            "join strata, or choose how to treat them: remove, certainty, adjust or average",
        )
    factor = correction * np.where(single, float(lonely == Lonely.ADJUST), psus / np.maximum(psus - 1, 1))
    if lonely == Lonely.AVERAGE:
        factor = factor * _average_factor(bare, np.zeros(len(psus), dtype=np.int64) if group is None else group)
    return Scaling(factor, ~single)


def _average_factor(bare: Bools, group: Ints) -> Floats:
    """Return all strata over those that are not bare, by group, at each stratum; NaN where all of them are."""
    strata, others = np.bincount(group), np.bincount(group, ~bare)
    return np.where(others > 0, strata / np.maximum(others, 1), np.nan)[group]


def covariance_of_totals(totals: Floats, stratum: Ints, psus: Ints, how: Scaling) -> Floats:
    """Return the covariance (k × k) of the column sums of PSU totals.

    Args:
        totals: PSUs × k; only PSUs with a member of the domain need be there.
        stratum: position of each PSU's stratum in `psus` and `how`.
        psus: number of PSUs by stratum.
        how: factors by stratum.
    """
    spread = _deviations(totals, stratum, psus, how)
    return spread.T @ spread


def variances_of_totals(totals: Floats, strata: Grouping, psus: Ints, how: Scaling) -> Floats:
    """Return what each stratum adds to the variance of column sums: strata × k.

    Args:
        totals: PSUs × k in the order of their strata; only PSUs with a member of the domain need be there.
        strata: which of them are in which stratum.
        psus: number of PSUs by stratum.
        how: factors by stratum.
    """
    mean = strata.sums(totals) * (how.centred / np.maximum(psus, 1))[:, None]
    absent = np.maximum(psus - strata.sizes, 0)[:, None] * mean**2
    return how.factor[:, None] * (strata.sums((totals - strata.spread(mean)) ** 2) + absent)


def covariance_of_moments(second: Floats, first: Floats, psus: Ints, how: Scaling) -> Floats:
    """Return the same from sums by stratum: `second` strata × k × k of products, `first` strata × k of totals."""
    about_mean = second - np.einsum("h,hi,hj->hij", how.centred / np.maximum(psus, 1), first, first)
    return np.einsum("h,hij->ij", how.factor, about_mean)


def centring(first: Floats, psus: Ints, how: Scaling) -> Floats:
    """Return what centring at the stratum's mean takes off sums of squares, factors applied; `first` is strata × k."""
    return (how.factor * how.centred / np.maximum(psus, 1))[:, None] * first**2


def _deviations(totals: Floats, stratum: Ints, psus: Ints, how: Scaling) -> Floats:
    """Return the scaled deviations of PSUs from their stratum's mean; absent PSUs (total 0) are one row a stratum."""
    present = np.bincount(stratum, minlength=len(psus))
    sums = np.zeros((len(psus), totals.shape[1]))
    np.add.at(sums, stratum, totals)
    mean = sums * (how.centred / np.maximum(psus, 1))[:, None]
    spread = (totals - mean[stratum]) * np.sqrt(how.factor[stratum])[:, None]
    absent = mean * np.sqrt(how.factor * np.maximum(psus - present, 0))[:, None]
    return np.vstack([spread, absent])
