"""Ranks, their intervals and quartile groups of scores, among units of one level; it must not change a score.

Ranks are competition ranks from the highest score (1, 2, 2, 4). Groups are cut at the type-7 quartiles of Hyndman & Fan
(1996), a score on a boundary belonging to the better group: 63 different scores give 16, 16, 15 and 16.

Intervals of ranks are those of Klein, Wright & Wieczorek (2020, JRSS C 69, 589-606): with intervals that hold all true
scores at once, the true rank of a unit lies between 1 + the number of units wholly above it and the number of units
that are not wholly below it. All the intervals hold together with the level that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pipelines.estimate.interval import t_interval
from pipelines.estimate.spec import Bools, Floats, Ints

RANK_COLUMNS = ("rank", "rank_low", "rank_high", "rank_of", "group_no")
GROUPS = 4
NOISE = 9  # decimals beyond which scores do not differ: what is left there is arithmetic


def ranks(scores: Floats) -> Ints:
    """Return the rank of each score, 1 the highest; scores must not be NaN."""
    falling = -np.round(scores, NOISE)
    return np.searchsorted(np.sort(falling), falling, side="left").astype(np.int64) + 1


def groups(scores: Floats) -> Ints:
    """Return the quartile group of each score, 1 the best; all 0 where there are fewer scores than groups."""
    if len(scores) < GROUPS:
        return np.zeros(len(scores), dtype=np.int64)
    cuts = np.quantile(scores, [0.25, 0.5, 0.75], method="linear")
    above = np.round(scores[:, None], NOISE) >= np.round(cuts, NOISE)
    return GROUPS - above.sum(axis=1).astype(np.int64)


def rank_intervals(scores: Floats, se: Floats, df: Floats, level: float) -> tuple[Ints, Ints]:
    """Return the best and the worst rank that each unit may truly have, jointly at `level`; scores must not be NaN.

    The samples of the units are independent, so k intervals hold together with `level` where each has the level
    level^(1/k) (Šidák 1967). Both are 0 where a standard error is not known: an interval of one unit needs all of them.
    """
    low, high = t_interval(scores, se, df, scores, level ** (1 / max(len(scores), 1)))
    low, high = np.where(se == 0, scores, low), np.where(se == 0, scores, high)
    if np.isnan(low).any():
        return np.zeros(len(scores), dtype=np.int64), np.zeros(len(scores), dtype=np.int64)
    low, high = np.round(low, NOISE), np.round(high, NOISE)
    above = len(scores) - np.searchsorted(np.sort(low), high, side="right")
    below = np.searchsorted(np.sort(high), low, side="left")
    return 1 + above.astype(np.int64), (len(scores) - below).astype(np.int64)


def with_ranks(columns: Mapping[str, np.ndarray], unit_level: np.ndarray) -> dict[str, Ints]:
    """Return `rank`, `rank_low` and `rank_high` (its interval), `rank_of` and `group_no`; 0 where a row has none.

    Ranked are the scores of whole units (breakdown ``""``) by measure and node within `unit_level`; a suppressed or
    missing score is not ranked, so that the ranks do not tell what is withheld.
    """
    found = {name: np.zeros(len(unit_level), dtype=np.int64) for name in RANK_COLUMNS}
    for rows in _contests(columns, unit_level):
        scores, se, df = (columns[name][rows].astype(float) for name in ("score", "se", "df"))
        found["rank"][rows], found["rank_of"][rows], found["group_no"][rows] = ranks(scores), len(rows), groups(scores)
        found["rank_low"][rows], found["rank_high"][rows] = rank_intervals(
            scores, se, df, float(columns["ci_level"][rows[0]])
        )
    return found


def _contests(columns: Mapping[str, np.ndarray], unit_level: np.ndarray) -> list[Ints]:
    """Return the rows of each contest: those of a measure, level and node that may be ranked."""
    stands: Bools = (columns["breakdown"] == "") & (columns["flag"] != "suppress") & ~np.isnan(columns["score"])
    rows = np.flatnonzero(stands)
    contest = np.zeros(len(rows), dtype=np.int64)
    for values in (columns["measure"], unit_level, columns["node_code"]):
        encoded = pa.array(values[rows]).dictionary_encode()
        contest = contest * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    order = np.argsort(contest, kind="stable")
    starts = np.flatnonzero(np.diff(contest[order], prepend=-1))
    return np.split(rows[order], starts[1:]) if len(rows) else []
