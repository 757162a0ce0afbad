"""When and how fast responses were given: time against the form's median, bursts on a device, office hours.

It must not say what is too fast: thresholds are the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.quality.rules import OfficeHours

SPEED_CAP = 3.0  # one hurried answer must not outweigh the rest in the mean over responses, the speed index
MICROSECONDS = 1e6
MINUTES_A_DAY = 1440

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def duration_s(table: pa.Table) -> Floats:
    """Return seconds from `started_at` to `submitted_at`; NaN where unknown, negative where the clock was set back."""
    micros = pc.microseconds_between(table["started_at"], table["submitted_at"])
    return np.asarray(micros.cast(pa.float64()).to_numpy(), dtype=np.float64) / MICROSECONDS


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


def burst_size(table: pa.Table, minutes: int, channels: Collection[str]) -> Floats:
    """Return, for each response, the most that its device submitted in any such interval that it lies in.

    NaN without a device, where the channel is not one of `channels`, or where no start is known: the time of a form
    that was keyed or received is not that of its filling in.

    Args:
        table: responses with `channel`, `device_id`, `started_at` and `submitted_at`.
        minutes: length of the interval, its end included.
        channels: where a device serves one respondent at a time.
    """
    timed = pc.and_(table["started_at"].is_valid(), pc.is_in(table["channel"], pa.array(sorted(channels), pa.string())))
    rows = np.flatnonzero(pc.and_(timed, table["device_id"].is_valid()).to_numpy())
    device = table["device_id"].take(rows).combine_chunks().dictionary_encode().indices.to_numpy()
    submitted = table["submitted_at"].cast(pa.int64()).to_numpy()[rows]
    order = np.lexsort((submitted, device))
    size = np.full(table.num_rows, np.nan)
    size[rows[order]] = _bursts(device[order], submitted[order], int(minutes * 60 * MICROSECONDS))
    return size


def _bursts(device: Ints, submitted: Ints, length: int) -> Ints:
    """Return the most of one device that lie in any interval of a length with each; sorted by device and time."""
    # A place on one line for all devices: gaps beyond the length, and those between devices, only need to be longer.
    gaps = np.where(np.diff(device), length + 1, np.minimum(np.diff(submitted), length + 1))
    place = np.concatenate([np.zeros(min(len(device), 1), dtype=np.int64), np.cumsum(gaps)])
    following = np.searchsorted(place, place + length, "right") - np.searchsorted(place, place, "left")
    return _largest_since(following, np.searchsorted(place, place - length, "left"))


def _largest_since(values: Ints, starts: Ints) -> Ints:
    """Return the largest value from `starts` up to each place: of two overlapping spans of 1, 2, 4, … places."""
    places = np.arange(len(values)) - starts + 1
    largest, of_span, span = values.copy(), values, 1
    while (places > span).any():
        some = np.flatnonzero((places > span) & (places <= 2 * span))
        largest[some] = np.maximum(of_span[some], of_span[starts[some] + span - 1])
        of_span = np.concatenate([of_span[:span], np.maximum(of_span[span:], of_span[:-span])])
        span *= 2
    return largest


def minutes_outside(table: pa.Table, office: OfficeHours, zone: str) -> Floats:
    """Return how many minutes before opening or after closing a response was submitted; 0 within office hours.

    A day on which offices are closed is outside as a whole: 1,440. NaN for channels without office hours.

    Args:
        table: responses with `channel` and `submitted_at`.
        office: when offices are open.
        zone: in which hours and days are counted.
    """
    local = pc.local_timestamp(table["submitted_at"].cast(pa.timestamp("us", zone)))
    seconds = pc.microseconds_between(pc.floor_temporal(local, unit="day"), local)
    minute = np.asarray(seconds.cast(pa.float64()).to_numpy(), dtype=np.float64) / MICROSECONDS / 60
    opens, closes = (at.hour * 60 + at.minute for at in (office.opens, office.closes))
    outside = np.maximum(np.maximum(opens - minute, minute - closes), 0)
    weekday = pc.day_of_week(local, count_from_zero=False, week_start=1).to_numpy()
    outside[~np.isin(weekday, sorted(office.days))] = MINUTES_A_DAY
    watched = pc.is_in(table["channel"], pa.array(sorted(office.channels), pa.string()))
    return np.where(watched.to_numpy(), outside, np.nan)
