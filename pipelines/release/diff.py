"""What changed in the scores from one release to the next; a pure function of two tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

SCORE_KEY = ("programme", "measure", "unit_code", "breakdown", "category", "node_code")


@dataclass(frozen=True)
class Difference:
    """Scores that came, went or changed; `largest` is the largest absolute change, in the unit of the scores.

    A score that was withheld and now is shown, or the other way round, counts as changed.
    """

    previous: str
    added: int
    removed: int
    changed: int
    largest: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {
            "previous": self.previous,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "largest_change": self.largest,
        }


def difference(previous: str, old: pa.Table, new: pa.Table) -> Difference:
    """Compare two `index_score` tables score by score; `previous` names the older release."""
    before, after = _scores(old), _scores(new)
    both = before.keys() & after.keys()
    changed = [key for key in both if before[key] != after[key]]
    moves = [abs(a - b) for key in changed if (a := after[key]) is not None and (b := before[key]) is not None]
    return Difference(
        previous=previous,
        added=len(after.keys() - before.keys()),
        removed=len(before.keys() - after.keys()),
        changed=len(changed),
        largest=max(moves, default=0.0),
    )


def _scores(rows: pa.Table) -> dict[tuple[Any, ...], float | None]:
    keys = zip(*(rows[name].to_pylist() for name in SCORE_KEY), strict=True)
    return dict(zip(keys, rows["score"].to_pylist(), strict=True))
