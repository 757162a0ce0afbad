"""How a result is read: intervals, reliability flags, and whether intervals hold what they promise."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.estimate import TallySpec, index_scores, inner_nodes, tally
from pipelines.estimate.interval import beta_interval, logit_interval, t_interval
from pipelines.estimate.reliability import flags
from pipelines.model.method import Combination, Level, Node


def one(**changes) -> dict[str, np.ndarray]:
    usual = {"score": 80, "se": 2, "ci_low": 76, "ci_high": 84, "df": 100, "n": 400, "n_eff": 380, "percent": 1}
    return {name: np.array([float(value)]) for name, value in (usual | changes).items()}


@pytest.mark.parametrize(
    ("change", "flag", "reason"),
    [
        ({}, "ok", ""),
        ({"df": 7}, "caution", "df"),
        ({"df": 8}, "ok", ""),
        ({"n": 49, "n_eff": 40}, "parentheses", "few_cases"),
        ({"n": 50, "n_eff": 40}, "ok", ""),
        ({"n": 29, "n_eff": 40}, "suppress", "n;few_cases"),
        ({"n_eff": 29.9}, "suppress", "n_eff"),
        ({"ci_low": 60, "ci_high": 90}, "suppress", "ci_width"),
        ({"score": 6, "ci_low": 1, "ci_high": 11}, "suppress", "relative_ci_width"),
        ({"score": 2, "ci_low": 0, "ci_high": 4.9}, "ok", ""),  # narrow enough whatever its share of the score
        ({"percent": 0, "ci_low": 0, "ci_high": 90}, "ok", ""),  # points: rules for percentages do not apply
        ({"score": np.nan, "se": np.nan, "n": 0, "n_eff": np.nan}, "suppress", "no_answers;n"),
        ({"se": np.nan, "ci_low": np.nan, "ci_high": np.nan, "df": 0}, "suppress", "no_variance;df"),
    ],
)
def test_flag_and_reasons(change, flag, reason):
    assert flags(one(**change), {}, {}) == ([flag], [reason])


def test_thresholds_of_the_round_replace_the_usual_ones():
    assert flags(one(n=29), {}, {"min_n": 10, "parentheses_from": 0, "parentheses_to": 9}) == (["ok"], [""])


def test_intervals_at_the_ends_of_the_scale():
    score, se, df, n = (np.array([value] * 2) for value in (100.0, 0.0, 50.0, 60.0))
    low, high = beta_interval(score, se, df, n, 0.95)
    assert high[0] == 100 and low[0] == pytest.approx(100 * 0.025 ** (1 / 60))  # Clopper–Pearson for 60 of 60
    assert np.isnan(logit_interval(score, se, df, n, 0.95)).all()
    assert t_interval(score, se, df, n, 0.95)[0].tolist() == [100, 100]
    assert np.isnan(t_interval(score, se, np.zeros(2), n, 0.95)).all()


@pytest.mark.parametrize("psu", ["", "psu_code"])
def test_intervals_hold_the_truth_as_often_as_they_say(psu):
    """300 simple or clustered samples of 3 strata: coverage of 95 % within what chance allows (a bench takes more)."""
    rng = np.random.default_rng(11)
    items = ("a", "b", "c")
    leaves = tuple(Node(item, Level.ITEM, item, item) for item in items)
    tree = Node("all", Level.INDEX, "", "", Combination.POOLED, leaves)
    measures = {"top2": {1: 0.0, 5: 100.0}}
    spec = TallySpec(items, measures, dict.fromkeys(items, (1, 5)), inner_nodes(tree), strata=("field",), psu=psu)
    stratum = np.repeat([0, 1, 2], 60)
    village = np.tile(np.repeat(np.arange(12), 5), 3)
    columns = {
        "unit_code": ["01"] * 180,
        "field": list(map(str, stratum)),
        "psu_code": list(map(str, village + 12 * stratum)),
    }
    hits = 0
    for _ in range(300):
        mood = rng.normal(0, 0.5, 36)[village + 12 * stratum] if psu else rng.normal(0, 0.5, 180)
        answers = {item: pa.array(np.where(mood + rng.normal(0, 1, 180) > 0, 5, 1), pa.int8()) for item in items}
        found = index_scores(tally(pa.table(columns | answers).to_batches(), spec), spec, tree).to_pylist()[0]
        hits += found["ci_low"] <= 50 <= found["ci_high"]
    assert 0.92 <= hits / 300 <= 0.98
