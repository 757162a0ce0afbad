"""The score table against a naive computation from the responses themselves, and by hand where that is possible."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import (
    ScoreOptions,
    TallySpec,
    index_scores,
    inner_nodes,
    merge,
    option_shares,
    stratum_weights,
    tally,
)
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level, Node

ITEMS = ("a1", "a2", "b1", "b2", "b3")
TOP2 = {1: 0.0, 2: 0.0, 3: 0.0, 4: 100.0, 5: 100.0}
MEASURES = {"top2": TOP2, "mean5": {code: 20.0 * code for code in range(1, 6)}}
SHOW_ALL = ScoreOptions(thresholds={"min_n": 0, "min_n_eff": 0, "max_ci_width": 1e9, "max_relative_ci_width": 1e9})


def tree(combination: Combination = Combination.POOLED) -> Node:
    def leaf(code):
        return Node(code, Level.ITEM, code, code)

    factors = [
        Node(name, Level.FACTOR, name, name, combination, tuple(leaf(i) for i in ITEMS if i.startswith(name.lower())))
        for name in ("A", "B")
    ]
    return Node("ALL", Level.INDEX, "", "", combination, tuple(factors))


def spec(**changes) -> TallySpec:
    common = {"options": dict.fromkeys(ITEMS, (1, 2, 3, 4, 5)), "nodes": inner_nodes(tree()), "strata": ("field",)}
    return TallySpec(**({"items": ITEMS, "measures": MEASURES} | common | changes))


def simulate(seed: int, rows: int = 150, missing: float = 0.2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"unit_code": rng.choice(["01", "02", "03"], rows), "field": rng.choice(["x", "y"], rows)})
    data["psu_code"] = data.unit_code + data.field + pd.Series(rng.integers(0, 5, rows)).astype(str)
    data["sex"] = rng.choice(["1", "2"], rows)
    data["w"] = rng.uniform(0.2, 4, rows)
    mood = rng.normal(0, 1, rows)
    for item in ITEMS:
        answer = np.clip(np.round(3.6 + mood + rng.normal(0, 1, rows)), 1, 5)
        data[item] = np.where(rng.random(rows) < missing, np.nan, answer)
    return data


def to_arrow(data: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(data.astype(dict.fromkeys(ITEMS, "Int8")), preserve_index=False)


def frame(data: pd.DataFrame) -> pd.DataFrame:
    strata = data.groupby(["unit_code", "field"]).size().rename("n").reset_index()
    strata["population"] = strata.n * 3 + 40 * strata.index
    return strata.assign(psu_population=11).drop(columns="n")


def scores(data, design, **arguments) -> pd.DataFrame:
    return index_scores(tally(to_arrow(data).to_batches(), design), design, tree(), **arguments).to_pandas()


def pick(found: pd.DataFrame, **where) -> pd.Series:
    where = {"breakdown": "", "category": "", "measure": "top2"} | where
    rows = found[np.logical_and.reduce([found[name] == value for name, value in where.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def naive(data, coefficients, measure, member, psu, weights, fractions):
    """Return estimate and standard error from influence values, response by response."""
    z, estimate = np.zeros(len(data)), 0.0
    for item, coefficient in coefficients.items():
        points = data[item].map(MEASURES[measure]).to_numpy()
        valid = ~np.isnan(points) & member
        size = (weights * valid).sum()
        ratio = (weights[valid] * points[valid]).sum() / size
        estimate += coefficient * ratio
        z += coefficient * np.where(valid, weights * (np.nan_to_num(points) - ratio), 0) / size
    variance = 0.0
    strata = data.assign(z=z, f=fractions).groupby(["unit_code", "field"])
    for _, rows in strata:
        totals = rows.groupby(psu).z.sum() if psu else rows.z
        if (count := len(totals)) > 1:
            variance += rows.f.iloc[0] * count / (count - 1) * ((totals - totals.mean()) ** 2).sum()
        else:
            variance += rows.f.iloc[0] * (totals**2).sum()
    return estimate, np.sqrt(variance)


def weights_of(data, population, psu):
    rows = data.merge(population, on=["unit_code", "field"], how="left")
    group = rows.groupby(["unit_code", "field"])
    n = group["field"].transform("size").to_numpy()
    sampled = group["psu_code"].transform("nunique").to_numpy() if psu else n
    size = rows.psu_population.to_numpy() if psu else rows.population.to_numpy()
    return rows.population.to_numpy() / n, 1 - sampled / size


NODES = {
    "ALL": dict.fromkeys(ITEMS, 1 / 5),
    "A": {"a1": 1 / 2, "a2": 1 / 2},
    "B": dict.fromkeys(("b1", "b2", "b3"), 1 / 3),
    "b2": {"b2": 1.0},
}


@pytest.mark.parametrize("measure", sorted(MEASURES))
@pytest.mark.parametrize("psu", ["", "psu_code"])
@pytest.mark.parametrize("seed", range(100, 105))
def test_scores_of_random_rounds_equal_the_naive_computation(seed, psu, measure):
    data = simulate(seed)
    design, population = spec(psu=psu, breakdowns=("sex",)), frame(data)
    found = scores(data, design, population=pa.Table.from_pandas(population), rollups={"P": ("01", "02", "03")})
    weights, fractions = weights_of(data, population, psu)
    for unit, sex in (("02", ""), ("02", "1"), ("P", ""), ("P", "2")):
        member = np.ones(len(data), dtype=bool) if unit == "P" else (data.unit_code == unit).to_numpy()
        member = member & ((data.sex == sex).to_numpy() if sex else True)
        for node, coefficients in NODES.items():
            where = {"unit_code": unit, "node_code": node, "measure": measure}
            row = pick(found, **where, breakdown="sex" if sex else "", category=sex)
            estimate, se = naive(data, coefficients, measure, member, psu, weights, fractions)
            assert row.score == pytest.approx(estimate, rel=1e-12)
            assert row.se == pytest.approx(se, rel=1e-9)


@pytest.mark.parametrize("psu", ["", "psu_code"])
def test_weights_of_single_responses_enter_means_and_variances(psu):
    data = simulate(5)
    found = scores(data, spec(psu=psu, weight="w"), rollups={"P": ("01", "02", "03")})
    ones = np.ones(len(data))
    estimate, se = naive(data, NODES["ALL"], "top2", ones > 0, psu, data.w.to_numpy(), ones)
    row = pick(found, unit_code="P", node_code="ALL")
    assert (row.score, row.se) == (pytest.approx(estimate, rel=1e-12), pytest.approx(se, rel=1e-9))


def test_simple_sample_by_hand():
    data = pd.DataFrame({"unit_code": "01", "field": "x", **{item: [5.0, 4.0, 4.0, 1.0] for item in ITEMS}})
    row = pick(scores(data, spec(), options=SHOW_ALL), unit_code="01", node_code="ALL")
    # Three of four are satisfied with everything: p = 75, s² = 2500, se² = 2500/4.
    assert (row.score, row.se, row.df, row.n, row.deff, row.n_eff) == (75.0, 25.0, 3, 4, pytest.approx(1), 4.0)
    assert row.ci_high - row.ci_low == pytest.approx(2 * 25 * 3.182446305284263)
    assert (row.flag, row.flag_reason) == ("caution", "df")


def test_design_effect_compares_with_a_simple_sample_of_those_who_answered():
    data = simulate(3, missing=0)
    found = scores(data, spec(psu="psu_code"))
    own = data[data.unit_code == "01"]
    points = own[list(ITEMS)].map(TOP2.get).mean(axis=1)
    row = pick(found, unit_code="01", node_code="ALL")
    assert row.deff == pytest.approx(row.se**2 / (points.var() / len(points)), rel=1e-9)
    assert row.n_eff == pytest.approx(row.n / row.deff, rel=1e-12)


def test_respondents_of_a_node_are_those_who_answered_anything_below():
    data = simulate(4, missing=0.6)
    row = pick(scores(data, spec()), unit_code="01", node_code="A")
    own = data[data.unit_code == "01"]
    assert row.n == own[["a1", "a2"]].notna().any(axis=1).sum()


def test_item_nobody_answered_leaves_the_mean_of_the_others_and_says_so():
    data = simulate(6).assign(b3=np.nan)
    found = scores(data, spec())
    b3, b = pick(found, unit_code="01", node_code="b3"), pick(found, unit_code="01", node_code="B")
    assert np.isnan(b3.score) and np.isnan(b3.se) and b3.n == 0
    assert (b3.flag, "no_answers" in b3.flag_reason) == ("suppress", True)
    others = [pick(found, unit_code="01", node_code=item).score for item in ("b1", "b2")]
    assert b.score == pytest.approx(np.mean(others))
    assert "items_without_answers" in b.flag_reason.split(";")


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("psu", ["", "psu_code"])
def test_all_answers_the_same_have_exactly_no_variance(psu, weights):
    data = simulate(8, missing=0.1)
    for item in ITEMS:
        data[item] = data[item].where(data[item].isna(), 5.0)
    population = pa.Table.from_pandas(frame(data)) if weights else None
    found = scores(data, spec(psu=psu), population=population)
    row = pick(found, unit_code="01", node_code="ALL")
    assert row.score == pytest.approx(100) and row.se < 1e-9
    assert "no_variation" in row.flag_reason
    beta = scores(data, spec(psu=psu), population=population, options=ScoreOptions(interval="beta"))
    row = pick(beta, unit_code="01", node_code="ALL")
    assert row.ci_high == pytest.approx(100) and 80 < row.ci_low < 99.9  # as from n answers, not from certainty


def test_unit_with_one_psu_has_no_standard_error():
    data = simulate(9)
    data["psu_code"] = data.psu_code.where(data.unit_code != "01", "01x0")
    data["field"] = data.field.where(data.unit_code != "01", "x")
    row = pick(scores(data, spec(psu="psu_code")), unit_code="01", node_code="ALL")
    assert np.isnan(row.se) and np.isnan(row.ci_low) and row.df == 0
    assert row.flag == "suppress" and "no_variance" in row.flag_reason


def test_census_has_no_sampling_error():
    data = simulate(10)
    population = data.groupby(["unit_code", "field"]).size().rename("population").reset_index()
    row = pick(scores(data, spec(), population=pa.Table.from_pandas(population)), unit_code="01", node_code="ALL")
    assert row.se == 0 and row.n_eff == pytest.approx(row.n)
    assert "no_variation" not in row.flag_reason


def test_stratum_of_the_frame_without_answers_is_told():
    data = simulate(11)
    population = frame(data)
    population.loc[len(population)] = ["01", "z", 500, 11]
    given_frame = pa.Table.from_pandas(population)
    found = scores(data, spec(), population=given_frame, rollups={"P": ("01", "02", "03")})
    for unit, told in (("01", True), ("02", False), ("P", True)):
        row = pick(found, unit_code=unit, node_code="ALL")
        assert ("strata_without_answers" in row.flag_reason) is told
    listed = stratum_weights(tally(to_arrow(data).to_batches(), spec()), spec(), given_frame).to_pandas()
    empty = listed[listed.responses == 0].iloc[0]
    assert (empty.unit_code, empty.field, empty.population) == ("01", "z", 500) and np.isnan(empty.weight)


def test_unit_without_answers_is_told_at_the_roll_up():
    row = pick(scores(simulate(12), spec(), rollups={"P": ("01", "02", "09")}), unit_code="P", node_code="ALL")
    assert "units_without_answers" in row.flag_reason


@pytest.mark.parametrize("rule", ["mean_of_units", "population_weighted"])
def test_roll_up_of_units_is_the_mean_of_their_scores(rule):
    data = simulate(13)
    people = frame(data)
    options = ScoreOptions(rollup=rule)
    arguments = {"population": pa.Table.from_pandas(people), "rollups": {"P": ("01", "02", "03")}, "options": options}
    found = scores(data, spec(), **arguments)
    size = people.groupby("unit_code").population.sum().to_numpy() if rule == "population_weighted" else np.ones(3)
    share = size / size.sum()
    units = [pick(found, unit_code=unit, node_code="B") for unit in ("01", "02", "03")]
    row = pick(found, unit_code="P", node_code="B")
    assert row.score == pytest.approx(share @ [unit.score for unit in units])
    assert row.se == pytest.approx(np.sqrt(share**2 @ [unit.se**2 for unit in units]))
    assert row.n == sum(unit.n for unit in units)


def test_population_weights_without_a_frame_are_refused():
    with pytest.raises(InputError, match="no frame"):
        scores(simulate(1), spec(), rollups={"P": ("01",)}, options=ScoreOptions(rollup="population_weighted"))


def test_mean_of_factors_is_not_the_mean_of_items():
    data, design = simulate(14), spec(nodes=inner_nodes(tree(Combination.MEAN)))
    counted = tally(to_arrow(data).to_batches(), design)
    found = index_scores(counted, design, tree(Combination.MEAN)).to_pandas()
    factors = [pick(found, unit_code="01", node_code=node).score for node in ("A", "B")]
    assert pick(found, unit_code="01", node_code="ALL").score == pytest.approx(np.mean(factors))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[p.field != "y"], "a stratum that the frame does not hold"),
        (lambda p: p.assign(population=1), "but the frame holds 1"),
        (lambda p: p.assign(population=-1), "“population” is -1"),
        (lambda p: pd.concat([p, p]), "there twice"),
        (lambda p: p.drop(columns="field"), "no column field"),
    ],
)
def test_frame_that_contradicts_the_responses_is_refused(change, message):
    data = simulate(15)
    with pytest.raises(InputError, match=message):
        scores(data, spec(), population=pa.Table.from_pandas(change(frame(data)), preserve_index=False))


def test_psu_in_two_strata_is_refused():
    data = simulate(16)
    data["psu_code"] = data.psu_code.str[:2]
    with pytest.raises(InputError, match="lies in two strata"):
        scores(data, spec(psu="psu_code"))


def test_single_psu_is_refused_where_the_round_says_fail():
    data = simulate(17)
    data.loc[data.field == "x", "psu_code"] = data.unit_code + "x0"
    with pytest.raises(InputError, match="single PSU"):
        scores(data, spec(psu="psu_code"), options=ScoreOptions(lonely="fail"))


def test_ranks_are_within_a_level_and_without_suppressed_scores():
    data = pd.concat([simulate(seed).assign(unit_code=f"{seed:02}", psu_code="") for seed in range(20, 30)])
    data = pd.concat([data, simulate(30)[:9].assign(unit_code="30", psu_code="")])
    units = tuple(sorted(set(data.unit_code)))
    found = scores(data, spec(), rollups={"P": units[:5], "Q": units[5:]})
    overall = found[(found.node_code == "ALL") & (found.measure == "top2") & (found.breakdown == "")]
    communes = overall[~overall.unit_code.isin(["P", "Q"])].set_index("unit_code")
    assert np.isnan(communes["rank"]["30"]) and communes.flag["30"] == "suppress"
    ranked = communes.drop("30").sort_values("score", ascending=False)
    assert ranked["rank"].tolist() == list(range(1, 11)) and set(ranked.rank_of) == {10}
    assert ranked.group_no.tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    provinces = overall[overall.unit_code.isin(["P", "Q"])]
    assert sorted(provinces["rank"]) == [1, 2] and provinces.group_no.isna().all()


@pytest.mark.parametrize("rollup", ["pooled", "mean_of_units"])
def test_scores_do_not_depend_on_how_many_domains_are_estimated_together(rollup, monkeypatch):
    design, data = spec(breakdowns=("sex",)), simulate(7, missing=0.8)
    arguments = {"rollups": {"P": ("01", "02", "03")}, "options": ScoreOptions(rollup=rollup)}
    together = scores(data, design, **arguments)
    monkeypatch.setattr("pipelines.estimate.members.BATCH_ROWS", 1)
    monkeypatch.setattr("pipelines.estimate.estimator.PARTS", 1)
    pd.testing.assert_frame_equal(scores(data, design, **arguments), together, rtol=1e-12)


@pytest.mark.parametrize("psu", ["", "psu_code"])
def test_option_shares_equal_the_naive_computation(psu):
    data, design = simulate(18), spec(psu=psu)
    population = frame(data)
    counted = tally(to_arrow(data).to_batches(), design)
    found = option_shares(counted, design, pa.Table.from_pandas(population), {"P": ("01", "02")}).to_pandas()
    weights, fractions = weights_of(data, population, psu)
    for unit, units in (("01", ["01"]), ("P", ["01", "02"])):
        member = data.unit_code.isin(units).to_numpy()
        for code in (1, 4):
            chosen = data.assign(b1=(data.b1 == code).astype(float).where(data.b1.notna()) * 4 + 1)  # 5 yes, 1 no
            share, se = naive(chosen, {"b1": 1.0}, "top2", member, psu, weights, fractions)
            row = found[(found.unit_code == unit) & (found.question_code == "b1") & (found.answer_code == code)].iloc[0]
            assert row.n == ((data.b1 == code) & member).sum()
            assert (row.share, row.se) == (pytest.approx(share, rel=1e-9), pytest.approx(se, rel=1e-9))


def test_months_in_any_order_give_the_same_bytes_of_scores():
    data, design = simulate(19, rows=300), spec(breakdowns=("sex",))
    parts = [tally(to_arrow(data[start : start + 50]).to_batches(), design) for start in range(0, 300, 50)]
    results = [index_scores(merge(order, design), design, tree()) for order in (parts, parts[::-1])]
    assert results[0].equals(results[1])
    whole = index_scores(tally(to_arrow(data).to_batches(), design), design, tree())
    assert results[0].equals(whole)


def test_no_responses_give_an_empty_table():
    assert index_scores(tally([], spec()), spec(), tree()).num_rows == 0
    assert option_shares(tally([], spec()), spec()).num_rows == 0
