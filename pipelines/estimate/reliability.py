"""Reliability flags by thresholds: whether a number may be shown, and why not.

The rules are those of the NCHS for percentages (Parker et al. 2017, sample size, effective sample size and width of
the interval) with the DHS's parentheses for few cases. It must not change or blank a score: disclosure does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.estimate.spec import Bools, Floats

THRESHOLDS: dict[str, Any] = {
    "min_n": 30,
    "min_n_eff": 30,
    "max_ci_width": 30.0,  # points of a percentage
    "max_relative_ci_width": 130.0,  # percent of the score, for intervals wider than small_ci_width
    "small_ci_width": 5.0,
    "caution_df": 8,
    "parentheses_from": 25,
    "parentheses_to": 49,
}
FULL_COUNT, AS_PUBLISHED = "full_count", "as_published"  # no thresholds apply: nothing sampled, or no error given
FLAGS = ("ok", "caution", "parentheses", "suppress", FULL_COUNT, AS_PUBLISHED)


def flags(
    columns: Mapping[str, Floats], remarks: Mapping[str, Bools], thresholds: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Return flags and reasons (joined by ``;``, empty for ok), one of each a row.

    Args:
        columns: `score`, `se`, `ci_low`, `ci_high`, `df`, `n`, `n_eff`, and `percent` (1 where the score is one: only
            then the rules on widths apply). NaN where unknown.
        remarks: further reasons for caution → where they hold.
        thresholds: values that replace those of `THRESHOLDS`.
    """
    limit = THRESHOLDS | dict(thresholds)
    suppress = _suppressions(columns, limit)
    rules = [(3, reason, where) for reason, where in suppress.items()]
    rules.append((2, "few_cases", _between(columns["n"], limit)))
    rules.append((1, "df", columns["df"] < limit["caution_df"]))
    rules += [(1, reason, where) for reason, where in remarks.items()]
    level = np.max([severity * where for severity, _, where in rules], axis=0).astype(int)
    pattern = sum((where.astype(np.int64) << bit for bit, (_, _, where) in enumerate(rules)), np.int64(0))
    known, of_row = np.unique(pattern, return_inverse=True)
    texts = [";".join(reason for bit, (_, reason, _) in enumerate(rules) if one >> bit & 1) for one in known.tolist()]
    reasons = [texts[number] for number in of_row]
    return [FLAGS[found] for found in level], reasons


def _between(n: Floats, limit: Mapping[str, Any]) -> Bools:
    return (n >= limit["parentheses_from"]) & (n <= limit["parentheses_to"])


def _suppressions(columns: Mapping[str, Floats], limit: Mapping[str, Any]) -> dict[str, Bools]:
    width, percent = columns["ci_high"] - columns["ci_low"], columns["percent"] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = 100 * width / columns["score"]
    has_score = ~np.isnan(columns["score"])
    return {
        "no_answers": ~has_score,
        "no_variance": has_score & np.isnan(columns["se"]),
        "n": columns["n"] < limit["min_n"],
        "n_eff": columns["n_eff"] < limit["min_n_eff"],
        "ci_width": percent & (width >= limit["max_ci_width"]),
        "relative_ci_width": percent & (width > limit["small_ci_width"]) & (relative > limit["max_relative_ci_width"]),
    }
