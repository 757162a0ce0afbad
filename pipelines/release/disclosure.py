"""Which cells leave the house: primary and secondary suppression of scores and answer counts.

Pure functions of one table. Secondary suppression works inside one question of one cell (unit × breakdown ×
category); what could be inferred between categories, units, releases or from item scores is not judged here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.model.errors import InputError

PUBLISHED, SUPPRESSED, MISSING = "A", "S", "M"  # SDMX code list CL_OBS_STATUS; S stands for suppressed
WITHHELD_OF_SCORE = ("score", "se", "ci_low", "ci_high", "rank", "rank_low", "rank_high", "group_no")
WITHHELD_OF_COUNT = ("n", "share", "se")
LOWEST_SETTING = 3
GROUP = ("round_id", "unit_code", "breakdown", "category", "question_code")


@dataclass(frozen=True)
class DisclosureReport:
    """What became of the rows of one table: reason → rows. The reasons add up to `rows`."""

    kind: str
    rows: int
    reasons: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {"kind": self.kind, "rows": self.rows, "reasons": dict(sorted(self.reasons.items()))}


def apply(
    rows: pa.Table, settings: Mapping[str, Any], kind: Literal["score", "count"]
) -> tuple[pa.Table, DisclosureReport]:
    """Return the rows as they may be published, with `obs_status` set, and what was done to them.

    Args:
        rows: rows of `index_score` (kind `score`) or `answer_count` (kind `count`).
        settings: all thresholds of the round; read here: `disclosure.min_cell_count`, the smallest count above 0 that
            may be shown (a whole number of at least 3, for with 2 a hidden cell could only be 1).
        kind: which of the two tables.

    Raises:
        InputError: the setting is absent or below 3.
    """
    least = _least(settings)
    reasons = _score_reasons(rows, least) if kind == "score" else _count_reasons(rows, least)
    columns = WITHHELD_OF_SCORE if kind == "score" else WITHHELD_OF_COUNT
    status = [_STATUS[reason] for reason in reasons]
    return _withhold(rows, status, columns), DisclosureReport(kind, len(reasons), dict(Counter(reasons)))


_STATUS = {
    "published": PUBLISHED,
    "no_answers": MISSING,
    "unreliable": SUPPRESSED,  # the reliability rules of the method say suppress
    "below_min_cell_count": SUPPRESSED,
    "small_total": SUPPRESSED,  # the whole question has fewer answers than the least count
    "secondary": SUPPRESSED,  # hides another cell that could be computed from the total
}


def _least(settings: Mapping[str, Any]) -> int:
    least = settings.get("disclosure", {}).get("min_cell_count")
    if not isinstance(least, int) or least < LOWEST_SETTING:
        raise InputError(
            f"min_cell_count is {least!r}, not a whole number of at least {LOWEST_SETTING}",
            "settings.disclosure",
            f"set it in the round, e.g. to {LOWEST_SETTING}",
        )
    return least


def _score_reasons(rows: pa.Table, least: int) -> list[str]:
    columns = zip(rows["score"].to_pylist(), rows["n"].to_pylist(), rows["flag"].to_pylist(), strict=True)
    return [_score_reason(score, n, flag, least) for score, n, flag in columns]


def _score_reason(score: float | None, n: int | None, flag: str | None, least: int) -> str:
    if score is None or n == 0:
        return "no_answers"
    if flag == "suppress":
        return "unreliable"
    return "below_min_cell_count" if n is not None and n < least else "published"


def _count_reasons(rows: pa.Table, least: int) -> list[str]:
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for index, key in enumerate(zip(*(rows[name].to_pylist() for name in GROUP), strict=True)):
        groups[key].append(index)
    counts, codes = rows["n"].to_pylist(), rows["answer_code"].to_pylist()
    reasons = ["published"] * rows.num_rows
    for members in groups.values():
        members.sort(key=lambda index: str(codes[index]))
        for index, reason in zip(members, _group_reasons([counts[i] for i in members], least), strict=True):
            reasons[index] = reason
    return reasons


def _group_reasons(counts: Sequence[int], least: int) -> list[str]:
    """Reasons for the cells of one question, whose total is taken as known to the reader."""
    if sum(counts) == 0:
        return ["no_answers"] * len(counts)
    if sum(counts) < least:
        return ["small_total"] * len(counts)
    hidden = _hidden(counts, least)
    return [_cell_reason(n, least, index in hidden) for index, n in enumerate(counts)]


def _cell_reason(n: int, least: int, is_hidden: bool) -> str:
    if not is_hidden:
        return "published"
    return "below_min_cell_count" if 0 < n < least else "secondary"


def _hidden(counts: Sequence[int], least: int) -> set[int]:
    """Positions to hide: the small cells, and larger ones until none can be worked out from the total.

    The next larger count goes with them, so that the hidden are not all small (else their sum could leave one
    solution); every cell with that count goes, else the choice among equals would tell. Zeros go only where there is
    no larger count. Enumeration of small tables shows that a reader who knows the total and this rule still finds two
    values or more for each hidden cell.
    """
    if not any(0 < n < least for n in counts):
        return set()
    companion = min((n for n in counts if n >= least), default=0)
    return {index for index, n in enumerate(counts) if 0 < n < least or n == companion}


def _withhold(rows: pa.Table, status: list[str], columns: Sequence[str]) -> pa.Table:
    status_column = pa.array(status, pa.string())
    is_hidden = pc.equal(status_column, SUPPRESSED)
    for name in columns:
        kept = pc.if_else(is_hidden, pa.scalar(None, rows.schema.field(name).type), rows[name])
        rows = rows.set_column(rows.schema.get_field_index(name), name, kept)
    if "obs_status" in rows.column_names:
        return rows.set_column(rows.schema.get_field_index("obs_status"), "obs_status", status_column)
    return rows.append_column("obs_status", status_column)
