"""Kiosk records as the devices write them: JSON Lines, one file a device and day."""

from __future__ import annotations

from itertools import groupby

import orjson

from pipelines.model.instrument import Instrument
from pipelines.model.method import Method
from pipelines.simulate.record import Record


def kiosk_files(records: list[Record], method: Method) -> dict[str, bytes]:
    """Return file name → bytes. A half-written line stands last in its file and has no line feed."""
    ordered = sorted(records, key=lambda record: (*record.file, record.damage == "half", record.sequence))
    return {
        f"{device}-{day.isoformat()}.jsonl": b"".join(_line(record, method) for record in group)
        for (device, day), group in groupby(ordered, key=lambda record: record.file)
    }


def _line(record: Record, method: Method) -> bytes:
    line = orjson.dumps(_event(record, method.instrument(record.form)))
    if record.damage == "broken":
        return line.replace(b'":', b'"', 1) + b"\n"
    if record.damage == "half":
        return line[: len(line) * 2 // 3]
    return line + b"\n"


def _event(record: Record, instrument: Instrument) -> dict[str, object]:
    return {
        "event_id": record.record_id,
        "device": record.device_id,
        "sequence": record.sequence,
        "unit": record.unit_code,
        "procedure": record.procedure_code,
        "instrument": instrument.id,
        "instrument_version": instrument.version,
        "started_at": record.started_at.isoformat(),
        "submitted_at": record.submitted_at.isoformat(),
        "respondent": record.respondent,
        "answers": {question.code: record.answers.get(question.code) for question in instrument.coded},
        "comment": record.comment or None,
    }
