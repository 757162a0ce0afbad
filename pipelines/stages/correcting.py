"""What came of the reviewed corrections of a round: for `ops`, for a person, and as an error where one is stale."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pipelines import rounds
from pipelines.collect.corrections import read_applied
from pipelines.collect.privacy import scrub
from pipelines.model.correction import Applied, Correction, Outcome
from pipelines.model.errors import GateError
from pipelines.model.round import Round
from pipelines.stages.context import Context

TOLD = {
    Outcome.OTHER_VALUE: "the field does not hold what the correction expects",
    Outcome.NO_FIELD: "the form has no such field, or it is one that must not be corrected",
    Outcome.NO_RECORD: "no record that has landed is the one it names",
}
REMEDY = "compare with `hailong rejects show` and the file, then correct or remove the line; every other record counted"


def correction_rows(context: Context, round_: Round) -> list[dict[str, Any]]:
    """Return a row for every place of every correction of a round; one that found no record has a row without place."""
    found: dict[str, list[Applied]] = defaultdict(list)
    for one in read_applied(context.lake, round_.id):
        found[one.correction_id].append(one)
    return [
        _row(correction, place, round_.id)
        for correction in rounds.load_corrections(context.lake, round_)
        for place in found[correction.id] or [Applied(correction.id, "", 0, Outcome.NO_RECORD, "")]
    ]


def corrections_of(context: Context, round_id: str) -> list[dict[str, Any]]:
    """Return what came of each correction of a round, in the order of its file."""
    return correction_rows(context, context.round(round_id))


def stale_corrections(context: Context, round_id: str) -> list[GateError]:
    """Return an error for every correction that does not fit any more: what, file, line, field and remedy."""
    return [
        GateError(_told(row), f"{row['correction']}, field {row['corrected_field']}", REMEDY)
        for row in corrections_of(context, round_id)
        if row["outcome"] != Outcome.APPLIED
    ]


def _told(row: dict[str, Any]) -> str:
    told = f"stale correction: {TOLD[row['outcome']]}"
    if row["outcome"] != Outcome.OTHER_VALUE:
        return told
    return f"{told}: expected {row['before_value']!r}, found {row['found']!r} in line {row['corrected_line']}"


def _row(correction: Correction, place: Applied, round_id: str) -> dict[str, Any]:
    return {
        "round_id": round_id,
        "correction_id": correction.id,
        "correction": correction.where,
        "source": correction.source,
        "landing_sha256": place.landing_sha256,
        "corrected_line": place.line or None,
        "corrected_field": correction.field,
        "outcome": Outcome(place.outcome),
        "found": place.found,
        "before_value": scrub(correction.expect)[0],
        "after_value": scrub(correction.correct)[0],
        "correction_reason": scrub(correction.reason)[0],
        "author": correction.author,
        "reviewer": correction.reviewer,
        "decided_on": correction.day,
    }
