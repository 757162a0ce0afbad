"""One record as a source holds it, before it is written in that source's wire format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from pipelines.model.codes import RejectCode

PORTALS = KOBO, ODK, LIMESURVEY = "kobo", "odk", "limesurvey"  # a server holds their records and changes them
KIOSK, POSTAL, SPREADSHEET = "kiosk", "postal", "spreadsheet"
SOURCES = (KIOSK, POSTAL, *PORTALS, SPREADSHEET)  # the connectors whose wire formats are written
SCAN = "scan"  # sheets that are printed, filled and scanned: pictures, made where the forms are printed
PORTAL_USER = "khao-sat@example.vn"  # who reads the answers of a portal that knows users
HALF, TAMPERED, UNFINISHED = "half", "tampered", "unfinished"
DELETED, ENCRYPTED, UNMAPPED, INCOMPLETE = "deleted", "encrypted", "unmapped", "incomplete"
BAD_TIME, BROKEN_FILE, OTHER_ORDER = "bad_time", "broken_file", "other_order"
GOOGLE, MICROSOFT = "google", "microsoft"  # services whose spreadsheets are written
Answer = int | str | tuple[int, ...]  # a code, a text that is none, or the ticked options of a multiple choice


@dataclass(frozen=True)
class Record:
    """One filled-in form.

    Args:
        record_id: identity in its source, kept by a revision; a UUID, or the number on a paper form.
        version_id: identity of this very version where the source gives one (a portal's `_uuid`).
        answers: question code → answer; a blank is absent.
        arrives: day of the file in which the record comes.
        replaces: `version_id` of the version that this one replaced.
        review: what a reviewer said at the source: approved, not_approved, on_hold or empty.
        damage: how its line is spoilt: `broken` in the middle, `half` written; or its file: `tampered` with, so that
            the signature fails, or `unfinished`, still being copied; or at a portal: `deleted` there after a first
            visit, `encrypted`, of a version of the form that is `unmapped`, or `incomplete`; or in a spreadsheet: at a
            `bad_time`, or alone in a `broken_file` or one with the month first (`other_order`); or empty.
        marks: names of the faults that were planted in it.
        fate: the code with which it is to be refused; None where it is to be accepted.
    """

    source: str
    record_id: str
    form: str
    unit_code: str
    procedure_code: str
    psu_code: str
    respondent: str
    channel: str
    device_id: str
    started_at: datetime
    submitted_at: datetime
    arrives: date
    version_id: str = ""
    sequence: int = 0
    revision: int = 1
    answers: dict[str, Answer] = field(default_factory=dict)
    comment: str = ""
    replaces: str = ""
    review: str = ""
    damage: str = ""
    marks: tuple[str, ...] = ()
    fate: RejectCode | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether it is to be accepted, as soon as its file is whole."""
        return self.fate is None and self.is_there

    @property
    def is_there(self) -> bool:
        """Whether it can be collected now: its file is whole, and nobody has deleted it."""
        return self.damage not in (UNFINISHED, DELETED)

    @property
    def file(self) -> tuple[str, date]:
        """What names the file in which the record stands, and its first day.

        Device and day; the service of a spreadsheet and the half of a month; or the form and the month.
        """
        if self.source == KIOSK:
            return self.device_id, self.arrives
        if self.source == SPREADSHEET:
            return self.device_id.partition("-")[0], self.arrives.replace(day=1 if self.arrives.day < 16 else 16)
        return self.form, self.arrives.replace(day=1)
