"""What a portal's records were when last seen, so that only pages with new, changed or vanished records are offered.

Portals change a record where it stands: an edit, a review, a deletion. Most say nothing of the order of such changes,
so each state in which a record is seen gets its number, from 1: that is its revision, and the latest one holds. The
numbers travel in a note, one line of JSON before the page's own bytes, so that reading needs nothing else.

The cursor is JSON text: `form`, `where` and, per record, a fingerprint and the revision; `-` behind them marks one
that has vanished. It must not look at answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any

from pipelines.model.codes import RejectCode
from pipelines.model.errors import SourceError
from pipelines.model.source import Fault, Offer
from pipelines.sources.cells import json_text, json_value

NOTE = b'{"hailong":'
GONE = " -"
SHARE = 10  # the cursor moves when a tenth of the records was offered: moving it each time would cost their square


class Disagreement(Exception):
    """The pages do not add up to the count that the portal gives."""


@dataclass(frozen=True)
class Seen:
    """A record as a page shows it: identity, fingerprint of all that matters, and its least revision."""

    id: str
    fingerprint: str
    revision: int = 1


@dataclass(frozen=True)
class Page:
    """One page: its name, raw bytes and format, and its records in the order in which a reader finds them."""

    name: str
    content: bytes
    records: tuple[Seen, ...]
    suffix: str = ".json"


@dataclass(frozen=True)
class Note:
    """What goes before a page: the revision of each of its records, or the records that are gone (no page then)."""

    revisions: tuple[int, ...] = ()
    gone: tuple[str, ...] = ()

    def before(self, content: bytes) -> bytes:
        """Return the note as a line, and the bytes."""
        said = {"gone": self.gone} if self.gone else {"revisions": self.revisions}
        return json_text({"hailong": said}).encode() + b"\n" + content

    @property
    def faults(self) -> list[Fault]:
        """A fault for each record that is gone."""
        code = RejectCode.R307_GONE_AT_SOURCE
        return [Fault(code, line, value=identity, payload=identity) for line, identity in enumerate(self.gone, 1)]


def without_note(content: bytes) -> tuple[Note, bytes]:
    """Return the note before a page, empty where there is none, and the page's own bytes."""
    if not content.startswith(NOTE):
        return Note(), content
    line, _, rest = content.partition(b"\n")
    try:
        said = json_value(line)["hailong"]
        note = Note(tuple(map(int, said.get("revisions", ()))), tuple(map(str, said.get("gone", ()))))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Note(), content
    return note, rest


def fingerprint(value: Any) -> str:
    """Return 16 hex digits of SHA-256 of a JSON value."""
    return hashlib.sha256(json_text(value).encode()).hexdigest()[:16]


def changed_pages(pages: Callable[[], Iterable[Page]], form: str, cursor: str, where: str) -> Iterator[Offer]:
    """Yield the pages that hold something new, then one object that names what has vanished.

    Reading starts over once where the pages do not add up: something was deleted meanwhile.

    Args:
        pages: reads them from the first on.
        form: names the form at its portal, without the portal's address.
        cursor: see the module.
        where: the form with its address.

    Raises:
        SourceError: the portal contradicts itself twice; what was yielded before stays valid.
    """
    known = _Known.of(cursor, form, where)
    try:
        yield from _news(pages(), known)
    except Disagreement:
        try:
            yield from _news(pages(), known)
        except Disagreement as error:
            remedy = "try again when nobody edits the form's data; if it stays, tell the portal's operator"
            raise SourceError(f"the portal contradicts itself: {error}", where, remedy) from None


def _news(pages: Iterable[Page], known: _Known) -> Iterator[Offer]:
    present: set[str] = set()
    waiting, last = 0, None  # records offered since the cursor moved, and the offer that should have moved it
    for page in pages:
        before = known.changes
        revisions = tuple(known.note(record) for record in page.records)
        present.update(record.id for record in page.records)
        if known.changes == before:
            continue
        waiting += len(page.records)
        moves = waiting * SHARE >= len(known.records)
        content = Note(revisions).before(page.content)
        last = Offer(page.name, partial(BytesIO, content), page.suffix, known.cursor() if moves else "")
        waiting = 0 if moves else waiting
        yield last
    if gone := known.vanish(present):
        content = Note(gone=gone).before(b"")
        yield Offer("gone", partial(BytesIO, content), ".json", known.cursor())
    elif waiting and last:
        yield replace(last, cursor=known.cursor())


@dataclass
class _Known:
    """Record → fingerprint, revision and mark, of one form; `changes` counts what `note` found new."""

    form: str
    where: str
    records: dict[str, str]
    changes: int = 0

    @classmethod
    def of(cls, cursor: str, form: str, where: str) -> _Known:
        """Read a cursor; one of another form, or of another kind, says nothing.

        Where the form has another address than before its numbers go on, and nothing is said to be gone.
        """
        state = json.loads(cursor or "{}")
        if state.get("form") != form:
            return cls(form, where, {})
        records = state["records"]
        if state.get("where") != where:
            records = {name: f"{was.removesuffix(GONE)}{GONE}" for name, was in records.items()}
        return cls(form, where, records)

    def cursor(self) -> str:
        return json.dumps({"form": self.form, "where": self.where, "records": self.records}, sort_keys=True)

    def note(self, record: Seen) -> int:
        """Return the revision of a record, the next one where it has changed; to have come back is news too."""
        was = self.records.get(record.id, "").split()
        revision = record.revision if not was else int(was[1]) + (was[0] != record.fingerprint)
        self.changes += was != [record.fingerprint, str(revision)]
        self.records[record.id] = f"{record.fingerprint} {revision}"
        return revision

    def vanish(self, present: set[str]) -> tuple[str, ...]:
        """Mark records that are not there any more and return those not marked before, sorted."""
        gone = sorted(name for name, was in self.records.items() if name not in present and not was.endswith(GONE))
        for name in gone:
            self.records[name] += GONE
        return tuple(gone)
