"""Files of an inbox folder, for connectors whose answers arrive as files.

The cursor is JSON text: name → [size, mtime_ns] of the files seen that are still there. An unchanged file is not
offered again; a changed one is (a kiosk appends to its file until the day ends). A file that looks unfinished to its
connector is left for the next visit until nobody has written to it for `options.settle` seconds. It must not open files
to look at them, and never moves or deletes one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipelines.model.errors import InputError, SourceError
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fetch, Offer

UNFINISHED = (".*", "~*", "*.tmp", "*.part", "*.partial", "*.crdownload")
SETTLE = 900  # seconds
IsFinished = Callable[[Path, SourceConfig], bool]


def fetch_from(*patterns: str, is_finished: IsFinished | None = None) -> Fetch:
    """Return the fetch of a connector that takes files of these patterns (case is ignored) from `options.inbox`.

    `is_finished` tells a file that is still being written; without it every file counts as finished.
    """
    return partial(_fetch, patterns, is_finished)


def _fetch(
    patterns: tuple[str, ...], is_finished: IsFinished | None, config: SourceConfig, cursor: str
) -> Iterator[Offer]:
    inbox, settle = _inbox(config), _settle(config)
    before: dict[str, list[int]] = json.loads(cursor or "{}")
    present = {path.name: _state(path) for path in _listed(inbox, patterns)}
    seen = {name: before[name] for name in present if name in before}
    for name, state in present.items():
        path = inbox / name
        if seen.get(name) == state or (is_finished and _is_fresh(state, settle) and not is_finished(path, config)):
            continue
        seen[name] = state
        yield Offer(_printable(name), partial(_open, path), path.suffix.lower(), json.dumps(seen, sort_keys=True))


def _inbox(config: SourceConfig) -> Path:
    inbox = Path(str(config.options.get("inbox", "")))
    if not inbox.is_absolute() or not inbox.is_dir():
        raise SourceError(
            f"source “{config.source}” finds no inbox folder",
            str(config.options.get("inbox", "options.inbox")),
            "create the folder, or correct “inbox” of the source in round.yml",
        )
    return inbox


def _settle(config: SourceConfig) -> float:
    said = config.options.get("settle", SETTLE)
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
        where = f"round.yml, options.settle of source {config.source}"
        raise InputError(f"{said!r} is no number of seconds", where, "write a number such as 900")
    return float(said)


def _is_fresh(state: list[int], settle: float) -> bool:
    """Whether a file was written to less than so many seconds ago; or will be, by a clock that is fast."""
    return abs(time.time() - state[1] / 1e9) < settle


def _listed(inbox: Path, patterns: tuple[str, ...]) -> list[Path]:
    names = sorted(entry.name for entry in inbox.iterdir() if entry.is_file())
    return [inbox / name for name in names if _matches(name, patterns) and not _matches(name, UNFINISHED)]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name.lower(), pattern) for pattern in patterns)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(
            f"the file cannot be opened: {error.strerror}", _printable(str(path)), "check that it is there and readable"
        ) from error


def _printable(name: str) -> str:
    return os.fsencode(name).decode(errors="replace")
