"""Runs stages of a round in a process of its own that kills itself at a given moment, as a power cut would.

It is imported by the server that the killed processes fork from, so it must start nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from e2e_kit import PROGRAMME, RELEASE, ROUND, context

from pipelines import geography, stages
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.stages.running import bring_in

APPROVAL = {"approves": True, "person": "lanh-dao", "comment": ""}
STEPS: dict[str, Callable[[stages.Context], object]] = {
    "bring in": lambda opened: bring_in(opened, "kiosk", ROUND, lambda *_: None),
    "weigh": lambda opened: stages.weigh(opened, ROUND),
    "estimate": lambda opened: stages.estimate(opened, ROUND),
    "gate scores": lambda opened: stages.gate_scores(opened, ROUND),
    "interpret": lambda opened: stages.interpret(opened, ROUND),
    "load": lambda opened: stages.load(opened, ROUND),
    "freeze": lambda opened: stages.freeze(opened, ROUND, "thong-ke"),
    "check": lambda opened: stages.check(opened, RELEASE, "thong-ke"),
    "approve": lambda opened: stages.decide(opened, RELEASE, APPROVAL),
    "publish": lambda opened: stages.publish(opened, RELEASE),
}
# Read here once, by the server that the processes fork from, and not by each of them.
load_method(PROGRAMME, "2017")
geography.units("commune", date(2023, 5, 1))
COMMIT = "commit"
REAL_COMMIT = 2  # the first one of a stage only makes sure that the tables are there


@dataclass(frozen=True)
class Moment:
    """When to die: in a step, `before` or `after` a file of the lake takes its name, or at a `commit`."""

    step: str
    when: str
    path: str = ""


def whole_way(folder: Path) -> None:
    """Take the round from its sources to a publication, as the command does."""
    opened = context(folder)
    release_id = stages.run_round(opened, PROGRAMME, ROUND, "thong-ke", lambda *_: None)
    stages.decide(opened, release_id, APPROVAL)
    stages.publish(opened, release_id)


def until(folder: Path, first: str, moment: Moment) -> None:
    """Begin at the step that was broken off, as a scheduler does, and go on until the moment."""
    names, opened = list(STEPS), context(folder)
    for name in names[names.index(first) : names.index(moment.step) + 1]:
        if name == moment.step:
            arm(moment)
        STEPS[name](opened)


def arm(moment: Moment) -> None:
    """Make this process kill itself at the moment."""
    if moment.when == COMMIT:
        commits = count(1)
        sa.event.listen(sa.Engine, "commit", lambda _: die() if next(commits) == REAL_COMMIT else None)
        return
    rename, move_folder = Lake._rename, Lake.move_folder

    def killing_rename(lake: Lake, temporary: str, path: str) -> None:
        around(moment, path, lambda: rename(lake, temporary, path))

    def killing_move(lake: Lake, source: str, target: str, last: str) -> None:
        around(moment, target, lambda: move_folder(lake, source, target, last))

    Lake._rename, Lake.move_folder = killing_rename, killing_move  # type: ignore[method-assign]


def around(moment: Moment, path: str, work: Callable[[], None]) -> None:
    """Do the work, and die before or after it where this is the file."""
    is_meant = fnmatch(path, moment.path)
    if is_meant and moment.when == "before":
        die()
    work()
    if is_meant:
        die()


def die() -> None:
    """End at once, without any clearing up."""
    os.kill(os.getpid(), signal.SIGKILL)
