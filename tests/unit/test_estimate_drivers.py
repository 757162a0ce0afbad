"""Importance and performance: against the responses themselves, statsmodels and a hand-made case."""

from itertools import permutations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm

from pipelines.estimate import TallySpec, inner_nodes
from pipelines.estimate.driver_moments import GROUPS, DriverSpec, driver_moments
from pipelines.estimate.drivers import covariance_of, drivers, factors_of, leverages, quadrants_of, regression
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level, Node

ITEMS = ("a1", "a2", "b1", "c1", "c2", "c3")
POINTS = {code: 20.0 * code for code in range(1, 6)}
OPTIONS = dict.fromkeys((*ITEMS, "whole"), (1, 2, 3, 4, 5, 9))
FACTORS = {"A": ITEMS[:2], "B": ITEMS[2:3], "C": ITEMS[3:]}


def tree() -> Node:
    def factor(code: str) -> Node:
        leaves = tuple(Node(item, Level.ITEM, item, item) for item in FACTORS[code])
        return Node(code, Level.FACTOR, code, code, Combination.POOLED, leaves)

    return Node("T", Level.INDEX, "", "", Combination.POOLED, tuple(map(factor, FACTORS)))


def spec(outcome: str = "", psu: str = "") -> DriverSpec:
    tally = TallySpec(ITEMS, {"mean5": POINTS}, OPTIONS, inner_nodes(tree()), strata=("field",), psu=psu)
    return DriverSpec(tally, ("A", "B", "C"), "mean5", tally.stratum, outcome)


def people(rows: int = 600, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"response_id": [f"{row:032x}" for row in range(rows)]})
    data["unit_code"] = rng.choice(["01", "02"], rows)
    data["field"] = rng.choice(["x", "y"], rows)
    data["psu_code"] = rng.integers(0, 40, rows).astype(str)
    mood = rng.normal(0, 0.8, rows)
    own = {code: mood + rng.normal(0, 1, rows) for code in FACTORS}
    for code, items in FACTORS.items():
        for item in items:
            answer = np.clip(np.round(3.4 + own[code] + rng.normal(0, 0.5, rows)), 1, 5)
            data[item] = np.where(rng.random(rows) < 0.1, np.nan, answer)
    whole = 3.4 + 0.7 * own["A"] + 0.2 * own["B"] + rng.normal(0, 0.6, rows)
    data["whole"] = np.clip(np.round(whole), 1, 5)
    return data


WEIGHTS = {("01", "x"): 3.0, ("01", "y"): 0.5, ("02", "x"): 1.0, ("02", "y"): 7.0}


def arrow(data: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(data.astype(dict.fromkeys((*ITEMS, "whole"), "Int8")), preserve_index=False)


def moments_of(data: pd.DataFrame, asked: DriverSpec, batch: int = 100):
    return driver_moments(arrow(data).to_batches(max_chunksize=batch), asked, WEIGHTS)


def by_hand(data: pd.DataFrame, unit: str, outcome: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Factor scores of the respondents of a unit, and their weights."""
    own = data[data.unit_code == unit]
    z = pd.DataFrame({code: (20 * own[list(items)]).mean(axis=1) for code, items in FACTORS.items()})
    if outcome:
        z["whole"] = 20 * own.whole
    keep = z.notna().all(axis=1)
    weight = np.array([WEIGHTS[key] for key in zip(own.unit_code, own.field, strict=True)])
    return z[keep], weight[keep]


def weighted_r_squared(z: pd.DataFrame, weight: np.ndarray, names: list[str]) -> float:
    x = sm.add_constant(z[names]) if names else np.ones(len(z))
    return sm.WLS(z.whole, x, weights=weight).fit().rsquared


@pytest.mark.parametrize("unit", ["01", "02"])
def test_regression_equals_that_of_statsmodels_on_the_responses(unit):
    data = people()
    table = drivers(moments_of(data, spec("whole")), tree(), {}, least=0).to_pandas()
    found = table[table.unit_code == unit].set_index("node_code")
    z, weight = by_hand(data, unit, outcome=True)
    fit = sm.WLS(z.whole, sm.add_constant(z[list(FACTORS)]), weights=weight).fit()
    assert (found.n == len(z)).all() and found.r_squared.iloc[0] == pytest.approx(fit.rsquared, rel=1e-9)
    spread = np.sqrt(np.diag(np.cov(z.T, aweights=weight, ddof=0)))
    for position, factor in enumerate(FACTORS):
        expected = fit.params[factor] * spread[position] / spread[-1]
        assert found.coefficient[factor] == pytest.approx(expected, rel=1e-9)


def test_importance_is_what_a_factor_adds_to_r_squared_over_all_orders():
    data = people()
    table = drivers(moments_of(data, spec("whole")), tree(), {}, least=0).to_pandas()
    found = table[table.unit_code == "01"].set_index("node_code").importance
    z, weight = by_hand(data, "01", outcome=True)
    added = dict.fromkeys(FACTORS, 0.0)
    for order in permutations(FACTORS):
        for place, factor in enumerate(order):
            gain = weighted_r_squared(z, weight, list(order[: place + 1])) - weighted_r_squared(
                z, weight, list(order[:place])
            )
            added[factor] += gain / 6
    assert found.to_dict() == pytest.approx(added, rel=1e-9)
    assert found.idxmax() == "A" and found.sum() == pytest.approx(weighted_r_squared(z, weight, list(FACTORS)))


def test_without_an_overall_question_it_is_the_correlation_with_the_index_of_the_others():
    data = people()
    table = drivers(moments_of(data, spec()), tree(), {}, least=0).to_pandas()
    found = table[table.unit_code == "02"].set_index("node_code")
    assert set(found.importance_method) == {"correlation_with_rest"} and found.r_squared.isna().all()
    z, weight = by_hand(data, "02", outcome=False)
    for factor in FACTORS:
        others = [other for other in FACTORS if other != factor]
        rest = z[others] @ [len(FACTORS[other]) for other in others]  # the pooled index counts items
        expected = np.cov(z[factor], rest, aweights=weight)
        expected = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
        assert found.importance[factor] == pytest.approx(expected, rel=1e-9)


def test_two_uncorrelated_factors_share_r_squared_by_hand():
    # Var 1 each, no covariance; outcome with covariance .6 and .3 and variance 1: R² = .36 + .09.
    found = regression(np.array([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]]))
    assert found.value == pytest.approx([0.36, 0.09]) and found.r_squared == pytest.approx(0.45)
    assert found.coefficient == pytest.approx([0.6, 0.3])


def test_a_factor_that_repeats_another_shares_its_part_and_breaks_nothing():
    found = regression(np.array([[1, 1, 0.6], [1, 1, 0.6], [0.6, 0.6, 1]]))
    assert found.value == pytest.approx([0.18, 0.18]) and found.r_squared == pytest.approx(0.36)


@pytest.mark.parametrize("psu", ["", "psu_code"])
def test_moments_add_up_whatever_the_batches_and_a_province_is_the_sum_of_its_communes(psu):
    data = people()
    one, many = (moments_of(data, spec("whole", psu), batch) for batch in (10_000, 7))
    for unit in ("01", "02"):
        np.testing.assert_allclose(one.products[unit], many.products[unit], rtol=1e-12)
        assert (one.n[unit] == many.n[unit]).all() and one.n[unit].shape == (GROUPS,)
    above = one.rolled_up({"P": ("01", "02", "03")})
    np.testing.assert_allclose(above.products["P"], one.products["01"] + one.products["02"])
    assert "P" not in one.n


def test_the_jackknife_tells_how_far_importance_moves_from_sample_to_sample():
    values, errors = [], []
    for seed in range(30):
        table = drivers(moments_of(people(400, seed), spec()), tree(), {}, least=0).to_pandas()
        own = table[(table.unit_code == "01") & (table.node_code == "A")].iloc[0]
        values.append(own.importance)
        errors.append(own.se)
    assert 0.6 <= np.mean(errors) / np.std(values, ddof=1) <= 1.6


def test_performance_leverage_and_potential():
    scores = {("01", "A"): 60.0, ("01", "B"): 90.0, ("01", "C"): 75.0}
    table = drivers(moments_of(people(), spec()), tree(), scores, least=0).to_pandas()
    own = table[table.unit_code == "01"]
    assert own.node_code.tolist() == ["A", "C", "B"]  # 2/6·40 = 13.3, 3/6·25 = 12.5, 1/6·10 = 1.7
    assert own.potential.tolist() == pytest.approx([40 / 3, 12.5, 10 / 6])
    other = table[table.unit_code == "02"]
    assert other.score.isna().all() and other.potential.isna().all() and other.quadrant.isna().all()
    assert own.quadrant.notna().all()


def test_leverage_is_by_how_much_the_index_moves():
    assert leverages(tree(), factors_of(tree())) == pytest.approx([2 / 6, 1 / 6, 3 / 6])


def test_quadrants_are_cut_at_the_means():
    found = quadrants_of(np.array([0.9, 0.9, 0.1, 0.1, np.nan]), np.array([60.0, 90, 60, 90, 60]))
    assert found == ["concentrate", "keep", "low_priority", "overdone", None]


def test_few_responses_and_factors_without_variation_have_no_importance():
    data = people(40)
    few = drivers(moments_of(data, spec()), tree(), {}, least=30).to_pandas()
    assert few.importance.isna().all() and (few.n < 30).all()
    flat = people(200).assign(b1=5.0)
    found = drivers(moments_of(flat, spec()), tree(), {}, least=0).to_pandas().set_index(["unit_code", "node_code"])
    assert np.isnan(found.importance["01", "B"]) and found.importance["01", "A"] > 0


def test_a_code_without_points_is_no_answer():
    data = people(300)
    without = data.assign(b1=data.b1.where(data.b1 > 2), whole=data.whole)
    with_nine = data.assign(b1=data.b1.where(data.b1 > 2, 9))
    for unit in ("01", "02"):
        same = [moments_of(one, spec("whole")).products[unit].sum(axis=0) for one in (without, with_nine)]
        np.testing.assert_allclose(*same)


def test_a_stratum_without_weight_is_refused():
    with pytest.raises(InputError, match="01 / z"):
        moments_of(people(50).assign(unit_code="01", field="z"), spec())


def test_covariance_of_equal_answers_is_nothing():
    v = np.array([1, 80.1, 33.3])
    assert (covariance_of(7 * np.outer(v, v)) == 0).all()
