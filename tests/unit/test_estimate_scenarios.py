"""Small, awkward samples with answers of R `survey` (tests/scenarios/estimate), by the analyst's API and the index."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.estimate import ScoreOptions, TallySpec, index_scores, inner_nodes, tally
from pipelines.estimate.calibration import calibrate
from pipelines.estimate.design import Design
from pipelines.estimate.weights import base_weights, post_stratify, rake
from pipelines.model.method import Combination, Level, Node

FOLDER = Path(__file__).resolve().parents[1] / "scenarios" / "estimate"
ANSWERS = json.loads((FOLDER / "answers.json").read_text())
ITEMS = ("q1", "q2", "q3")
FIELDS = {"civil": 2000, "land": 1500, "rare": 10, "trade": 900}
AGES = {"old": 2410, "young": 2000}


def households() -> pd.DataFrame:
    data = pd.read_csv(FOLDER / "households.csv")
    for item in (*ITEMS, "same"):
        data[f"{item}_top2"] = np.where(data[item].isna(), np.nan, 100.0 * (data[item] >= 4))
    sampled = data.groupby("stratum").village.transform("nunique")
    data["w"] = data.villages / sampled * data.residents / data.groupby("village").village.transform("size")
    return data


def kiosks() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "kiosks.csv")


def two_stage(lonely="adjust") -> Design:
    population = ["villages", "residents"]
    return Design(households(), ["village", "person"], ["stratum"], population=population, lonely=lonely)


def one_stage(lonely="adjust") -> Design:
    return Design(households(), ["village"], ["stratum"], "w", lonely=lonely)


def element(lonely="adjust") -> Design:
    return Design(kiosks(), strata=["field"], weight="w", lonely=lonely)


def calibrated(distance, bounds=(-np.inf, np.inf)):
    data = kiosks()
    x = np.column_stack([np.ones(len(data)), data.age == "young", data.q1]).astype(float)
    return calibrate(base_weights(np.full(len(data), 150.0)), x, [4410, 2000, 13500], distance, bounds)


def weightings():
    data = kiosks()
    margins = {"field": data.field, "age": data.age}
    return {
        "raked": rake(base_weights(data.w), margins, {"field": FIELDS, "age": AGES}, rounds=5000),
        "calibrated_linear": calibrated("linear"),
        "calibrated_linear_bounded": calibrated("linear", (0.75, 1.2)),
        "calibrated_raking": calibrated("raking"),
        "calibrated_logit": calibrated("logit", (0.5, 2.0)),
    }


def estimates():
    found = {}
    for rule in ("remove", "certainty", "adjust", "average"):
        found[f"two_stage_mean_{rule}"] = two_stage(rule).mean(["q1_top2"])
        found[f"two_stage_total_{rule}"] = two_stage(rule).total(["same"])
        found[f"one_stage_mean_{rule}"] = one_stage(rule).mean(["q1_top2"])
        found[f"element_mean_{rule}"] = element(rule).mean(["q1"])
    data = kiosks()
    found["all_answers_the_same"] = two_stage().mean(["same_top2"])
    found["by_sex"] = two_stage().mean(["q2_top2"], by=["sex"])
    found["difference_of_sexes"] = found["by_sex"].contrast({"F": -1, "M": 1})
    found["domain_in_one_stratum"] = two_stage().mean(["q2_top2"], where=households().group == "Hre")
    found["six_orders_mean"] = element().mean(["minutes"])
    found["six_orders_ratio"] = element().ratio("minutes", "q1")
    found["six_orders_by_channel"] = element().mean(["q1"], by=["channel"])
    post = post_stratify(base_weights(data.w), data.field, FIELDS)
    found["post_stratified"] = Design(data, weight=post).mean(["q1"])
    weights = weightings()
    found["raked_mean"] = Design(data, weight=weights.pop("raked")).mean(["q1"])
    for name, weighting in weights.items():
        found[f"{name}_mean"] = Design(data.assign(kiosk=data.channel == "kiosk"), weight=weighting).mean(["kiosk"])
    return found


def tree() -> Node:
    leaves = tuple(Node(item, Level.ITEM, item, item) for item in ITEMS)
    return Node("all", Level.INDEX, "", "", Combination.POOLED, leaves)


def index(psu="village", **options) -> pd.DataFrame:
    """Score the households as a round of one unit whose weights are tallied with the responses."""
    data = households().assign(unit_code="01").astype(dict.fromkeys(ITEMS, "Int8"))
    measures = {"top2": {1: 0.0, 2: 0.0, 3: 0.0, 4: 100.0, 5: 100.0}}
    spec = TallySpec(
        ITEMS,
        measures,
        dict.fromkeys(ITEMS, (1, 2, 3, 4, 5)),
        inner_nodes(tree()),
        strata=("stratum",),
        psu=psu,
        breakdowns=("sex", "group"),
        weight="w",
    )
    counted = tally(pa.Table.from_pandas(data, preserve_index=False).to_batches(), spec)
    return index_scores(counted, spec, tree(), options=ScoreOptions(**options)).to_pandas()


def row(found, node, breakdown="", category=""):
    return found.query("node_code == @node and breakdown == @breakdown and category == @category").iloc[0]


ESTIMATES = estimates()


@pytest.mark.parametrize("record", sorted(ESTIMATES))
def test_estimate_equals_that_of_survey(record):
    expected, found = ANSWERS[record], ESTIMATES[record]
    np.testing.assert_allclose(found.value, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(found.covariance.ravel(), expected["covariance"], rtol=1e-9, atol=1e-20)
    assert found.df == expected["df"][0]


@pytest.mark.parametrize("name", sorted(weightings()))
def test_weights_equal_those_of_survey(name):
    np.testing.assert_allclose(weightings()[name].weight, ANSWERS[f"{name}_weights"]["estimate"], rtol=1e-9)


def test_design_effect_over_six_orders_equals_that_of_survey():
    expected = ANSWERS["six_orders_deff"]
    found = element().mean(["q1"])
    np.testing.assert_allclose(found.deff(replacement=True), expected["covariance"], rtol=1e-9)


def test_index_of_weighted_tallies_equals_that_of_survey():
    expected, found = ANSWERS["composite_of_three_items"], row(index(), "all")
    assert found.score == pytest.approx(expected["estimate"][0], rel=1e-9)
    assert found.se**2 == pytest.approx(expected["covariance"][0], rel=1e-9)
    assert found.df == expected["df"][0]
    item = ANSWERS["one_stage_mean_adjust"]
    assert row(index(), "q1").se ** 2 == pytest.approx(item["covariance"][0], rel=1e-9)


@pytest.mark.parametrize("rule", ["remove", "certainty", "average"])
def test_index_treats_single_psus_as_survey_does(rule):
    expected, found = ANSWERS[f"one_stage_mean_{rule}"], row(index(lonely=rule), "q1")
    assert (found.score, found.se**2) == tuple(
        pytest.approx(expected[key][0], rel=1e-9) for key in ("estimate", "covariance")
    )


def test_domains_of_the_index_equal_those_of_the_design():
    found = index()
    by_sex = one_stage().mean(["q2_top2"], by=["sex"])
    for place, sex in enumerate(("F", "M")):
        one = row(found, "q2", "sex", sex)
        assert (one.score, one.se) == (pytest.approx(by_sex.value[place]), pytest.approx(by_sex.se[place], rel=1e-9))


def test_every_answer_of_survey_is_compared():
    compared = set(ESTIMATES) | {f"{name}_weights" for name in weightings()}
    assert set(ANSWERS) - compared == {"six_orders_deff", "composite_of_three_items"}
