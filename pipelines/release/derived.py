"""What tables that follow from scores may show: nothing from which a withheld score could be worked out.

A change tells the score of both rounds, progress that of the target; so a row goes with the scores behind it. Pure
functions of one table; which figures are withheld is decided by `disclosure` and handed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release.disclosure import MISSING, PUBLISHED, SUPPRESSED, DisclosureReport

Key = tuple[Any, ...]
OF_CHANGE: dict[str, Any] = dict.fromkeys(
    (
        "change",
        "change_percent",
        "figure",
        "previous_figure",
        "rule",
        "se",
        "df",
        "ci_low",
        "ci_high",
        "p_value",
        "is_significant",
        "rank_change",
    )
)


@dataclass(frozen=True)
class Derived:
    """A table that follows from figures.

    Args:
        key: its columns that name the figure a row follows from.
        withheld: its columns that tell something of that figure → what stands there instead; the first is the one
            without which a row says nothing.
    """

    key: tuple[str, ...]
    withheld: Mapping[str, Any]


SCORE_KEY = ("measure", "unit_code", "node_code")
SHARE_KEY = ("unit_code", "question_code", "answer_code")
DERIVED: dict[str, Derived] = {
    "change": Derived(SCORE_KEY, OF_CHANGE),
    "share_change": Derived(SHARE_KEY, {name: None for name in OF_CHANGE if name != "rank_change"}),
    "driver": Derived(
        SCORE_KEY,
        dict.fromkeys(("importance", "se", "coefficient", "r_squared", "n", "score", "potential", "quadrant")),
    ),
    "plan_progress": Derived(
        ("unit_code", "node_code"),
        {"actual": None, "previous": None, "gap": None, "is_certain": None, "progress": "unknown"},
    ),
}


def withheld_keys(figures: pa.Table, key: Collection[str]) -> set[Key]:
    """Return the keys of whole units (no breakdown) whose figure a release does not show."""
    whole = figures.filter(pc.and_(pc.equal(figures["breakdown"], ""), pc.not_equal(figures["obs_status"], PUBLISHED)))
    return set(zip(*(whole[name].to_pylist() for name in key), strict=True))


def withhold(rows: pa.Table, derived: Derived, hidden: Collection[Key]) -> tuple[pa.Table, DisclosureReport]:
    """Return the rows with `obs_status`, those of hidden figures emptied, and what was done to them."""
    keys = zip(*(rows[name].to_pylist() for name in derived.key), strict=True)
    main = next(iter(derived.withheld))
    reasons = [
        "follows_from_withheld" if key in hidden else "published" if value is not None else "no_figure"
        for key, value in zip(keys, rows[main].to_pylist(), strict=True)
    ]
    is_hidden = pa.array([reason == "follows_from_withheld" for reason in reasons], pa.bool_())
    for name, instead in derived.withheld.items():
        place = rows.schema.get_field_index(name)
        blank = pa.scalar(instead, rows.schema.field(place).type)
        rows = rows.set_column(place, rows.schema.field(place), pc.if_else(is_hidden, blank, rows[name]))
    status = pa.array([_STATUS[reason] for reason in reasons], pa.string())
    return rows.append_column("obs_status", status), DisclosureReport("derived", len(reasons), dict(Counter(reasons)))


_STATUS = {"published": PUBLISHED, "no_figure": MISSING, "follows_from_withheld": SUPPRESSED}
