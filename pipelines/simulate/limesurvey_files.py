"""Responses as LimeSurvey's remote control exports them by codes: one object a line, one file a survey.

Codes of questions and answers are LimeSurvey's own (`gpa[pa1]`, `A4`): the mapping that says which is which is written
from the same names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from pipelines.model.instrument import Instrument, Kind, Question, Role
from pipelines.model.method import Method
from pipelines.simulate.record import INCOMPLETE, Record
from pipelines.simulate.spec import SimulationSpec

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
OWN_HEADINGS = {"id": "record_id", "submitdate": "submitted_at", "startdate": "started_at", "revision": "revision"}
IGNORED = ("lastpage", "startlanguage", "seed", "datestamp")
ASKED = ("unit_code", "psu_code", "procedure_code")  # fields that the survey asks for


def survey_id(round_id: str, form: str) -> str:
    """Return the server's number of a form of a round: six digits."""
    return str(100_000 + int(hashlib.sha256(f"{round_id}/{form}".encode()).hexdigest(), 16) % 900_000)


def limesurvey_files(spec: SimulationSpec, records: list[Record], method: Method) -> dict[str, bytes]:
    """Return `<survey>.jsonl` → bytes, responses by ascending id."""
    lines: dict[str, list[bytes]] = {}
    for record in sorted((one for one in records if one.is_there), key=lambda record: int(record.record_id)):
        response = _response(record, method.instrument(record.form))
        lines.setdefault(f"{survey_id(spec.round_id, record.form)}.jsonl", []).append(orjson.dumps(response) + b"\n")
    return {name: b"".join(lines[name]) for name in sorted(lines)}


def limesurvey_mappings(spec: SimulationSpec, method: Method, channel: str) -> list[dict[str, Any]]:
    """Return the mapping of each survey, as `mappings/limesurvey.yml` holds them."""
    return [
        {
            "form": form,
            "headings": OWN_HEADINGS | {code: target for code, target, _ in _columns(method.instrument(form))},
            "constants": {"channel": channel, "respondent": respondent},
            "codes": {
                question.code_list.name: {f"A{code}": code for code in sorted(question.code_list.codes)}
                for question in method.instrument(form).coded
                if question.code_list is not None and question.kind is Kind.SELECT_ONE
            },
            "ignore": list(IGNORED),
            "time_zone": spec.time_zone,
            "time_format": TIME_FORMAT,
        }
        for respondent, form in spec.instruments.items()
    ]


def _columns(instrument: Instrument) -> Iterator[tuple[str, str, Question]]:
    """Yield LimeSurvey's code of each column, what it feeds, and its question; a group of questions is an array."""
    for question in instrument.questions:
        if question.role is Role.HEADER and question.code not in ASKED:
            continue
        *groups, name = (part.replace("_", "") for part in question.path.split("/"))
        code = f"{groups[-1]}[{name}]" if groups else name
        if question.kind is Kind.SELECT_MULTIPLE and question.code_list is not None:
            options = zip(question.code_list.choices, question.columns, strict=True)
            yield from ((f"{code}[{choice.code}]", column, question) for choice, column in options)
        else:
            yield code, question.code, question


def _response(record: Record, instrument: Instrument) -> dict[str, Any]:
    started, submitted = (moment.strftime(TIME_FORMAT) for moment in (record.started_at, record.submitted_at))
    return {
        "id": int(record.record_id),
        "submitdate": "" if record.damage == INCOMPLETE else submitted,
        "lastpage": 1 if record.damage == INCOMPLETE else 3,
        "startlanguage": "vi",
        "seed": int(hashlib.sha256(record.version_id.encode()).hexdigest(), 16) % 10**9,
        "startdate": started,
        "datestamp": submitted,
        **{code: _cell(record, target, question) for code, target, question in _columns(instrument)},
    }


def _cell(record: Record, target: str, question: Question) -> str:
    if question.role is Role.COMMENT:
        return record.comment
    if question.role is Role.HEADER:
        return str(getattr(record, question.code))
    answer = record.answers.get(question.code)
    if question.kind is Kind.SELECT_MULTIPLE:
        ticked = [f"{question.code}_{code}" for code in answer] if isinstance(answer, tuple) else []
        return "Y" if target in ticked else "N" if ticked else ""
    return "" if answer is None else f"A{answer}"
