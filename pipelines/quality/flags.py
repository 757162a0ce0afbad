"""Flags on how a response was given: in what time, with how long a run of one answer, and in what order on its device.

Pure functions of Arrow tables. A flag is a column, never a verdict: in a satisfaction questionnaire a straight line
can be honest. A person decides to exclude; nothing here removes a row. Whoever changes a rule counts
FLAG_RULES_VERSION up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FLAG_RULES_VERSION = "1"
SPEED_CAP = 3.0  # one hurried answer must not outweigh the rest in the mean over responses, the speed index
BLANK = np.iinfo(np.int16).min
MICROSECONDS = 1e6

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def add_flags(table: pa.Table, items: Sequence[str], thresholds: Mapping[str, Any]) -> pa.Table:
    """Return the table with the columns of quality flags.

    Added: `duration_s` (seconds from start to submission; null where one is unknown), `speed_ratio` (see
    `speed_ratio`), `is_speeder` (null where the ratio is unknown), `longest_run` (longest run of one same answer as a
    share of the answered items; null where none is answered), `is_straight_line`.

    Args:
        table: responses with `form`, `started_at`, `submitted_at` and the columns of the items.
        items: columns of the satisfaction items, in order.
        thresholds: `speeder` (share of the median time), `straight_line` (share of the items answered) and
            `straight_line_items` (fewer answered items than this are no line).
    """
    duration = duration_s(table)
    median = median_by_form(duration, table["form"].to_pylist())
    ratio = speed_ratio(duration, median)
    run, answered = longest_run([table[item] for item in items], table.num_rows)
    share = np.where(answered > 0, run / np.maximum(answered, 1), np.nan)
    straight = (answered >= thresholds["straight_line_items"]) & (share >= thresholds["straight_line"])
    columns = {
        "duration_s": _nullable(duration),
        "speed_ratio": _nullable(ratio),
        "longest_run": _nullable(share),
        "is_straight_line": pa.array(straight),
        "is_speeder": pa.array(duration < thresholds["speeder"] * median, mask=np.isnan(ratio)),
    }
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


def duration_s(table: pa.Table) -> Floats:
    """Return seconds from `started_at` to `submitted_at`; NaN where unknown, negative where the clock was set back."""
    micros = pc.microseconds_between(table["started_at"], table["submitted_at"])
    return _numbers(micros) / MICROSECONDS


def median_by_form(duration: Floats, forms: Sequence[str]) -> Floats:
    """Return, one a response, the median time of the same form in the table; NaN where no time is known.

    Negative times are no times.
    """
    median = np.full(len(duration), np.nan)
    names = np.asarray(forms, dtype=object)
    for form in set(forms):
        same = names == form
        times = duration[same & (duration >= 0)]
        if len(times):
            median[same] = np.median(times)
    return median


def speed_ratio(duration: Floats, median: Floats) -> Floats:
    """Return min(3, median / time), one a response; NaN where the time is unknown or negative.

    Its mean over responses is a relative speed index (Leiner 2019, who takes it page by page); above 2 is under half
    the median time. A time of 0 has the highest ratio.
    """
    known = duration >= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, np.where(duration == 0, SPEED_CAP, np.minimum(SPEED_CAP, median / duration)), np.nan)


def longest_run(columns: Sequence[pa.ChunkedArray], rows: int) -> tuple[Ints, Ints]:
    """Return the length of the longest run of one same answer, and how many items are answered, one of each a row.

    Blanks are passed over: 4, blank, 4 is a run of two.
    """
    longest, current, answered = (np.zeros(rows, dtype=np.int64) for _ in range(3))
    last = np.full(rows, BLANK, dtype=np.int16)
    for column in columns:
        codes = column.cast(pa.int16()).fill_null(BLANK).to_numpy()
        given = codes != BLANK
        current = np.where(given, np.where(codes == last, current + 1, 1), current)
        last = np.where(given, codes, last)
        longest = np.maximum(longest, current)
        answered += given
    return longest, answered


def _numbers(values: pa.ChunkedArray) -> Floats:
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
