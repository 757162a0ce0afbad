"""Flags on how a response was given: how fast, in what pattern, how like others, and when.

Pure functions of Arrow tables. A flag is a column, never a verdict: in a satisfaction questionnaire a straight line
can be honest. A person decides to exclude; nothing here removes a row. Every flag stands beside its score, and whoever
changes how a score is made counts FLAG_RULES_VERSION up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.quality.likeness import BLANK, Codes, Likeness, batch_match, item_codes, percent_match
from pipelines.quality.rules import BATCH, BURST, NEAR_IDENTICAL, SPEEDER, STRAIGHT_LINE, FlagRules
from pipelines.quality.timing import burst_size, duration_s, median_by_form, minutes_outside, speed_ratio

FLAG_RULES_VERSION = "2"
# Flag → the column of its score, and the threshold that it goes by (empty: none of its own).
FLAGS = {
    "is_speeder": ("speed_ratio", SPEEDER),
    "is_straight_line": ("longest_run", STRAIGHT_LINE),
    "is_zero_variance": ("answer_variance", ""),
    "is_near_identical": ("percent_match", NEAR_IDENTICAL),
    "is_burst": ("burst_size", BURST),
    "is_batch": ("batch_match", BATCH),
    "is_out_of_hours": ("minutes_outside", ""),
}

NEEDED = ("form", "unit_code", "channel", "device_id", "sequence", "line", "started_at", "submitted_at")  # and items

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """What is known of each response; arrays of one entry a response, NaN where something is not known.

    Args:
        duration: seconds from start to submission.
        speed: see `speed_ratio`.
        time_share: time as a share of the form's median time.
        run: longest run of one same answer as a share of the answered items.
        variance: population variance of the answered codes.
        answered: how many items are answered.
        likeness: to the most similar response of the same form and unit.
        burst: see `burst_size`.
        batch: see `batch_match`.
        outside: see `minutes_outside`.
    """

    duration: Floats
    speed: Floats
    time_share: Floats
    run: Floats
    variance: Floats
    answered: Ints
    likeness: Likeness
    burst: Floats
    batch: Floats
    outside: Floats


def add_flags(table: pa.Table, items: Sequence[str], rules: FlagRules) -> pa.Table:
    """Return the table with the columns of quality scores and flags, and `flag_rules`, the version of the rules.

    Added: `duration_s` (null where a time is unknown) and, each score with its flag, `FLAGS`. A score is null where it
    cannot be told; a flag where its score is, or where no threshold is known for the form. Straight lines, zero
    variance and likeness need `rules.minimum_items` answers; a response of zero variance is never near-identical, for
    it has its own flag.

    Args:
        table: responses of one month with the columns `NEEDED` and those of the items.
        items: columns of the satisfaction items, in order.
        rules: thresholds and what else the flags go by.
    """
    scores = quality_scores(table, items, rules)
    flags = _judged(scores, table["form"].to_pylist(), rules)
    shown = {
        "speed_ratio": scores.speed,
        "longest_run": scores.run,
        "answer_variance": scores.variance,
        "percent_match": scores.likeness.share,
        "burst_size": scores.burst,
        "batch_match": scores.batch,
        "minutes_outside": scores.outside,
    }
    table = table.append_column("duration_s", nullable(scores.duration))
    for flag, (score, _) in FLAGS.items():
        holds, judged = flags[flag]
        table = table.append_column(score, nullable(shown[score])).append_column(flag, pa.array(holds, mask=~judged))
    return table.append_column("flag_rules", pa.array([FLAG_RULES_VERSION] * table.num_rows, pa.string()))


def quality_scores(table: pa.Table, items: Sequence[str], rules: FlagRules) -> Scores:
    """Return the scores of responses; see `add_flags` for what is needed."""
    duration, codes = duration_s(table), item_codes([table[item] for item in items])
    median = median_by_form(duration, table["form"].to_pylist())
    run, answered = longest_run(codes)
    share = np.where(answered > 0, run / np.maximum(answered, 1), np.nan)
    variance = answer_variance(codes)
    places = _numbered(table, ["form", "unit_code"])
    devices = _numbered(table, ["form", "device_id"])
    devices[table["device_id"].is_null().to_numpy()] = -1
    with np.errstate(divide="ignore", invalid="ignore"):
        time_share = np.where(duration >= 0, duration / median, np.nan)
    return Scores(
        duration=duration,
        speed=speed_ratio(duration, median),
        time_share=time_share,
        run=share,
        variance=variance,
        answered=answered,
        likeness=percent_match(codes, places, _in_time(table, places), rules.neighbours),
        burst=burst_size(table, rules.burst_minutes, rules.device_channels),
        batch=batch_match(codes, devices, _in_time(table, devices), rules.batch_length),
        outside=minutes_outside(table, rules.office, rules.zone),
    )


def longest_run(codes: Codes) -> tuple[Ints, Ints]:
    """Return the length of the longest run of one same answer, and how many items are answered, one of each a response.

    Blanks are passed over: 4, blank, 4 is a run of two.
    """
    rows = codes.shape[1]
    longest, current, answered = (np.zeros(rows, dtype=np.int64) for _ in range(3))
    last = np.full(rows, BLANK, dtype=np.int8)
    for answers in codes:
        given = answers != BLANK
        current = np.where(given, np.where(answers == last, current + 1, 1), current)
        last = np.where(given, answers, last)
        longest = np.maximum(longest, current)
        answered += given
    return longest, answered


def answer_variance(codes: Codes) -> Floats:
    """Return the population variance of the answers of each response; NaN where nothing is answered."""
    answered, total, squares = (np.zeros(codes.shape[1], dtype=np.int64) for _ in range(3))
    for answers in codes:
        values = np.where(answers != BLANK, answers, 0).astype(np.int16)
        answered += answers != BLANK
        total += values
        squares += values**2
    with np.errstate(invalid="ignore"):
        # n Σx² − (Σx)² is whole numbers: equal answers give exactly 0
        return np.asarray((answered * squares - total**2) / answered.astype(float) ** 2)


def nullable(values: Floats) -> pa.Array:
    """Return numbers as a column, null where they are NaN."""
    return pa.array(values, mask=np.isnan(values))


def _judged(scores: Scores, forms: Sequence[str], rules: FlagRules) -> dict[str, tuple[Bools, Bools]]:
    """Return for each flag where it holds and where it was judged at all."""
    enough = scores.answered >= rules.minimum_items
    varied = scores.variance > 0
    limit = {name: _limits(forms, name, rules, scores.likeness.compared) for _, name in FLAGS.values() if name}
    return {
        "is_speeder": _compared(scores.time_share, limit[SPEEDER], scores.time_share < limit[SPEEDER]),
        "is_straight_line": _compared(scores.run, limit[STRAIGHT_LINE], enough & (scores.run >= limit[STRAIGHT_LINE])),
        "is_zero_variance": (enough & (scores.variance == 0), scores.answered > 0),
        "is_near_identical": _compared(
            scores.likeness.share,
            limit[NEAR_IDENTICAL],
            enough & varied & (scores.likeness.share >= limit[NEAR_IDENTICAL]),
        ),
        "is_burst": _compared(scores.burst, limit[BURST], scores.burst >= limit[BURST]),
        "is_batch": _compared(scores.batch, limit[BATCH], scores.batch >= limit[BATCH]),
        "is_out_of_hours": (scores.outside > 0, ~np.isnan(scores.outside)),
    }


def _compared(score: Floats, limit: Floats, holds: Bools) -> tuple[Bools, Bools]:
    return holds, ~(np.isnan(score) | np.isnan(limit))


def _limits(forms: Sequence[str], name: str, rules: FlagRules, compared: Ints) -> Floats:
    """Return a flag's threshold, one a response; only likeness depends on how many others one is compared with."""
    limits, names = np.full(len(forms), np.nan), np.asarray(forms, dtype=object)
    for form in set(forms):
        same = names == form
        others = compared[same] if name == NEAR_IDENTICAL else np.zeros(int(same.sum()), dtype=np.int64)
        limits[same] = rules.threshold(form, name).for_compared(others)
    return limits


def _numbered(table: pa.Table, keys: Sequence[str]) -> Ints:
    """Return the number of each response's group by some columns."""
    number = np.zeros(table.num_rows, dtype=np.int64)
    for key in keys:
        values = table[key].combine_chunks().dictionary_encode(null_encoding="encode")
        number = number * max(len(values.dictionary), 1) + values.indices.to_numpy(zero_copy_only=False)
    return number


def _in_time(table: pa.Table, groups: Ints) -> Ints:
    """Return the responses by group and, within it, as they were given: time, number on the device, line."""
    keys = [table[name].cast(pa.int64()).fill_null(-1).to_numpy() for name in ("line", "sequence", "submitted_at")]
    return np.lexsort((*keys, groups))
