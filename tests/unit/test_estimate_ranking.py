"""Ranks and their joint intervals: by hand, against chance, and in the score table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.estimate.rank import rank_intervals, ranks, with_ranks

SCENARIO = pd.read_csv(Path(__file__).parents[1] / "scenarios/reading/rank_intervals.csv")


@pytest.mark.parametrize("case", SCENARIO.case.unique())
def test_ranks_and_their_intervals_as_worked_out_by_hand(case):
    """Three units at 95 %: 0.95^(1/3) = 0.98305 each, so ± 2.39 standard errors, ± 7.6 with 2 degrees of freedom."""
    rows = SCENARIO[SCENARIO.case == case]
    low, high = rank_intervals(*(rows[name].to_numpy(float) for name in ("score", "se", "df")), 0.95)
    assert ranks(rows.score.to_numpy(float)).tolist() == rows["rank"].tolist()
    assert low.tolist() == rows.rank_low.fillna(0).tolist() and high.tolist() == rows.rank_high.fillna(0).tolist()


def test_all_intervals_hold_the_true_ranks_together_as_often_as_promised():
    rng = np.random.default_rng(3)
    truth, se = np.array([81.0, 80.5, 80.0, 78.0, 78.0, 75.0, 74.5, 70.0]), np.linspace(0.5, 2.0, 8)
    best, worst = ranks(truth), 9 - ranks(-truth)
    hits = 0
    for _ in range(400):
        low, high = rank_intervals(truth + se * rng.normal(size=8), se, np.full(8, np.inf), 0.9)
        hits += bool(((low <= best) & (worst <= high)).all())
    assert hits / 400 >= 0.9


def test_an_interval_holds_its_own_rank_and_narrows_with_the_standard_error():
    rng = np.random.default_rng(4)
    scores = rng.normal(80, 3, 63)
    width = []
    for se in (3.0, 1.0, 0.1, 0.0):
        low, high = rank_intervals(scores, np.full(63, se), np.full(63, 40.0), 0.95)
        assert ((low <= ranks(scores)) & (ranks(scores) <= high)).all()
        width.append((high - low).sum())
    assert width == sorted(width, reverse=True) and width[-1] == 0 and len(set(width)) == 4


def test_suppressed_units_parts_of_units_and_other_levels_do_not_count():
    columns = {
        "measure": np.array(["top2"] * 5, dtype=object),
        "node_code": np.array(["T"] * 5, dtype=object),
        "breakdown": np.array(["", "", "", "sex", ""], dtype=object),
        "flag": np.array(["ok", "suppress", "ok", "ok", "ok"], dtype=object),
        "score": np.array([70.0, 99.0, 80.0, 99.0, 75.0]),
        "se": np.full(5, 0.1),
        "df": np.full(5, 100.0),
        "ci_level": np.full(5, 0.95),
    }
    found = with_ranks(columns, np.array([0, 0, 0, 0, 1]))
    assert found["rank"].tolist() == [2, 0, 1, 0, 1]
    assert found["rank_low"].tolist() == found["rank_high"].tolist() == found["rank"].tolist()
    assert found["rank_of"].tolist() == [2, 0, 2, 0, 1]
