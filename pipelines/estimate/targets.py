"""Progress of a round against its action plan: reached, moving or missed, by how much, and how sure that is.

It must not read a plan: that is in the round's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Progress(StrEnum):
    """Where a target stands."""

    REACHED = "reached"
    MOVING = "moving"  # not reached, but better than in the round before
    MISSED = "missed"  # not reached, and not known to be better
    UNKNOWN = "unknown"  # no result, or none before where the target is against it


@dataclass(frozen=True)
class Standing:
    """A node of a unit in this round and in the one before; None where there is no result to speak of."""

    score: float | None = None
    ci: tuple[float, float] | None = None
    rank: int | None = None
    rank_ci: tuple[int, int] | None = None
    previous_score: float | None = None
    previous_rank: int | None = None


@dataclass(frozen=True)
class Judgement:
    """What a target is measured by, how far it is off (negative: still lacking) and whether chance could turn it.

    `is_certain` is true where the whole interval lies on one side of the target, None where there is no interval.
    """

    actual: float | None
    previous: float | None
    gap: float | None
    progress: Progress
    is_certain: bool | None


def judge(goal: str, target: float, now: Standing) -> Judgement:
    """Compare a result with its target: `score` (at least), `rank` (at best), `rank_change` (places gained)."""
    return GOALS[goal](target, now)


def _score(target: float, now: Standing) -> Judgement:
    gap = None if now.score is None else now.score - target
    certain = None if now.ci is None else now.ci[0] >= target or now.ci[1] < target
    return _judgement(now.score, now.previous_score, gap, _gain(now.score, now.previous_score), certain)


def _rank(target: float, now: Standing) -> Judgement:
    gap = None if now.rank is None else target - now.rank
    certain = None if now.rank_ci is None else now.rank_ci[1] <= target or now.rank_ci[0] > target
    return _judgement(now.rank, now.previous_rank, gap, _gain(now.previous_rank, now.rank), certain)


def _rank_change(target: float, now: Standing) -> Judgement:
    gained = _gain(now.previous_rank, now.rank)
    gap = None if gained is None else gained - target
    return _judgement(gained, None, gap, gained, None)


GOALS = {"score": _score, "rank": _rank, "rank_change": _rank_change}


def _gain(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier


def _judgement(
    actual: float | None, previous: float | None, gap: float | None, gain: float | None, certain: bool | None
) -> Judgement:
    if gap is None:
        return Judgement(actual, previous, None, Progress.UNKNOWN, None)
    progress = Progress.REACHED if gap >= 0 else Progress.MOVING if (gain or 0) > 0 else Progress.MISSED
    return Judgement(actual, previous, gap, progress, certain)
