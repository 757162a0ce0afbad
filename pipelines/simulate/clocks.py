"""Kiosks whose clock is set back: a record that says an earlier time than the one before it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np

from pipelines.model.errors import InputError
from pipelines.simulate.record import KIOSK, Record

BACK = timedelta(minutes=20)


def set_clocks_back(records: list[Record], count: int, rng: np.random.Generator) -> list[Record]:
    """Return numbered records, so many of a kiosk's with a time before that of the record with the number before.

    Only records that will be accepted are taken, and whose predecessor will be: a flag compares accepted ones.

    Raises:
        InputError: there are too few.
    """
    accepted = {(r.device_id, r.sequence): r for r in records if r.source == KIOSK and r.is_accepted}
    times = Counter((record.device_id, record.submitted_at) for record in records)
    fit = [
        place
        for place, record in enumerate(records)
        if accepted.get((record.device_id, record.sequence)) is record
        and times[record.device_id, record.submitted_at] == 1  # not one that is sent again under another identity
        and (before := accepted.get((record.device_id, record.sequence - 1)))
        and record.submitted_at.date() == before.submitted_at.date()
    ]
    if count > len(fit):
        remedy = "simulate a larger round, or plant fewer faults"
        raise InputError(f"{len(fit)} records are too few for {count} clocks set back", "simulate", remedy)
    changed = list(records)
    for place in rng.choice(fit, count, replace=False).tolist() if count else ():
        record = records[place]
        before = accepted[record.device_id, record.sequence - 1]
        shift = record.submitted_at - before.submitted_at + BACK
        changed[place] = replace(
            record,
            started_at=record.started_at - shift,
            submitted_at=record.submitted_at - shift,
            marks=(*record.marks, "clock_back"),
        )
    return changed
