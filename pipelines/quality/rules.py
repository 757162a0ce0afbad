"""The rules that flags go by, as the caller brings them together: thresholds of each form, hours, lengths.

A threshold is a number of the settings or, where these say `calibrated`, that of the method's calibration for the form.
It must not look at a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

CALIBRATED = "calibrated"
SPEEDER, STRAIGHT_LINE, NEAR_IDENTICAL = "speeder", "straight_line", "near_identical"
BURST, BATCH = "burst", "batch_match"
LENGTHS = ("straight_line_items", "neighbours", "batch_length", "burst_minutes")  # settings that scores depend on
THRESHOLDS = (SPEEDER, STRAIGHT_LINE, NEAR_IDENTICAL, BURST, BATCH)


@dataclass(frozen=True)
class Threshold:
    """From where on a score is flagged, by how many other responses one is compared with.

    `steps` are (most responses compared with, threshold), ascending; beyond the last its threshold holds. No steps, or
    NaN: the form is not judged by this flag.
    """

    steps: tuple[tuple[int, float], ...] = ()

    def for_compared(self, compared: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the threshold for each number of responses that one is compared with; NaN where there is none."""
        if not self.steps:
            return np.full(len(compared), np.nan)
        sizes, values = (np.array(part) for part in zip(*self.steps, strict=True))
        return np.asarray(values[np.minimum(np.searchsorted(sizes, compared), len(sizes) - 1)], dtype=np.float64)


@dataclass(frozen=True)
class OfficeHours:
    """When devices of some channels may be used: times of the day, days of the week (1 Monday … 7 Sunday)."""

    opens: time
    closes: time
    days: frozenset[int]
    channels: frozenset[str]


@dataclass(frozen=True)
class FlagRules:
    """What flags need to know.

    Args:
        forms: form → name of a flag (`THRESHOLDS`) → its threshold; a form that is not there is not judged.
        minimum_items: fewer answered items say nothing about a pattern.
        neighbours: with how many other responses each is compared at most, those nearest in time.
        batch_length: how many responses in succession make a batch.
        burst_minutes: length of the interval in which a device's responses are counted.
        device_channels: channels where a device serves one respondent at a time, so that its times tell something.
        office: when offices are open.
        zone: the time zone of the round.
    """

    forms: Mapping[str, Mapping[str, Threshold]]
    minimum_items: int
    neighbours: int
    batch_length: int
    burst_minutes: int
    device_channels: frozenset[str]
    office: OfficeHours
    zone: str = "Asia/Ho_Chi_Minh"
    none: Threshold = field(default_factory=Threshold)

    def threshold(self, form: str, name: str) -> Threshold:
        """Return a flag's threshold for a form."""
        return self.forms.get(form, {}).get(name, self.none)


def flag_rules(
    settings: Mapping[str, Any], calibrated: Mapping[str, Any], forms: tuple[str, ...], zone: str
) -> FlagRules:
    """Return the rules of a round.

    Args:
        settings: the section `quality` of the thresholds.
        calibrated: form → flag → entries with `compared_with` and `threshold`, as the method's calibration has them.
        forms: ids of the method's forms.
        zone: time zone of the round.
    """
    hours = settings["office_hours"]
    return FlagRules(
        forms={
            form: {name: _threshold(settings[name], calibrated.get(form, {}).get(name, ())) for name in THRESHOLDS}
            for form in forms
        },
        minimum_items=settings["straight_line_items"],
        neighbours=settings["neighbours"],
        batch_length=settings["batch_length"],
        burst_minutes=settings["burst_minutes"],
        device_channels=frozenset(settings["device_channels"]),
        office=OfficeHours(
            time.fromisoformat(hours["opens"]),
            time.fromisoformat(hours["closes"]),
            frozenset(hours["days"]),
            frozenset(hours["channels"]),
        ),
        zone=zone,
    )


def _threshold(said: float | str, entries: Any) -> Threshold:
    if said != CALIBRATED:
        return Threshold(((0, float(said)),))
    found = [(entry["compared_with"], entry["threshold"]) for entry in entries]
    return Threshold(tuple((size, np.nan if value is None else float(value)) for size, value in sorted(found)))
