"""When and on which device each answer is recorded: working hours of the window, one form at a time on a device."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.streams import stream

OPENS, CLOSES = 7 * 3600 + 1800, 16 * 3600  # seconds of the day
MINUTE = 60
SPREAD = 0.4  # standard deviation of the logarithm of the time for a form


def schedule(
    spec: SimulationSpec, channel: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return device (index in its channel), start and end of each response.

    Start and end are seconds since the window's first midnight; ends are whole minutes, and no two of a device are
    the same, so that equal answers of two people are never the same record.
    """
    rng = stream(seed, "schedule")
    count = len(channel)
    device = (rng.random(count) * np.array([len(entry.devices) for entry in spec.channels])[channel]).astype(np.int64)
    days = _working_days(spec)
    end = days[rng.integers(len(days), size=count)] * 86400 + rng.integers(OPENS, CLOSES, size=count)
    duration = np.maximum(20, spec.seconds * np.exp(SPREAD * rng.standard_normal(count))).astype(np.int64)
    for index in range(len(spec.channels)):
        for which in range(len(spec.channels[index].devices)):
            mine = np.flatnonzero((channel == index) & (device == which))
            end[mine] = _one_at_a_time(end[mine], duration[mine])
    return device, end - duration, end


def local_time(spec: SimulationSpec, seconds: int) -> datetime:
    """Return a second of the window as a time with zone."""
    midnight = datetime.combine(spec.window_from, time(), ZoneInfo(spec.time_zone))
    return midnight + timedelta(seconds=int(seconds))


def _working_days(spec: SimulationSpec) -> NDArray[np.int64]:
    """Return the working days of the window, but for the last, as days since its first."""
    days = range((spec.window_to - spec.window_from).days)
    return np.array([day for day in days if (spec.window_from + timedelta(days=day)).weekday() < 5], dtype=np.int64)


def _one_at_a_time(end: NDArray[np.int64], duration: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put off ends until each form starts after the one before it; whole minutes."""
    order = np.argsort(end, kind="stable")
    used = np.cumsum((duration[order] // MINUTE + 2) * MINUTE)
    ends = end[order] // MINUTE * MINUTE
    spaced = np.empty_like(end)
    spaced[order] = np.maximum.accumulate(ends - used) + used
    return spaced
