"""Closing a month of a round, and what has changed since: a closed month changes only by a revision that is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.collect.closing import Closing, Revision, close, closings, revise, revisions
from pipelines.lake import closed_month, responses, stale
from pipelines.model.errors import InputError, StateError
from pipelines.model.round import Round
from pipelines.model.run import Partition
from pipelines.stages.context import MONTH, Context


def close_month(context: Context, round_id: str, month: str, person: str = "", comment: str = "") -> list[Revision]:
    """Close a month of a round: what counts now is kept as revision 0 of each source; return them.

    Raises:
        InputError: `month` is no month of the round's window.
        StateError: it is closed already, not over yet, or has responses that are not tallied yet.
    """
    round_ = context.round(round_id)
    first, last = (f"{day:%Y-%m}" for day in (round_.window_from, round_.window_to))
    if not MONTH.fullmatch(month) or not first <= month <= last:
        raise InputError(f"{month!r} is no month of the round", f"{round_.folder}/round.yml", f"use {first} to {last}")
    _expect_closable(context, round_, month)
    closing = Closing(month, person or context.settings.person, comment, _now(context))
    sources = [config.source for config in round_.sources]
    paths = {source: responses(round_.programme, round_id, month, source) for source in sources}
    return close(context.lake, round_id, closing, paths)


def revise_closed(context: Context, round_: Round, partition: Partition) -> list[str]:
    """Record a revision where a partition of a closed month has other responses than before; return what to report."""
    path = responses(round_.programme, round_.id, partition.month, partition.source)
    found = revise(context.lake, round_.id, partition.month, partition.source, path, _now(context))
    return [str(found)] if found else []


def closed_rows(context: Context, round_: Round) -> list[dict[str, Any]]:
    """Return every revision of every closed month of a round, with who closed it."""
    by_month = {closing.month: closing for closing in closings(context.lake, round_.id)}
    return [
        {
            "round_id": round_.id,
            "closed_month": one.month,
            "source": one.source,
            "revision": one.number,
            "accepted_responses": one.responses,
            **{name: getattr(one, name) for name in ("late", "added", "changed", "withdrawn")},
            "recorded_at": datetime.fromisoformat(one.recorded_at),
            "closed_by": by_month[one.month].person,
            "closed_at": datetime.fromisoformat(by_month[one.month].closed_at),
        }
        for one in revisions(context.lake, round_.id)
        if one.month in by_month
    ]


def closed_lines(context: Context, round_id: str) -> list[tuple[str, ...]]:
    """Return the revisions of closed months as text: month, source, number, responses, late, what changed, by whom."""
    names = (
        "closed_month",
        "source",
        "revision",
        "accepted_responses",
        "late",
        "added",
        "changed",
        "withdrawn",
        "closed_by",
    )
    return [tuple(str(row[name]) for name in names) for row in closed_rows(context, context.round(round_id))]


def _expect_closable(context: Context, round_: Round, month: str) -> None:
    where = f"{round_.id}, {month}"
    if context.lake.exists(closed_month(round_.id, month)):
        closed = next(one for one in closings(context.lake, round_.id) if one.month == month)
        what = f"the month was closed by {closed.person} on {closed.closed_at}"
        raise StateError(what, where, "nothing to do: later records are counted as revisions")
    if f"{context.now().astimezone(round_.zone):%Y-%m}" <= month:
        raise StateError("the month is not over yet", where, "close it when it is over")
    if waiting := [one.source for one in round_.sources if context.lake.exists(stale(round_.id, one.source, month))]:
        remedy = f"screen, check and tally it first: `hailong partitions {waiting[0]}`"
        raise StateError(f"responses of {', '.join(waiting)} are not tallied yet", where, remedy)


def _now(context: Context) -> str:
    return context.now().isoformat(timespec="seconds")
