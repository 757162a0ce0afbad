"""Closed months: what counted when a month was closed, and every revision of it since, with what changed.

A closed month still takes late and revised records, but never silently: each change is a numbered revision. Each source
of a month has its own row of revisions, 0 the closing. It must not decide when a month is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from pipelines.lake import Lake, closed_content, closed_month, closed_revision

CONTENT = pa.schema([("response_id", pa.string()), ("content_hash", pa.string()), ("is_late", pa.bool_())])
_COMPARE = """
SELECT count(*) FILTER (before.response_id IS NULL), count(*) FILTER (now.response_id IS NULL),
    count(*) FILTER (before.content_hash <> now.content_hash)
FROM before FULL JOIN now USING (response_id)
"""


@dataclass(frozen=True)
class Closing:
    """Who closed a month, and when (UTC, ISO 8601)."""

    month: str
    person: str
    comment: str
    closed_at: str


@dataclass(frozen=True)
class Revision:
    """A state of one source of a closed month: how many responses count, and what differs from the state before.

    Args:
        month: the month.
        source: the source.
        number: 0 is the closing.
        responses: accepted responses.
        late: those of them that were received in a later month than they were submitted in.
        added: responses that did not count before.
        changed: responses whose content was revised.
        withdrawn: responses that counted before and do not now.
        recorded_at: when it was recorded (UTC, ISO 8601).
    """

    month: str
    source: str
    number: int
    responses: int
    late: int
    added: int
    changed: int
    withdrawn: int
    recorded_at: str

    def __str__(self) -> str:
        """Say it in one line."""
        what = f"{self.added} added, {self.changed} changed, {self.withdrawn} withdrawn"
        return f"closed month {self.month}: revision {self.number} of {self.source}: {what}, {self.responses} in all"


def close(lake: Lake, round_id: str, closing: Closing, contents: dict[str, str]) -> list[Revision]:
    """Close a month: keep what counts now, by source → file of its accepted responses; return revision 0 of each.

    The note that the month is closed comes last, so that a closing broken off is none.
    """
    month, now = closing.month, closing.closed_at
    found = [
        _keep(lake, round_id, Revision(month, source, 0, *_size(table), 0, 0, 0, now), table)
        for source, table in ((source, _content(lake, path)) for source, path in sorted(contents.items()))
    ]
    lake.write_json(closed_month(round_id, month), asdict(closing))
    return found


def revise(lake: Lake, round_id: str, month: str, source: str, responses: str, now: str) -> Revision | None:
    """Record the next revision of a closed month where its responses differ from the last; None where there is none.

    Killed at any point, it records the same revision when it is run again, and once.
    """
    if not lake.exists(closed_month(round_id, month)):
        return None
    done = revisions(lake, round_id, month, source)
    number = done[-1].number + 1 if done else 0
    table, before = _content(lake, responses), CONTENT.empty_table()
    if done:
        before = lake.read_table(closed_content(round_id, month, source, f"{number - 1:04d}"))
    with duckdb.connect() as connection:
        connection.register("before", before)
        connection.register("now", table)
        added, withdrawn, changed = connection.sql(_COMPARE).fetchall()[0]
    if not (added or withdrawn or changed):
        return None
    revision = Revision(month, source, number, *_size(table), added, changed, withdrawn, now)
    _keep(lake, round_id, revision, table)
    lake.remove(closed_content(round_id, month, source, f"{number - 1:04d}"))
    return revision


def closings(lake: Lake, round_id: str) -> list[Closing]:
    """Return the closed months of a round, in order."""
    return [Closing(**lake.read_json(path)) for path in lake.glob(closed_month(round_id, "*"))]


def revisions(lake: Lake, round_id: str, month: str = "*", source: str = "*") -> list[Revision]:
    """Return the revisions of closed months, in order of month, source and number."""
    paths: Sequence[str] = lake.glob(closed_revision(round_id, month, source, "*"))
    return [Revision(**lake.read_json(path)) for path in paths]


def _keep(lake: Lake, round_id: str, revision: Revision, table: pa.Table) -> Revision:
    place = (round_id, revision.month, revision.source, f"{revision.number:04d}")
    lake.write_table(closed_content(*place), table)
    lake.write_json(closed_revision(*place), asdict(revision))
    return revision


def _content(lake: Lake, path: str) -> pa.Table:
    return lake.read_table(path, CONTENT.names).cast(CONTENT) if lake.exists(path) else CONTENT.empty_table()


def _size(table: pa.Table) -> tuple[int, int]:
    return table.num_rows, sum(map(bool, table["is_late"].to_pylist()))
