"""ODK Central: submissions of one form over OData, or its CSV export (`.csv`, `.csv.zip`) in an inbox folder.

Every OData fetch reads all pages, newest first, by `$skiptoken`, which stays steady while submissions arrive; only
pages with something new are offered (see `known`).

Options: `inbox` for exported files; or `url`, `project`, `form_id`, `secret` (name of the environment variable with a
password, or with a session token where there is no `user`), `user` (e-mail), `page_size`, `timeout`, `retries`. For
both `repeats` (see `nested`); for the default mapping `form` (instrument id) and `versions` (of the form).

Both wire formats give the same headings: question names without their groups, `__id`, `__system/…`, `meta/…`; and
three made here: `__form`, `revision` (where no note of the fetch gives it, one more than there were edits) and
`review_state`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import parse_qs, quote, urlsplit

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping as FormMapping
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, Offer, RawRows, Source
from pipelines.sources.blocks import Row, blocks
from pipelines.sources.cells import json_text, json_value
from pipelines.sources.folder import fetch_from
from pipelines.sources.forms import only_form
from pipelines.sources.known import Disagreement, Page, Seen, changed_pages, fingerprint
from pipelines.sources.nested import MAX_DEPTH, Cells, Refused, Shape
from pipelines.sources.odk_tables import table_rows
from pipelines.sources.pages import read_results
from pipelines.sources.web import TryAgain, Web, needed, number, secret_of

PAGE_SIZE = 1_000
OWN = ("__system/*", "meta/*")
LINK = "@odata.navigationLink"
ATTACHMENTS = ("attachmentsPresent", "attachmentsExpected")
REVIEW = {"received": None, "edited": None, "hasIssues": "on_hold"}  # approved and rejected are our own words
IGNORED = ("__*", "meta/*", "start", "end", "today", "deviceid", "username", "instanceName")
from_folder = fetch_from("*.zip", "*.csv")


def fetch(config: SourceConfig, cursor: str) -> Iterator[Offer]:
    """Yield the pages with new or changed submissions where `url` is set; else exported files of the inbox.

    Raises:
        SourceError: the server cannot be reached, refuses, or contradicts itself twice.
    """
    options = config.options
    if "url" not in options:
        yield from from_folder(config, cursor)
        return
    form = quote(needed(options, "form_id"), safe="")
    path = f"/v1/projects/{quote(needed(options, 'project'), safe='')}/forms/{form}.svc/Submissions"
    size = int(number(options, "page_size", PAGE_SIZE)) or PAGE_SIZE
    with Web(options, _authorization(options)) as web:
        yield from changed_pages(partial(_pages, web, path, size), path, cursor, web.url + path)


def _authorization(options: Mapping[str, Any]) -> dict[str, str]:
    secret, user = secret_of(options), str(options.get("user", ""))
    if not secret:
        return {}
    basic = b64encode(f"{user}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {basic}" if user else f"Bearer {secret}"}


def _pages(web: Web, path: str, size: int) -> Iterator[Page]:
    """Yield every page once.

    Raises:
        Disagreement: as many submissions were read as the server counted neither before nor after, or it links a page
            that was there already.
    """
    counts: list[int] = []
    places: list[dict[str, str]] = [{}]
    read = 0
    while len(places) > len(counts):
        query = {"$top": str(size), "$count": "true", "$expand": "*", "$wkt": "true", **places[-1]}
        page, count, following = web.ask("GET", path, partial(_page, f"Submissions, {len(places)}"), params=query)
        read += len(page.records)
        counts.append(count)
        if following and (following in places or not page.records):
            raise Disagreement("a page links to one before it")
        places += [following] if following else []
        yield page
    if not min(counts) <= read <= max(counts):
        raise Disagreement(f"{read} submissions read, {counts[-1]} counted")


def _page(name: str, content: bytes) -> tuple[Page, int, dict[str, str]]:
    """Return a page, the count that it gives, and the place of the next page as parameters.

    Of the next page's address only the place is taken: the server may name itself by another host.
    """
    try:
        value = json_value(content)
        results, count, link = value["value"], value["@odata.count"], value.get("@odata.nextLink")
        asked = parse_qs(urlsplit(link or "").query)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise TryAgain("the answer is not a whole page of JSON") from None
    place: dict[str, str] = {name: asked[name][0] for name in ("$skiptoken", "$skip") if name in asked}
    if type(count) is not int or not isinstance(results, list) or (link and not place):
        raise TryAgain("the answer is not a page of submissions")
    return Page(name, content, tuple(map(_seen, results))), count, place


def _seen(submission: Any) -> Seen:
    mark = fingerprint(submission)
    if not isinstance(submission, dict) or not submission.get("__id"):
        return Seen(f"? {mark}", mark)
    system = submission.get("__system")
    if not isinstance(system, dict):
        return Seen(str(submission["__id"]), mark)
    steady = {key: value for key, value in system.items() if key not in ATTACHMENTS}
    edits = system.get("edits")
    revision = edits + 1 if type(edits) is int and edits >= 0 else 1
    return Seen(str(submission["__id"]), fingerprint({**submission, "__system": steady}), revision)


def read(stream: BinaryIO, name: str, config: SourceConfig) -> Iterator[RawRows | Fault]:
    """Yield the submissions of an OData page, of a CSV export or of its zip; the format is told from the bytes."""
    shape, form = Shape.of(config, OWN), str(config.options.get("form_id", ""))
    start = stream.read(1)
    stream.seek(0)
    if start == b"{":
        return blocks(read_results(stream, "value", partial(_row, shape, form)))
    return blocks(_finished(item, form) for item in table_rows(stream, shape))


def _row(shape: Shape, form: str, line: int, submission: Any, revision: int) -> Row | Fault:
    payload = json_text(submission)
    if not isinstance(submission, dict):
        return Fault(RejectCode.R107_BROKEN_LINE, line, value=payload[:80], payload=payload)
    try:
        cells = shape.cells(_expanded(submission, shape), ("__form", "revision", "review_state"))
    except Refused as refused:
        return Fault(refused.code, line, refused.field, refused.value, payload)
    return _checked(Row(line, cells, len(payload)), form, revision, payload)


def _expanded(value: dict[str, Any], shape: Shape, depth: int = 0) -> dict[str, Any]:
    """Return a record without links and without the keys that entries of repeated groups have.

    Raises:
        Refused: a repeated group is a link only, its entries are not there.
    """
    if depth > MAX_DEPTH:
        return value
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        group = key.removesuffix(LINK)
        if group != key:
            if group not in value:
                shape.entry(group, ["not expanded"])
        elif isinstance(inner, dict):
            kept[key] = _expanded(inner, shape, depth + 1)
        elif isinstance(inner, list):
            kept[key] = [_entry(entry, shape, depth) for entry in inner]
        else:
            kept[key] = inner
    return kept


def _entry(entry: Any, shape: Shape, depth: int) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {key: value for key, value in _expanded(entry, shape, depth + 1).items() if not key.startswith("__")}


def _finished(item: Row | Fault, form: str) -> Row | Fault:
    return item if isinstance(item, Fault) else _checked(item, form, 0, json_text(item.cells))


def _checked(row: Row, form: str, revision: int, payload: str) -> Row | Fault:
    """Return the row with what is made here; a record that is encrypted or deleted is a fault."""
    cells = row.cells
    if status := cells.get("__system/status"):
        return Fault(RejectCode.R111_ENCRYPTED, row.line, "__system/status", status, payload)
    if cells.get("__system/deletedAt"):
        return Fault(RejectCode.R307_GONE_AT_SOURCE, row.line, "__id", cells.get("__id") or "", payload)
    state = cells.get("__system/reviewState")
    made: Cells = {
        "__form": form or None,
        "revision": str(revision or _edits(cells) + 1),
        "review_state": REVIEW.get(state, state) if state else None,
    }
    return Row(row.line, cells | made, row.size)


def _edits(cells: Cells) -> int:
    edits = cells.get("__system/edits") or "0"
    return int(edits) if edits.isdecimal() and len(edits) < 9 else 0


def mappings(config: SourceConfig, instruments: Sequence[Instrument]) -> tuple[FormMapping, ...]:
    """Return the mapping by question names.

    The server's `submissionDate` is when the answer was submitted, unless a question of the form says that; then it is
    when the answer was received.
    """
    form = only_form(config, instruments)
    headings = {question.name: question.code for question in form.questions}
    headings |= {"__id": "record_id", "revision": "revision", "review_state": "review_state"}
    has_time = "submitted_at" in headings.values()
    headings["__system/submissionDate"] = "received_at" if has_time else "submitted_at"
    if "device_id" not in headings.values():
        headings["__system/deviceId"] = "device_id"
    when: dict[str, tuple[str, ...]] = {}
    if form_id := config.options.get("form_id"):
        when["__form"] = (str(form_id),)
    if versions := config.options.get("versions"):
        when["__system/formVersion"] = tuple(versions)
    return (FormMapping(form.id, headings, when, ignore=IGNORED, time_zone="UTC"),)


SOURCE = Source(
    name="odk",
    channel="portal",
    fetch=fetch,
    read=read,
    mappings=mappings,
    titles={"vi": "Máy chủ ODK Central (OData, CSV)", "en": "ODK Central (OData, CSV)"},
)
