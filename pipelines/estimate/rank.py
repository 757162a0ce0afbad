"""Ranks and quartile groups of scores, among units of one level; it must not change a score.

Ranks are competition ranks from the highest score (1, 2, 2, 4). Groups are cut at the type-7 quartiles of Hyndman & Fan
(1996), a score on a boundary belonging to the better group: 63 different scores give 16, 16, 15 and 16.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.estimate.spec import Bools, Floats, Ints

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


def with_ranks(columns: Mapping[str, np.ndarray], level: np.ndarray) -> dict[str, Ints]:
    """Return `rank`, `rank_of` and `group_no`, 0 where a row has none.

    Ranked are the scores of whole units (breakdown ``""``) by measure and node within `level`; a suppressed or missing
    score is not ranked, so that the ranks do not tell what is withheld.
    """
    found = {name: np.zeros(len(level), dtype=np.int64) for name in ("rank", "rank_of", "group_no")}
    for rows in _contests(columns, level):
        scores = columns["score"][rows]
        found["rank"][rows], found["rank_of"][rows], found["group_no"][rows] = ranks(scores), len(rows), groups(scores)
    return found


def _contests(columns: Mapping[str, np.ndarray], level: np.ndarray) -> list[Ints]:
    stands: Bools = (columns["breakdown"] == "") & (columns["flag"] != "suppress") & ~np.isnan(columns["score"])
    contests: dict[tuple, list[int]] = {}
    for row in np.flatnonzero(stands):
        contest = (columns["measure"][row], level[row], columns["node_code"][row])
        contests.setdefault(contest, []).append(int(row))
    return [np.array(rows) for rows in contests.values()]
