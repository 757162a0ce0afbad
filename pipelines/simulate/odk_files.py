"""Submissions as ODK Central's OData gives them: one object a line, one file a form, the oldest first.

The form was published twice in the round: its first version calls one question otherwise. The mapping of both, which
says what is read by which, is written from the same names.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import orjson

from pipelines.model.instrument import Instrument, Question
from pipelines.model.method import Method
from pipelines.simulate.portal_files import answer_text
from pipelines.simulate.record import ENCRYPTED, UNMAPPED, Record
from pipelines.simulate.spec import SimulationSpec

FIRST_WEEK = timedelta(days=7)
FIRST_NAMES = {"sex": "gioi_tinh"}  # question → its name in the first version of the form
REVIEWS = {"": None, "approved": "approved", "not_approved": "rejected", "on_hold": "hasIssues"}
IGNORED = ("__*", "meta/*")


def form_id(round_id: str, form: str) -> str:
    """Return the server's name of a form of a round."""
    return f"{round_id}-{form}"


def versions(instrument: Instrument) -> tuple[str, str]:
    """Return the server's names of the form's first and second version."""
    return f"{instrument.version}-1", f"{instrument.version}-2"


def odk_files(spec: SimulationSpec, records: list[Record], method: Method) -> dict[str, bytes]:
    """Return `<form_id>.jsonl` → bytes, submissions in the order in which they were first sent."""
    lines: dict[str, list[bytes]] = {}
    there = [record for record in records if record.is_there]
    for record in sorted(there, key=lambda record: (record.submitted_at, record.record_id)):
        submission = _submission(spec, record, method.instrument(record.form))
        lines.setdefault(f"{form_id(spec.round_id, record.form)}.jsonl", []).append(orjson.dumps(submission) + b"\n")
    return {name: b"".join(lines[name]) for name in sorted(lines)}


def odk_mappings(spec: SimulationSpec, method: Method, channel: str) -> list[dict[str, Any]]:
    """Return the mappings of the versions of each form, as `mappings/odk.yml` holds them."""
    return [
        {
            "form": form,
            "when": {"__form": [form_id(spec.round_id, form)], "__system/formVersion": [version]},
            "headings": {
                "__id": "record_id",
                "revision": "revision",
                "review_state": "review_state",
                "__system/submissionDate": "received_at",
                **{_name(question, names): question.code for question in method.instrument(form).questions},
            },
            "ignore": list(IGNORED),
        }
        for form in dict.fromkeys(spec.instruments.values())
        for version, names in zip(versions(method.instrument(form)), (FIRST_NAMES, {}), strict=True)
    ]


def _name(question: Question, names: dict[str, str]) -> str:
    return names.get(question.name, question.name)


def _submission(spec: SimulationSpec, record: Record, instrument: Instrument) -> dict[str, Any]:
    is_first = record.submitted_at.date() < spec.window_from + FIRST_WEEK
    first, second = versions(instrument)
    received = record.submitted_at.astimezone(UTC) + timedelta(seconds=5)
    is_edited = bool(record.replaces)
    return {
        "__id": f"uuid:{record.record_id}",
        "__system": {
            "submissionDate": received.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "updatedAt": (received + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z") if is_edited else None,
            "deletedAt": None,
            "submitterId": "5",
            "submitterName": "Điều tra viên",
            "attachmentsPresent": 0,
            "attachmentsExpected": 0,
            "status": "notDecrypted" if record.damage == ENCRYPTED else None,
            "reviewState": REVIEWS[record.review] or ("edited" if is_edited else None),
            "deviceId": record.device_id,
            "edits": int(is_edited),
            "formVersion": f"{instrument.version}-0" if record.damage == UNMAPPED else first if is_first else second,
        },
        "meta": {"instanceID": f"uuid:{record.version_id}", "instanceName": None},
        **(_answers(record, instrument, FIRST_NAMES if is_first else {}) if record.damage != ENCRYPTED else {}),
    }


def _answers(record: Record, instrument: Instrument, names: dict[str, str]) -> dict[str, Any]:
    """Return the answers in their groups; a question without an answer is null."""
    found: dict[str, Any] = {}
    for question in instrument.questions:
        *groups, _ = question.path.split("/")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[_name(question, names)] = answer_text(record, question) or None
    return found
