"""A reviewed correction of one field of one record, and what came of it. It only holds; it must not read or decide."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property


class Outcome(StrEnum):
    """What came of a correction at one place; all but the first are stale and must be looked at by a person."""

    APPLIED = "applied"
    OTHER_VALUE = "other_value"  # the field does not hold what was expected
    NO_FIELD = "no_field"  # no such heading or question, or one that must not be corrected (identity, free text)
    NO_RECORD = "no_record"  # no such record or line among what has landed


@dataclass(frozen=True)
class Correction:
    """One line of `corrections.csv`.

    Args:
        where: file and line of the correction itself.
        source: the source that the record came from.
        record_id: identity of the record in its source; empty where a place is named.
        landing_sha256: hash of the landed bytes, or the first of its digits; empty where a record is named.
        line: line in those bytes.
        field: heading of the file, header field or question code.
        expect: text that must stand there; empty: the field must be blank.
        correct: text to be read instead; empty: blank.
        reason: why.
        author: who corrects.
        reviewer: who has reviewed it, somebody else.
        day: when it was decided.
    """

    where: str
    source: str
    record_id: str
    landing_sha256: str
    line: int | None
    field: str
    expect: str
    correct: str
    reason: str
    author: str
    reviewer: str
    day: date

    @cached_property
    def id(self) -> str:
        """What tells it from other corrections wherever it stands in the file: 16 hex digits."""
        parts = (
            self.source,
            self.record_id,
            self.landing_sha256,
            str(self.line),
            self.field,
            self.expect,
            self.correct,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Applied:
    """What came of a correction at one line; `found` is what stood there, scrubbed."""

    correction_id: str
    landing_sha256: str
    line: int
    outcome: str
    found: str
