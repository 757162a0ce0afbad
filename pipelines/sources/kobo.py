"""KoboToolbox: submissions of one form over the API v2.

Every fetch reads all pages, because an edit, a validation or a deletion changes a submission where it stands. The
cursor is JSON text: page name → fingerprint of its results; only pages whose results changed are offered again.

Options: `url`, `asset`, `secret` (name of the environment variable with the token), `page_size`, `timeout` (seconds),
`retries`; for the default mapping `form` (instrument id, where the method has several) and `versions` (list of
`__version__` values).

Headings are question names without their groups (`g_access/a1` is `a1`), because the groups of a question change
between versions of a form; the portal's own keys keep their form (`_id`, `meta/rootUuid`, `_validation_status/uid`).
Four headings are made here: `meta/rootUuid` where an older server does not give it, `asset`, `revision` (2 for an
edited submission, else 1; of two with the same revision the one fetched later holds) and `review_state`.
Attachments, location, tags and notes are left out; a repeated group stays JSON text under its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

import orjson

from pipelines.model.codes import RejectCode
from pipelines.model.errors import SourceError
from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, Offer, RawRows, Source
from pipelines.sources.blocks import MAX_COLUMNS, Row, blocks
from pipelines.sources.cells import text_of
from pipelines.sources.forms import only_form
from pipelines.sources.kobo_pages import MAX_PAGE, Disagreement, Page, Pages

LEFT_OUT = frozenset({"_attachments", "_geolocation", "_tags", "_notes"})
OWN_GROUPS = ("meta/", "formhub/", "_validation_status/")
IDENTITY = ("meta/rootUuid", "meta/deprecatedID", "meta/instanceID", "_uuid")
REVIEW = {
    "validation_status_approved": "approved",
    "validation_status_not_approved": "rejected",
    "validation_status_on_hold": "on_hold",
}
IGNORED = ("_*", "formhub/*", "meta/*", "asset", "start", "end", "today", "deviceid", "username")


def fetch(config: SourceConfig, cursor: str) -> Iterator[Offer]:
    """Yield the pages that are new or changed.

    Submissions that arrive meanwhile stand at the end and do no harm. Where the pages do not add up to the portal's
    count (something was deleted meanwhile), reading starts over once.

    Raises:
        SourceError: the portal cannot be reached, refuses, or contradicts itself twice.
    """
    seen: dict[str, str] = json.loads(cursor or "{}")
    pages = Pages(config)
    try:
        yield from _changed(pages, seen)
    except Disagreement:
        try:
            yield from _changed(pages, seen)
        except Disagreement as error:
            remedy = "try again when nobody edits the form's data; if it stays, tell the portal's operator"
            raise SourceError(f"the portal contradicts itself: {error}", pages.url, remedy) from None


def _changed(pages: Pages, seen: dict[str, str]) -> Iterator[Offer]:
    for page in pages:
        fingerprint = _fingerprint(page)
        if page.results and seen.get(page.name) != fingerprint:
            seen[page.name] = fingerprint
            yield Offer(page.name, partial(BytesIO, page.content), ".json", json.dumps(seen, sort_keys=True))


def _fingerprint(page: Page) -> str:
    """Hash the results alone: the count in a page changes with every submission elsewhere."""
    return hashlib.sha256(orjson.dumps(page.results)).hexdigest()[:32]


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the submissions of a page; `line` is the position on the page."""
    return blocks(_rows(stream, str(config.options.get("asset", ""))))


def _rows(stream: BinaryIO, asset: str) -> Iterator[Row | Fault]:
    content = stream.read(MAX_PAGE + 1)
    if len(content) > MAX_PAGE:
        yield Fault(RejectCode.R105_TOO_LARGE, value=f"> {MAX_PAGE} byte")
        return
    try:
        results = orjson.loads(content)["results"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError) as error:
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"không phải trang JSON · not a page of JSON ({error})")
        return
    if not isinstance(results, list):
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value="results: không phải danh sách · not a list")
    elif not results:
        yield Fault(RejectCode.R102_EMPTY_FILE)
    else:
        for line, submission in enumerate(results, 1):
            yield _row(line, submission, asset)


def _row(line: int, submission: Any, asset: str) -> Row | Fault:
    payload = orjson.dumps(submission).decode()
    if not isinstance(submission, dict):
        return Fault(RejectCode.R107_BROKEN_LINE, line, value=payload[:80], payload=payload)
    cells: dict[str, str | None] = {}
    for path, value in _leaves(submission):
        heading = path if path.startswith(OWN_GROUPS) else path.rpartition("/")[2]
        if heading in cells:
            return Fault(RejectCode.R107_BROKEN_LINE, line, heading, f"{path}: 2 × {heading}", payload)
        cells[heading] = text_of(value)
    if own := cells.keys() & {"asset", "revision", "review_state"}:
        return Fault(RejectCode.R107_BROKEN_LINE, line, min(own), f"2 × {min(own)}", payload)
    if len(cells) > MAX_COLUMNS:
        return Fault(RejectCode.R105_TOO_LARGE, line, value=f"> {MAX_COLUMNS}", payload=payload)
    return Row(line, cells | _made_here(cells, asset), len(payload))


def _leaves(submission: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in submission.items():
        if key == "_validation_status":
            yield f"{key}/uid", value.get("uid") if isinstance(value, dict) else value
        elif key not in LEFT_OUT:
            yield key, value


def _made_here(cells: dict[str, str | None], asset: str) -> dict[str, str | None]:
    root = next((cells[heading] for heading in IDENTITY if cells.get(heading)), None)
    status = cells.get("_validation_status/uid")
    return {
        "meta/rootUuid": (root or "").removeprefix("uuid:") or None,
        "asset": asset or None,
        "revision": "2" if cells.get("meta/deprecatedID") else "1",
        "review_state": REVIEW.get(status, status) if status else None,
    }


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[Mapping, ...]:
    """Return the mapping by question names; times without zone are UTC.

    The portal's `_submission_time` is when the answer was submitted, unless a question of the form says that; then it
    is when the answer was received.
    """
    form = only_form(config, instruments)
    headings = {question.name: question.code for question in form.questions}
    headings |= {"meta/rootUuid": "record_id", "revision": "revision", "review_state": "review_state"}
    headings["_submission_time"] = "received_at" if "submitted_at" in headings.values() else "submitted_at"
    if "device_id" not in headings.values():
        headings["_submitted_by"] = "device_id"
    when: dict[str, tuple[str, ...]] = {"asset": (str(config.options.get("asset", "")),)}
    if versions := config.options.get("versions"):
        when["__version__"] = tuple(versions)
    return (Mapping(form.id, headings, when, ignore=IGNORED, time_zone="UTC"),)


SOURCE = Source(
    name="kobo",
    channel="portal",
    fetch=fetch,
    read=read,
    mappings=mappings,
    titles={"vi": "Cổng KoboToolbox", "en": "KoboToolbox portal"},
)
