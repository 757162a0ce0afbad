"""Names of releases: `<round>.<number>`, a correction of one `<round>.<number>-r<revision>`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.lake import Lake, release
from pipelines.model.errors import InputError


def release_ids(lake: Lake) -> list[str]:
    """Return the ids of all frozen releases of the lake; folders still being written are none."""
    found = (path.split("/")[-2] for path in lake.glob(release("*/manifest.json")))
    return sorted(name for name in found if not name.startswith("."))


def ids_of_round(existing: Iterable[str], round_id: str) -> dict[str, tuple[int, int]]:
    """Return those ids that belong to the round, with number and revision (0: not a correction)."""
    form = re.compile(re.escape(round_id) + r"\.(\d+)(?:-r(\d+))?")
    matches = ((name, form.fullmatch(name)) for name in existing)
    return {name: (int(match[1]), int(match[2] or 0)) for name, match in matches if match}


def next_release_id(existing: Iterable[str], round_id: str, revises: str = "") -> str:
    """Return the id that the next release of a round takes: `tthc-2023-hoa-thanh.1`, `….2`, `….1-r1`.

    Args:
        existing: ids of all releases there are.
        round_id: the round.
        revises: id of the release that is to be corrected; empty for a new one.

    Raises:
        InputError: there is no release `revises` of this round.
    """
    known = ids_of_round(existing, round_id)
    if not revises:
        return f"{round_id}.{max((number for number, _ in known.values()), default=0) + 1}"
    if revises not in known:
        raise InputError(f"no release {revises} of round {round_id}", remedy=f"there are: {', '.join(sorted(known))}")
    base = known[revises][0]
    revision = max(revision for number, revision in known.values() if number == base) + 1
    return f"{round_id}.{base}-r{revision}"
