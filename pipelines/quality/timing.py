"""When and how fast responses were given: time against the form's median, bursts on a device, office hours.

It must not say what is too fast: thresholds are the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.quality.rules import OfficeHours

SPEED_CAP = 3.0  # one hurried answer must not outweigh the rest in the mean over responses, the speed index
MICROSECONDS = 1e6
MINUTES_A_DAY = 1440

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A burst is counted from each response on; each response then has the largest count of those it is among.
_BURSTS = """
SELECT row, max(following) OVER (
    PARTITION BY device_id ORDER BY submitted RANGE BETWEEN $length PRECEDING AND CURRENT ROW
) AS n
FROM (
    SELECT row, device_id, submitted, count(*) OVER (
        PARTITION BY device_id ORDER BY submitted RANGE BETWEEN CURRENT ROW AND $length FOLLOWING
    ) AS following
    FROM timed
)
"""


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
    rows = pa.table(
        {
            "row": pa.array(np.arange(table.num_rows)),
            "device_id": table["device_id"],
            "submitted": table["submitted_at"].cast(pa.int64()),
        }
    ).filter(pc.and_(timed, table["device_id"].is_valid()))
    with duckdb.connect() as connection:
        connection.register("timed", rows)
        found = connection.execute(_BURSTS, {"length": int(minutes * 60 * MICROSECONDS)}).fetchnumpy()
    size = np.full(table.num_rows, np.nan)
    size[found["row"]] = found["n"]
    return size


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
