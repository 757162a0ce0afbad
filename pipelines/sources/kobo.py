"""KoboToolbox: submissions of one form over the API v2.

Every fetch reads all pages, because an edit, a validation or a deletion changes a submission where it stands; only
pages with something new are offered (see `known`).

Options: `url`, `asset`, `secret` (name of the environment variable with the token), `page_size`, `timeout` (seconds),
`retries`, `repeats` (see `nested`); for the default mapping `form` (instrument id, where the method has several) and
`versions` (list of `__version__` values).

Headings are question names without their groups; the portal's own keys keep their form (`_id`, `meta/rootUuid`,
`_validation_status/uid`). Four headings are made here: `meta/rootUuid` where an older server does not give it, `asset`,
`revision` and `review_state`. Attachments, location, tags and notes are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping, SourceConfig
from pipelines.model.source import Fault, Offer, RawRows, Source
from pipelines.sources.blocks import Row, blocks
from pipelines.sources.cells import json_text, json_value, text_of
from pipelines.sources.forms import only_form
from pipelines.sources.known import Disagreement, Page, Seen, changed_pages, fingerprint
from pipelines.sources.nested import Cells, Refused, Shape
from pipelines.sources.pages import read_results
from pipelines.sources.web import TryAgain, Web, needed, number, secret_of

PAGE_SIZE = 1_000  # the most that KoboToolbox gives
LEFT_OUT = frozenset({"_attachments", "_geolocation", "_tags", "_notes"})
OWN = ("meta/*", "formhub/*", "_validation_status/*")
MADE = frozenset({"asset", "revision", "review_state"})
IDENTITY = ("meta/rootUuid", "meta/deprecatedID", "meta/instanceID", "_uuid")
REVIEW = {
    "validation_status_approved": "approved",
    "validation_status_not_approved": "rejected",
    "validation_status_on_hold": "on_hold",
    "approved": "approved",  # a status that comes as its label
    "not approved": "rejected",
    "on hold": "on_hold",
}
IGNORED = ("_*", "formhub/*", "meta/*", "asset", "start", "end", "today", "deviceid", "username")


def fetch(config: SourceConfig, cursor: str) -> Iterator[Offer]:
    """Yield the pages with new or changed submissions, and at last the identities of those that have vanished.

    Submissions that arrive meanwhile stand at the end and do no harm.

    Raises:
        SourceError: the portal cannot be reached, refuses, or contradicts itself twice.
    """
    options, token = config.options, secret_of(config.options)
    path = f"/api/v2/assets/{needed(options, 'asset')}/data.json"
    size = min(int(number(options, "page_size", PAGE_SIZE)), PAGE_SIZE)
    with Web(options, {"Authorization": f"Token {token}"} if token else None) as web:
        yield from changed_pages(partial(_pages, web, path, size), path, cursor, web.url + path)


def _pages(web: Web, path: str, size: int) -> Iterator[Page]:
    """Yield every page once, sorted by `_id`.

    Raises:
        Disagreement: the pages hold more or fewer submissions than the portal counts at the end, or the count fell on
            the way: after a deletion the next page begins one submission too late.
    """
    start, count, has_next = 0, 0, True
    while has_next:
        query = {"start": start, "limit": size, "sort": '{"_id": 1}'}
        page, said, has_next = web.ask(
            "GET", path, partial(_page, f"data.json?start={start}&limit={size}"), params=query
        )
        start += len(page.records)
        is_stuck = has_next and not page.records
        if is_stuck or start > said or (start < said and not has_next):
            raise Disagreement(f"{start} submissions read, {said} counted")
        if said < count:
            raise Disagreement(f"{count} submissions counted, then {said}")
        count = said
        yield page


def _page(name: str, content: bytes) -> tuple[Page, int, bool]:
    """Return a page, the count that it gives and whether it says that another follows."""
    try:
        value = json_value(content)
        count, has_next, results = value["count"], value["next"] is not None, value["results"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise TryAgain("the answer is not a whole page of JSON") from None
    if type(count) is not int or not isinstance(results, list):
        raise TryAgain("the answer is not a page of submissions")
    return Page(name, content, tuple(map(_seen, results))), count, has_next


def _seen(submission: Any) -> Seen:
    if not isinstance(submission, dict):
        return Seen(f"? {fingerprint(submission)}", "")
    kept = {key: value for key, value in submission.items() if key not in LEFT_OUT}
    root, mark = _root(kept), fingerprint(kept)
    return Seen(f"{root or '?'} {kept.get('_id', '' if root else mark)}".strip(), mark, _least_revision(kept))


def _root(submission: dict[str, Any]) -> str:
    found = next((submission[key] for key in IDENTITY if submission.get(key)), "")
    return str(found).removeprefix("uuid:")


def _least_revision(submission: dict[str, Any]) -> int:
    return 2 if submission.get("meta/deprecatedID") else 1


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the submissions of a page, or the identities that are gone; `line` is the position on the page."""
    row = partial(_row, Shape.of(config, OWN), str(config.options.get("asset", "")))
    return blocks(read_results(stream, "results", row))


def _row(shape: Shape, asset: str, line: int, submission: Any, revision: int) -> Row | Fault:
    payload = json_text(submission)
    if not isinstance(submission, dict):
        return Fault(RejectCode.R107_BROKEN_LINE, line, value=payload[:80], payload=payload)
    given = {key: value for key, value in submission.items() if key not in LEFT_OUT}
    status = given.pop("_validation_status", None)
    given["_validation_status/uid"] = _status(status)
    try:
        cells = shape.cells(given, MADE)
    except Refused as refused:
        return Fault(refused.code, line, refused.field, refused.value, payload)
    return Row(line, cells | _made_here(given, cells, asset, revision), len(payload))


def _status(status: Any) -> str | None:
    """Return what names a review: its uid, else its label; a status with neither stays whole, so that it is refused."""
    named = status.get("uid") or status.get("label") or status if isinstance(status, dict) else status
    return text_of(named) if named else None


def _made_here(given: dict[str, Any], cells: Cells, asset: str, revision: int) -> Cells:
    status = cells["_validation_status/uid"]
    return {
        "meta/rootUuid": _root(given) or None,
        "asset": asset or None,
        "revision": str(revision or _least_revision(given)),
        "review_state": REVIEW.get(status.lower(), status) if status else None,
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
