"""Work on many things, rounds above all, of which a bad one stops none of the others and is told at the end.

It must not swallow an error: whatever went wrong ends the whole as failed, once everything else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pipelines.model.errors import HailongError, InputError, SourceError
from pipelines.model.round import Round
from pipelines.stages.context import Context

S = TypeVar("S")
T = TypeVar("T")


def go_on(work: Callable[[S], T], subjects: Iterable[S], failed: Sequence[HailongError] = ()) -> list[T]:
    """Do the work on every subject; then raise what failed, here and before, as one error that names each place."""
    done: list[T] = []
    errors = list(failed)
    for subject in subjects:
        try:
            done.append(work(subject))
        except HailongError as error:
            errors.append(error)
    if errors:
        raise together(errors)
    return done


def each_round(context: Context, work: Callable[[Round], T], round_id: str = "") -> list[T]:
    """Do the work on a round, or on every round; those that cannot be read are told once the others are done."""
    if round_id:
        return [work(context.round(round_id))]
    rounds, failed = context.readable()
    return go_on(work, rounds, failed)


def unreadable(context: Context, round_id: str = "") -> list[InputError]:
    """Return why rounds cannot be read, for `go_on`; nothing where one round is named, which then speaks for itself."""
    return [] if round_id else context.readable()[1]


def together(errors: Sequence[HailongError]) -> HailongError:
    """Return one error for several; where a source may answer later it is of that kind, so that it is tried again."""
    first = next((error for error in errors if isinstance(error, SourceError)), errors[0])
    if len(errors) == 1:
        return first
    told = "; ".join(str(error) for error in errors)
    return type(first)(f"{len(errors)} failed, the others are done: {told}", "", "mend each and run again")
