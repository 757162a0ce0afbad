"""Kiosk records as the devices write them: JSON Lines, one file a device and day, sealed at its end."""

from __future__ import annotations

import re
from itertools import groupby

import orjson

from pipelines.model.instrument import Instrument
from pipelines.model.method import Method
from pipelines.simulate.kiosk_register import UNREGISTERED, sealed
from pipelines.simulate.record import HALF, TAMPERED, UNFINISHED, Record

FIRST_ANSWER = re.compile(rb'("answers":\{"[^"]+":)(?:\d+|null)')


def kiosk_files(records: list[Record], method: Method, round_id: str) -> dict[str, bytes]:
    """Return file name → bytes.

    A half-written line stands last in its file, after the seal, and has no line feed. A file that is still being
    copied has another ending and breaks off.
    """
    whole = [record for record in records if record.damage != UNFINISHED]
    part = [record for record in records if record.damage == UNFINISHED]
    return {f"{name}.jsonl": _sealed(group, method, round_id) for name, group in _by_file(whole).items()} | {
        f"{name}.jsonl.part": _lines(group, method)[:-20] for name, group in _by_file(part).items()
    }


def _by_file(records: list[Record]) -> dict[str, list[Record]]:
    ordered = sorted(records, key=lambda record: (*record.file, record.sequence))
    return {
        f"{device}-{day.isoformat()}": list(group)
        for (device, day), group in groupby(ordered, key=lambda record: record.file)
    }


def _sealed(records: list[Record], method: Method, round_id: str) -> bytes:
    lines = _lines([record for record in records if record.damage != HALF], method)
    device = records[0].device_id
    content = lines if device == UNREGISTERED else sealed(lines, round_id, device)
    if any(record.damage == TAMPERED for record in records):
        content = FIRST_ANSWER.sub(
            lambda found: found[1] + b"5" if found[0][-1:] != b"5" else found[1] + b"1", content, 1
        )
    return content + _lines([record for record in records if record.damage == HALF], method)


def _lines(records: list[Record], method: Method) -> bytes:
    return b"".join(_line(record, method) for record in records)


def _line(record: Record, method: Method) -> bytes:
    line = orjson.dumps(_event(record, method.instrument(record.form)))
    if record.damage == "broken":
        return line.replace(b'":', b'"', 1) + b"\n"
    if record.damage == HALF:
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
