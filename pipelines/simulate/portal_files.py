"""Portal submissions as KoboToolbox's API v2 gives them: one result object a line, one file a form (asset)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import orjson

from pipelines.model.instrument import Instrument, Question, Role
from pipelines.model.method import Method
from pipelines.simulate.record import Record
from pipelines.simulate.spec import SimulationSpec

FIRST_ID = 21_000_001
REVIEWS = {
    "approved": {"uid": "validation_status_approved", "color": "#00ff00", "label": "Approved"},
    "not_approved": {"uid": "validation_status_not_approved", "color": "#ff0000", "label": "Not Approved"},
    "on_hold": {"uid": "validation_status_on_hold", "color": "#0000ff", "label": "On Hold"},
}


def asset_uid(round_id: str, form: str) -> str:
    """Return the portal's name of a form of a round: `a` and 21 letters or digits, as KoboToolbox gives them."""
    return "a" + hashlib.sha256(f"{round_id}/{form}".encode()).hexdigest()[:21]


def version_uid(instrument: Instrument) -> str:
    """Return the portal's name of a version of a form: `v` and 21 letters or digits."""
    return "v" + instrument.sha256[:21]


def portal_files(spec: SimulationSpec, records: list[Record], method: Method) -> dict[str, bytes]:
    """Return `<asset>.jsonl` → bytes, submissions by ascending `_id`, which follows the order of first submission."""
    ordered = sorted(records, key=lambda record: (record.submitted_at, record.record_id))
    lines: dict[str, list[bytes]] = {}
    for number, record in enumerate(ordered, FIRST_ID):
        if not record.is_there:
            continue
        asset = asset_uid(spec.round_id, record.form)
        submission = _submission(record, number, asset, method.instrument(record.form))
        lines.setdefault(f"{asset}.jsonl", []).append(orjson.dumps(submission) + b"\n")
    return {name: b"".join(lines[name]) for name in sorted(lines)}


def _submission(record: Record, number: int, asset: str, instrument: Instrument) -> dict[str, object]:
    deprecated = {"meta/deprecatedID": f"uuid:{record.replaces}"} if record.replaces else {}
    return {
        "_id": number,
        "formhub/uuid": hashlib.sha256(asset.encode()).hexdigest()[:32],
        "start": record.started_at.isoformat(timespec="milliseconds"),
        "end": record.submitted_at.isoformat(timespec="milliseconds"),
        **_given(record, instrument),
        "__version__": version_uid(instrument),
        "meta/instanceID": f"uuid:{record.version_id}",
        **deprecated,
        "_xform_id_string": asset,
        "_uuid": record.version_id,
        "_attachments": [],
        "_status": "submitted_via_web",
        "_geolocation": [None, None],
        "_submission_time": record.submitted_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "_tags": [],
        "_notes": [],
        "_validation_status": _review(record),
        "_submitted_by": None,
        "meta/rootUuid": f"uuid:{record.record_id}",
    }


def _given(record: Record, instrument: Instrument) -> dict[str, str]:
    """Return path → text of what was given; a question without an answer is absent."""
    texts = {question.path: answer_text(record, question) for question in instrument.questions}
    return {path: text for path, text in texts.items() if text}


def answer_text(record: Record, question: Question) -> str:
    """Return what a record says to a question as the text of a form; several codes are parted by spaces."""
    if question.role is Role.COMMENT:
        return record.comment
    given = (
        getattr(record, question.code, "") if question.role is Role.HEADER else record.answers.get(question.code, "")
    )
    if isinstance(given, tuple):
        return " ".join(str(code) for code in given)
    if isinstance(given, datetime):
        return given.isoformat(timespec="milliseconds")
    return str(given)


def _review(record: Record) -> dict[str, object]:
    if not record.review:
        return {}
    seconds = int(record.submitted_at.timestamp()) + UUID(record.record_id).int % 86400
    return {"timestamp": seconds, "by_whom": "giam_sat", **REVIEWS[record.review]}
