"""Change of figures between two rounds: the published rule, a test with both standard errors, and where a series ends.

The two samples are taken to be independent. Where they share PSUs the covariance is mostly positive and the test errs
on the safe side. A series that is broken gives a row with the reason and no change: two figures of different meaning
have no difference. It must not say why a series is broken: that is in the method and in the register of units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import special

from pipelines.estimate.interval import quantile
from pipelines.estimate.spec import Floats

RULE_PERCENT = 5.0
NOT_BEFORE, SUPPRESSED, NO_FIGURE = "not_in_previous_round", "suppressed", "no_figure"

FIGURES = ("figure", "se", "df", "rank")
COLUMNS = [
    *(pa.field(name, pa.float64()) for name in ("figure", "previous_figure", "change", "change_percent")),
    pa.field("rule", pa.string()),
    *(pa.field(name, pa.float64()) for name in ("se", "df", "ci_low", "ci_high", "p_value")),
    pa.field("is_significant", pa.bool_()),
    pa.field("rank_change", pa.int64()),
    pa.field("break_reason", pa.string()),
]


def changes(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    key: Sequence[str],
    breaks: Mapping[str, Mapping[str, str]],
    level: float = 0.95,
    rule_percent: float = RULE_PERCENT,
) -> pa.Table:
    """Return one row a figure of the current round, with what it was before and how it changed.

    Args:
        current: `key`, `figure`, `se`, `df`, `rank` and `flag`; a figure is unknown where it is NaN.
        previous: the same of the round before, in the codes of the current one.
        key: columns that identify a figure.
        breaks: column of the key → code → why its series is broken: for units of another extent, nodes of another
            meaning. The first column that gives a reason has the word.
        level: of the interval of the change and of the test.
        rule_percent: the change in percent of the previous figure from which the published rule speaks of one.

    A figure that either round suppresses has no change (`break_reason` is then `suppressed`).
    """
    joined = current.merge(previous, how="left", on=list(key), suffixes=("", "_before"), indicator=True)
    reason = _reasons(joined, breaks)
    keeps = (reason == "").to_numpy()
    new, old = (_masked(joined, suffix, keeps) for suffix in ("", "_before"))
    found: dict[str, object] = {name: joined[name].to_numpy() for name in key}
    found |= {"figure": joined.figure.to_numpy(float), "previous_figure": old["figure"]}
    found |= _difference(new, old, level, rule_percent)
    found |= {"rank_change": old["rank"] - new["rank"], "break_reason": reason.to_numpy()}
    return _table(found, key)


def welch(new: Mapping[str, Floats], old: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return standard error and degrees of freedom of a difference of independent figures (Satterthwaite 1946).

    se² = se₁² + se₂² and df = se⁴ / (se₁⁴/df₁ + se₂⁴/df₂): between the smaller of both and their sum.
    """
    first, second = new["se"] ** 2, old["se"] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (first + second) ** 2 / (_per_df(first, new["df"]) + _per_df(second, old["df"]))
    return np.sqrt(first + second), df


def _per_df(variance: Floats, df: Floats) -> Floats:
    """A figure of a census has no variance and needs no degrees of freedom."""
    return np.where(variance == 0, 0.0, variance**2 / df)


def _difference(
    new: Mapping[str, Floats], old: Mapping[str, Floats], level: float, rule_percent: float
) -> dict[str, object]:
    change = new["figure"] - old["figure"]
    se, df = welch(new, old)
    half = np.where(se == 0, 0.0, quantile(df, level) * se)
    with np.errstate(invalid="ignore", divide="ignore"):
        percent = np.where(old["figure"] == 0, np.nan, 100 * change / old["figure"])
        p = np.where(se > 0, 2 * special.stdtr(df, -np.abs(change) / se), np.nan)
    p = np.where(se == 0, (change == 0).astype(float), p)
    known = ~np.isnan(p)
    return {
        "change": change,
        "change_percent": percent,
        "rule": [_rule(one, rule_percent) for one in percent],
        "se": se,
        "df": np.where(np.isinf(df), np.nan, df),
        "ci_low": change - half,
        "ci_high": change + half,
        "p_value": p,
        "is_significant": [bool(one < 1 - level) if is_known else None for one, is_known in zip(p, known, strict=True)],
    }


def _rule(percent: float, threshold: float) -> str | None:
    if np.isnan(percent):
        return None
    return "up" if percent >= threshold else "down" if percent <= -threshold else "steady"


def _reasons(joined: pd.DataFrame, breaks: Mapping[str, Mapping[str, str]]) -> pd.Series:
    """Return by row why there is no change; empty where there is one."""
    reason = pd.Series("", index=joined.index, dtype=object)
    for column, reasons in breaks.items():
        own = pd.Series([reasons.get(code, "") for code in joined[column]], index=joined.index, dtype=object)
        reason = reason.mask(reason == "", own)
    reason = reason.mask((reason == "") & (joined["_merge"] == "left_only"), NOT_BEFORE)
    withheld = (joined["flag"] == "suppress") | (joined["flag_before"] == "suppress")
    reason = reason.mask((reason == "") & withheld, SUPPRESSED)
    return reason.mask((reason == "") & (joined["figure"].isna() | joined["figure_before"].isna()), NO_FIGURE)


def _masked(joined: pd.DataFrame, suffix: str, keeps: np.ndarray) -> dict[str, Floats]:
    return {name: np.where(keeps, joined[f"{name}{suffix}"].to_numpy(float), np.nan) for name in FIGURES}


def _table(found: Mapping[str, object], key: Sequence[str]) -> pa.Table:
    columns = {name: pa.array(found[name]) for name in key}
    for field in COLUMNS:
        columns[field.name] = pa.array(found[field.name], from_pandas=True).cast(field.type)
    return pa.table(columns)
