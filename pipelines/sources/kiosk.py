"""Kiosk: JSON Lines, one file a device and day, in the shape that `kiosk.schema.json` publishes.

A record is flattened to the headings `event_id`, `device`, …, `answers/<question code>`, and `signing_key`, the key of
the seal that covers it. Its structure is checked here; keys that the schema does not know stay headings, so that
conforming rejects them by name. A seal that is not valid refuses every line of its file. It must not look up codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.response import COMMENT
from pipelines.model.round import Device, Mapping, SourceConfig
from pipelines.model.source import Fault, RawRows, Source
from pipelines.sources.blocks import MAX_COLUMNS, Row, blocks
from pipelines.sources.cells import text_of
from pipelines.sources.folder import fetch_from
from pipelines.sources.lines import Line, text_lines
from pipelines.sources.seals import Seals, check_seals, ends_sealed, ends_with_line, is_seal

SCHEMA: dict[str, Any] = orjson.loads(Path(__file__).with_name("kiosk.schema.json").read_bytes())
EVENT: dict[str, Any] = SCHEMA["$defs"]["event"]
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
Problem = tuple[RejectCode, str, str]  # code, field, value


_JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True)
class _Check:
    """What the schema says of one key, in the form that a record is checked by."""

    name: str
    required: bool
    types: frozenset[str]
    minimum: float | None
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, name: str, rule: dict[str, Any]) -> _Check:
        types = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        pattern = re.compile(rule["pattern"]) if "pattern" in rule else None
        return cls(name, name in EVENT["required"], frozenset(types), rule.get("minimum"), pattern)

    def problem(self, record: dict[str, Any]) -> Problem | None:
        value = record.get(self.name)
        if self.required and (value is None or value == ""):
            return RejectCode.R201_MISSING_FIELD, self.name, ""
        if self.name in record and _type_of(value) not in self.types:
            return RejectCode.R107_BROKEN_LINE, self.name, f"{self.name}: {_type_of(value)}"
        if self.minimum is not None and value is not None and value < self.minimum:
            return RejectCode.R207_BAD_NUMBER, self.name, str(value)
        if self.pattern and not self.pattern.search(value or ""):
            return RejectCode.R204_BAD_TIME, self.name, str(value)
        return None


def _type_of(value: Any) -> str:
    """Return the JSON Schema type of a value; a number without decimals is an integer there."""
    kind = _JSON_TYPES[type(value)]
    return "integer" if kind == "number" and value.is_integer() else kind


_CHECKS = tuple(_Check.of(name, rule) for name, rule in EVENT["properties"].items())


def problem_of(record: Any) -> Problem | None:
    """Return the first thing about a JSON value that the schema forbids, unknown keys left aside; None if nothing."""
    if not isinstance(record, dict):
        return RejectCode.R107_BROKEN_LINE, "", _type_of(record)
    for check in _CHECKS:
        if problem := check.problem(record):
            return problem
    for code, answer in record["answers"].items():
        if type(answer) is not int and _type_of(answer) not in ("integer", "null"):
            return RejectCode.R107_BROKEN_LINE, f"answers/{code}", f"answers/{code}: {_type_of(answer)}"
    return None


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the records of a file; a line that is none is a fault and the next is read."""
    return blocks(_rows(stream, config.devices))


def _rows(stream: BinaryIO, devices: Sequence[Device]) -> Iterator[Row | Fault]:
    seals = check_seals(stream, devices)
    stream.seek(0)
    found = 0
    for line in text_lines(stream):
        if isinstance(line, Line) and (not line.text or line.text.isspace()):
            continue
        if isinstance(line, Line) and is_seal(line.text) and (line.is_whole or line.number in seals.lines):
            continue
        found += 1
        yield _distrusted(line, seals.problem) if seals.problem else _row(line, seals)
    if not found and seals.problem:
        yield Fault(RejectCode.R113_BAD_SIGNATURE, value=seals.problem)
    elif not found and not seals.lines:
        yield Fault(RejectCode.R102_EMPTY_FILE)


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
    return Row(line.number, cells | {SIGNING_KEY: key}, len(line.text))


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
)
