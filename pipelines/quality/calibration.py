"""How often a flag is raised on honest answers, and how often on planted frauds, for every threshold that it may have.

Pure functions of tables that the caller simulated. It must not choose what is honest, nor write a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.quality.flags import Scores, quality_scores
from pipelines.quality.rules import BATCH, BURST, NEAR_IDENTICAL, SPEEDER, STRAIGHT_LINE, FlagRules

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Tables = Mapping[int, pa.Table]
DIGITS = 4
LARGEST_BURST = 20
SPEED_STEPS = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True)
class Trial:
    """How a flag is tried: its score, which responses it may judge, which way it goes, the fraud that it is to find."""

    score: Callable[[Scores], Floats]
    judges: Callable[[Scores, FlagRules], Bools]
    is_below: bool
    fraud: str


def _judges_any(scores: Scores, rules: FlagRules) -> Bools:
    return np.ones(len(scores.run), dtype=bool)


def _judges_patterns(scores: Scores, rules: FlagRules) -> Bools:
    return np.asarray(scores.answered >= rules.minimum_items)


def _judges_varied(scores: Scores, rules: FlagRules) -> Bools:
    return _judges_patterns(scores, rules) & (scores.variance > 0)


TRIALS = {
    SPEEDER: Trial(lambda scores: scores.time_share, _judges_any, True, "hurried"),
    STRAIGHT_LINE: Trial(lambda scores: scores.run, _judges_patterns, False, "straight_lines"),
    NEAR_IDENTICAL: Trial(lambda scores: scores.likeness.share, _judges_varied, False, "copies"),
    BURST: Trial(lambda scores: scores.burst, _judges_any, False, "batches"),
    BATCH: Trial(lambda scores: scores.batch, _judges_any, False, "batches"),
}


def calibrate(
    honest: Tables,
    planted: Mapping[str, Tables],
    items: Sequence[str],
    rules: FlagRules,
    wanted: float,
) -> dict[str, list[dict[str, Any]]]:
    """Return, for every flag with a threshold, how it fares on one form.

    An entry has `compared_with` (how many other responses each was compared with; 0 where that does not matter),
    `threshold` (the most lenient with at most the wanted rate of false alarms; None where there is no such), `honest`
    (responses that the rates are of) and `candidates`: threshold, `false_alarm` and `detection`, both shares.

    Args:
        honest: honest responses, by how many others each is compared with.
        planted: kind of fraud → the same with frauds among them, marked in `planted`.
        items: columns of the form's satisfaction items, in order.
        rules: what the scores go by; the thresholds do not matter.
        wanted: rate of false alarms, a share of honest responses.
    """
    clean = {size: quality_scores(table, items, rules) for size, table in honest.items()}
    spoilt = {
        kind: {size: (quality_scores(table, items, rules), _mark(table)) for size, table in tables.items()}
        for kind, tables in planted.items()
    }
    largest = max(honest)
    return {
        name: [
            _entry(name, size, clean[key], spoilt[TRIALS[name].fraud][key], rules, wanted)
            for size, key in ([(0, largest)] if name != NEAR_IDENTICAL else [(size, size) for size in sorted(honest)])
        ]
        for name in TRIALS
    }


def expected_rate(entries: Sequence[Mapping[str, Any]], name: str, threshold: float, compared: int) -> float | None:
    """Return the rate of false alarms to expect of a threshold, as the calibration has it; None where it has none.

    Between two candidates it is that of the one with more alarms.
    """
    fitting = [entry for entry in entries if entry["compared_with"] >= compared] or list(entries[-1:])
    if not fitting:
        return None
    below = TRIALS[name].is_below
    rates = [
        candidate["false_alarm"]
        for candidate in fitting[0]["candidates"]
        if (candidate["threshold"] >= threshold if below else candidate["threshold"] <= threshold)
    ]
    return min(rates, default=None)


def _entry(
    name: str, size: int, clean: Scores, spoilt: tuple[Scores, Bools], rules: FlagRules, wanted: float
) -> dict[str, Any]:
    trial = TRIALS[name]
    score, judged = trial.score(clean), trial.judges(clean, rules)
    bad, marked = trial.score(spoilt[0]), spoilt[1]
    bad_judged = trial.judges(spoilt[0], rules)
    candidates = [
        {
            "threshold": threshold,
            "false_alarm": _rate(_holds(trial, score, threshold) & judged),
            "detection": _rate((_holds(trial, bad, threshold) & bad_judged)[marked]),
        }
        for threshold in _candidates(name, clean)
    ]
    lenient = candidates if not trial.is_below else candidates[::-1]
    fit = (one["threshold"] for one in lenient if one["false_alarm"] <= wanted)
    return {
        "compared_with": size,
        "threshold": next(fit, None),
        "honest": len(score),
        "candidates": candidates,
    }


def _candidates(name: str, scores: Scores) -> list[float]:
    """Return thresholds, ascending, between the values that a score can have (shares of the form's items)."""
    if name == SPEEDER:
        return list(SPEED_STEPS)
    if name == BURST:
        return [float(size) for size in range(2, LARGEST_BURST + 1)]
    items = int(scores.answered.max())
    return [round((count - 0.5) / items, DIGITS) for count in range(items // 2, items + 1)]


def _holds(trial: Trial, score: Floats, threshold: float) -> Bools:
    return np.asarray(score < threshold if trial.is_below else score >= threshold)


def _rate(holds: Bools) -> float:
    return round(float(holds.mean()), DIGITS) if len(holds) else 0.0


def _mark(table: pa.Table) -> Bools:
    return np.asarray(table["planted"].to_numpy(), dtype=bool)
