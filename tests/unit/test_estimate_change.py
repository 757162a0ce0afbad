"""Change between rounds: figures worked out by hand, what cannot be compared, and whether the test keeps its level."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipelines.estimate.change import changes

SCENARIO = pd.read_csv(Path(__file__).parents[1] / "scenarios/reading/change.csv")
KEY = ("unit_code", "node_code")


def table(**columns) -> pd.DataFrame:
    usual = {"unit_code": "01", "node_code": "T", "figure": 80.0, "se": 1.0, "df": 50.0, "rank": 1.0, "flag": "ok"}
    rows = max((len(value) for value in columns.values() if isinstance(value, list)), default=1)
    return pd.DataFrame({name: columns.get(name, value) for name, value in usual.items()}, index=range(rows))


def change_of(now: pd.DataFrame, before: pd.DataFrame, breaks=None, **options) -> list[dict]:
    return changes(now, before, KEY, breaks or {}, **options).to_pylist()


@pytest.mark.parametrize("row", list(SCENARIO.itertuples()), ids=SCENARIO.case)
def test_change_as_worked_out_by_hand(row):
    now = table(figure=row.figure, se=row.se, df=row.df)
    before = table(figure=row.previous, se=row.se_before, df=row.df_before)
    (found,) = change_of(now, before)
    assert (found["previous_figure"], found["break_reason"]) == (row.previous, "")
    assert found["change"] == pytest.approx(row.change)
    assert found["rule"] == (None if pd.isna(row.rule) else row.rule)
    for name, expected in (("se", row.se_change), ("df", row.df_change)):
        assert found[name] == (None if pd.isna(expected) else pytest.approx(expected, rel=1e-6))
    if pd.isna(row.p_low):
        assert found["p_value"] is found["is_significant"] is found["ci_low"] is None
    else:
        assert row.p_low <= found["p_value"] <= row.p_high
        assert found["is_significant"] == (found["p_value"] < 0.05)
        assert (found["ci_low"] <= 0 <= found["ci_high"]) == (found["p_value"] >= 0.05)


def test_with_equal_samples_the_test_is_that_of_welch():
    rng = np.random.default_rng(1)
    first, second = rng.normal(80, 9, 40), rng.normal(84, 3, 25)
    se = [x.std(ddof=1) / np.sqrt(len(x)) for x in (first, second)]
    now, before = table(figure=second.mean(), se=se[1], df=24.0), table(figure=first.mean(), se=se[0], df=39.0)
    (found,) = change_of(now, before)
    welch = stats.ttest_ind(second, first, equal_var=False)
    assert found["p_value"] == pytest.approx(welch.pvalue, rel=1e-12) and found["df"] == pytest.approx(welch.df)


def test_places_gained_are_positive():
    now, before = table(unit_code=["a", "b"], rank=[1.0, 5.0]), table(unit_code=["a", "b"], rank=[4.0, np.nan])
    assert [row["rank_change"] for row in change_of(now, before)] == [3, None]


@pytest.mark.parametrize(
    ("now", "before", "breaks", "reason"),
    [
        ({}, {"unit_code": "02"}, {}, "not_in_previous_round"),
        ({"flag": "suppress"}, {}, {}, "suppressed"),
        ({}, {"flag": "suppress"}, {}, "suppressed"),
        ({"figure": np.nan}, {}, {}, "no_figure"),
        ({}, {}, {"node_code": {"T": "other_composition"}}, "other_composition"),
        ({}, {}, {"unit_code": {"01": "unit_of_another_extent"}}, "unit_of_another_extent"),
        ({"flag": "suppress"}, {}, {"node_code": {"T": "needs_series"}, "unit_code": {"01": "x"}}, "needs_series"),
    ],
)
def test_a_broken_series_has_a_row_with_the_reason_and_no_change(now, before, breaks, reason):
    (found,) = change_of(table(**now), table(**before), breaks)
    assert found["break_reason"] == reason
    nothing = ("previous_figure", "change", "change_percent", "rule", "se", "df", "ci_low", "ci_high", "p_value")
    assert {found[name] for name in (*nothing, "is_significant", "rank_change")} == {None}


def test_level_and_threshold_are_those_that_are_asked_for():
    now, before = table(figure=82.5), table(figure=80.0)
    (found,) = change_of(now, before, level=0.9, rule_percent=3.0)
    assert (found["rule"], found["is_significant"]) == ("up", True)
    assert found["ci_high"] - found["change"] == pytest.approx(np.sqrt(2) * stats.t.ppf(0.95, 100))
    (found,) = change_of(now, before)
    assert (found["rule"], found["is_significant"]) == ("steady", False)


def test_where_nothing_changed_the_test_says_so_as_rarely_as_its_level():
    rng = np.random.default_rng(2)
    count, df = 4000, 12
    units = [str(number) for number in range(count)]

    def round_of() -> pd.DataFrame:
        se = np.sqrt(rng.chisquare(df, count) / df)
        figure = 80 + rng.normal(size=count)
        return table(unit_code=units, figure=list(figure), se=list(se), df=float(df), rank=np.nan)

    found = changes(round_of(), round_of(), KEY, {})
    share = np.mean(found["is_significant"].to_pylist())
    assert 0.04 <= share <= 0.06
