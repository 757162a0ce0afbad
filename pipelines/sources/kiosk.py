"""Kiosk: JSON Lines, one file a device and day, in the shape that `kiosk.schema.json` publishes.

A record is flattened to the headings `event_id`, `device`, …, `answers/<question code>`, and `signing_key`, the key of
the seal that covers it. Its structure is checked here; keys that the schema does not know stay headings, so that
conforming rejects them by name. A seal that is not valid refuses every line of its file. It must not look up codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.response import COMMENT
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources.blocks import MAX_COLUMNS, Row, blocks
from pipelines.sources.cells import text_of
from pipelines.sources.columns import TextColumn
from pipelines.sources.folder import fetch_from
from pipelines.sources.kiosk_events import columns_of, problem_of
from pipelines.sources.lines import MAX_LINE, Line, Lines, decoded, line_batches
from pipelines.sources.seals import Seals, check_seals, ends_sealed, ends_with_line, is_seal

SIGNING_KEY = "signing_key"
HEADER = {
    "event_id": "record_id",
    "device": "device_id",
    "sequence": "sequence",
    "unit": "unit_code",
    "procedure": "procedure_code",
    "started_at": "started_at",
    "submitted_at": "submitted_at",
    "respondent": "respondent",
    "comment": COMMENT,
    SIGNING_KEY: "signing_key",
}


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the records of a file; a line that is none is a fault and the next is read."""
    seals = check_seals(stream, config.devices)
    stream.seek(0)
    is_empty = True
    for batch in line_batches(stream):
        block = _at_once(batch, seals)
        for part in blocks(_one_by_one(batch, seals)) if block is None else [block]:
            is_empty = False
            yield part
    if is_empty and seals.problem:
        yield Fault(RejectCode.R113_BAD_SIGNATURE, value=seals.problem)
    elif is_empty and not seals.lines:
        yield Fault(RejectCode.R102_EMPTY_FILE)


def _at_once(batch: Lines | Fault, seals: Seals) -> RawRows | None:
    """Return the records of a batch in which nothing is unusual, brought to columns as a whole; else None.

    What it gives is what reading one by one gives.
    """
    if isinstance(batch, Fault) or seals.problem:
        return None
    sealed = set(seals.lines)
    lines = [number for number in range(batch.first, batch.first + len(batch.contents)) if number not in sealed]
    contents = [batch.contents[number - batch.first] for number in lines]
    if max(map(len, contents), default=0) > MAX_LINE:
        return None
    columns = columns_of(contents)
    if columns is None:
        return None
    keys = pa.array([*(key or None for key in seals.keys), None], pa.string())
    signing = TextColumn(keys.take(pa.array(np.searchsorted(seals.lines, lines))))
    return RawRows({SIGNING_KEY: signing} | columns, lines)


def _one_by_one(batch: Lines | Fault, seals: Seals) -> Iterator[Row | Fault]:
    for line in [batch] if isinstance(batch, Fault) else decoded(batch):
        if isinstance(line, Line) and (not line.text or line.text.isspace()):
            continue
        if isinstance(line, Line) and is_seal(line.text) and (line.is_whole or line.number in seals.lines):
            continue
        yield _distrusted(line, seals.problem) if seals.problem else _row(line, seals)


def _distrusted(line: Line | Fault, problem: str) -> Fault:
    number, payload = (line.line, line.payload) if isinstance(line, Fault) else (line.number, line.text)
    return Fault(RejectCode.R113_BAD_SIGNATURE, number, value=problem, payload=payload)


def _row(line: Line | Fault, seals: Seals) -> Row | Fault:
    if isinstance(line, Fault):
        return line
    try:
        record = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        code = RejectCode.R107_BROKEN_LINE if line.is_whole else RejectCode.R106_TRUNCATED
        return Fault(code, line.number, value=error.msg, payload=line.text)
    if problem := problem_of(record):
        code, field, value = problem
        return Fault(code, line.number, field, value, line.text)
    return _flat(record, line, seals.key_of(line.number))


def _flat(record: dict[str, Any], line: Line, key: str | None) -> Row | Fault:
    answers = record["answers"]
    if SIGNING_KEY in record:  # a record must not say itself that it is signed
        return Fault(RejectCode.R103_UNKNOWN_HEADING, line.number, SIGNING_KEY, payload=line.text)
    cells = {key: text_of(value) for key, value in record.items() if key != "answers"}
    cells |= {f"answers/{code}": text_of(answer) for code, answer in answers.items()}
    if len(cells) != len(record) - 1 + len(answers):  # a key "answers/A1" beside the answer A1
        return Fault(RejectCode.R107_BROKEN_LINE, line.number, "answers", "answers/…", line.text)
    if len(cells) > MAX_COLUMNS:
        return Fault(RejectCode.R105_TOO_LARGE, line.number, value=f"> {MAX_COLUMNS}", payload=line.text)
    return Row(line.number, {SIGNING_KEY: key} | cells, len(line.text))


def is_finished(path: Path, config: SourceConfig) -> bool:
    """Whether a file looks complete: its last line was ended and, where signatures are required, is a seal."""
    return ends_with_line(path) and (not config.requires_devices or ends_sealed(path))


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return one mapping an instrument, chosen by the instrument and version that each record names."""
    return tuple(
        Mapping(
            form=instrument.id,
            when={"instrument": (instrument.id,), "instrument_version": (instrument.version,)},
            headings=HEADER | {f"answers/{question.code}": question.code for question in instrument.coded},
        )
        for instrument in instruments
    )


SOURCE = Source(
    name="kiosk",
    channel="kiosk",
    fetch=fetch_from("*.jsonl", "*.ndjson", "*.json", is_finished=is_finished),
    read=read,
    mappings=mappings,
    titles={"vi": "Thiết bị tại quầy (JSON Lines)", "en": "Kiosk (JSON Lines)"},
    numbered_by=("device", "sequence"),
)
