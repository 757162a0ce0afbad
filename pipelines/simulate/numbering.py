"""Running numbers: of events on a kiosk, with gaps where data were lost, of paper forms at a desk, of responses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.simulate.record import KIOSK, LIMESURVEY, POSTAL, SPREADSHEET, Record

REPEATED = "repeated_numbers"
NUMBERED = {POSTAL: "P{:06d}", LIMESURVEY: "{}", SPREADSHEET: "{}"}  # how the number of a record is written


def number(records: list[Record], gaps: int, rng: np.random.Generator) -> tuple[list[Record], list[tuple[str, int]]]:
    """Return the records in order of time with their numbers, and the (device, number) pairs that were left out.

    A kiosk's events get `sequence`. A paper form's number is its `record_id`, which its revision shares; so is that
    of a response of LimeSurvey or of a form service. An event that is to repeat a number gets that of the last one of
    its device that will be accepted.
    """
    ordered = sorted(
        records, key=lambda record: (record.source, record.submitted_at, record.record_id, record.revision)
    )
    skipped = _places_of_gaps(ordered, gaps, rng)
    last: dict[str, int] = {}
    good: dict[str, int] = {}
    numbers: dict[str, dict[str, int]] = {source: {} for source in NUMBERED}
    numbered, missing = [], []
    for place, record in enumerate(ordered):
        if record.source == KIOSK and REPEATED in record.marks:
            record = replace(record, sequence=good[record.device_id])
        elif record.source == KIOSK:
            if place in skipped:
                missing.append((record.device_id, last.get(record.device_id, 0) + 1))
                last[record.device_id] = last.get(record.device_id, 0) + 1
            last[record.device_id] = last.get(record.device_id, 0) + 1
            record = replace(record, sequence=last[record.device_id])
            if record.is_accepted:
                good[record.device_id] = record.sequence
        elif record.source in NUMBERED:
            given = numbers[record.source]
            record = replace(
                record, record_id=NUMBERED[record.source].format(given.setdefault(record.record_id, len(given) + 1))
            )
        numbered.append(record)
    return numbered, missing


def _places_of_gaps(ordered: list[Record], gaps: int, rng: np.random.Generator) -> frozenset[int]:
    """Choose after which events a number is lost; never before a device's first, where nobody could tell."""
    first: dict[str, int] = {}
    for place, record in enumerate(ordered):
        first.setdefault(record.device_id, place)
    places = [
        place
        for place, record in enumerate(ordered)
        if record.source == KIOSK and first[record.device_id] != place and REPEATED not in record.marks
    ]
    return frozenset(rng.choice(places, min(gaps, len(places)), replace=False).tolist()) if places else frozenset()
