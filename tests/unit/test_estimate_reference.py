"""Every reference answer of R `survey` for which there is a function, to 1e-9 relative."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.estimate.calibration import calibrate
from pipelines.estimate.design import Design
from pipelines.estimate.interval import beta_interval, logit_interval
from pipelines.estimate.quantiles import quantiles
from pipelines.estimate.result import Estimate
from pipelines.estimate.weights import base_weights, post_stratify, rake, trim
from pipelines.model.errors import InputError

TYPES = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}


def close(found, expected):
    np.testing.assert_allclose(np.ravel(found), np.ravel(expected), rtol=1e-9)


@pytest.fixture
def survey(reference):
    return reference / "survey"


@pytest.fixture
def answers(survey):
    return json.loads((survey / "reference.json").read_text())


@pytest.fixture
def data(survey):
    names = ("apisrs", "apistrat", "apiclus1")
    return {name: pd.read_csv(survey / "data" / f"{name}.csv", dtype={"cds": str}) for name in names}


def srs(data):
    return Design(data["apisrs"], population=["fpc"])


def strat(data, **changes):
    settings = {"strata": ["stype"], "weight": "pw", "population": ["fpc"]} | changes
    return Design(data["apistrat"], **settings)


def clus1(data, **changes):
    return Design(data["apiclus1"], **({"psu": ["dnum"], "weight": "pw", "population": ["fpc"]} | changes))


def yes(data, table):
    return data[table]["comp.imp"] == "Yes"


DIFFERENCE = {"Yes": 1.0, "No": -1.0}
RECORDS = {
    "srs_mean": lambda d: srs(d).mean(["api00", "api99", "enroll"]),
    "srs_total": lambda d: srs(d).total(["enroll"]),
    "strat_mean": lambda d: strat(d).mean(["api00", "api99", "ell", "meals"]),
    "strat_total": lambda d: strat(d).total(["enroll"]),
    "strat_mean_deff": lambda d: strat(d).mean(["api00"]),
    "strat_prop_factor": lambda d: strat(d).proportions("sch.wide"),
    "strat_ratio": lambda d: strat(d).ratio("api.stu", "enroll"),
    "strat_ratio_separate_domains": lambda d: strat(d).ratio("api.stu", "enroll", by=["stype"]),
    "strat_by_stype": lambda d: strat(d).mean(["api99"], by=["stype"]),
    "strat_by_schwide_crosses_strata": lambda d: strat(d).mean(["api00", "enroll"], by=["sch.wide"]),
    "strat_domain_subset": lambda d: strat(d).mean(["api00"], where=yes(d, "apistrat")),
    "strat_domain_total_subset": lambda d: strat(d).total(["enroll"], where=yes(d, "apistrat")),
    "strat_domain_contrast_diff": lambda d: strat(d).mean(["api00"], by=["sch.wide"]).contrast(DIFFERENCE),
    "strat_composite_equal_weights": lambda d: strat(d).mean(["api00", "api99"]).contrast({"api00": 0.5, "api99": 0.5}),
    "strat_change_same_units": lambda d: strat(d).mean(["api00", "api99"]).contrast({"api00": 1, "api99": -1}),
    "strat_mean_nofpc": lambda d: strat(d, population=()).mean(["api00", "enroll"]),
    "clus1_mean": lambda d: clus1(d).mean(["api00", "api99", "enroll"]),
    "clus1_total": lambda d: clus1(d).total(["enroll"]),
    "clus1_mean_deff": lambda d: clus1(d).mean(["api00"]),
    "clus1_ratio": lambda d: clus1(d).ratio("api.stu", "enroll"),
    "clus1_prop_factor": lambda d: clus1(d).proportions("stype"),
    "clus1_by_stype": lambda d: clus1(d).mean(["api99"], by=["stype"]),
    "clus1_domain_subset": lambda d: clus1(d).mean(["api00"], where=yes(d, "apiclus1")),
    "clus1_by_two_factors": lambda d: clus1(d).mean(["api00"], by=["stype", "sch.wide"]),
    "clus1_mean_nofpc": lambda d: clus1(d, population=()).mean(["api00", "enroll"]),
}


@pytest.mark.parametrize("record", sorted(RECORDS))
def test_estimate_equals_that_of_survey(record, answers, data):
    expected, found = answers[record], RECORDS[record](data)
    close(found.value, expected["estimate"])
    close(found.se, expected["se"])
    if "vcov" in expected:
        close(found.covariance, expected["vcov"])
    assert found.df == expected["degf"]
    close(np.transpose(found.interval()), expected["ci95_t_degf"])
    close(np.transpose(found.interval(df=np.inf)), expected["ci95_normal"])
    if "deff" in expected:
        close(found.deff(), expected["deff"])
        close(found.se / found.value, expected["cv"])
    if "deff_replace" in expected:
        close(found.deff(replacement=True), expected["deff_replace"])


def calibrated(data, distance, bounds=(-np.inf, np.inf)):
    table = data["apiclus1"]
    x = np.column_stack([np.ones(len(table)), table.stype == "H", table.stype == "M", table.api99]).astype(float)
    return calibrate(base_weights(table.pw), x, [6194, 755, 1018, 3914069], distance, bounds)


def raked(data):
    table = data["apiclus1"]
    margins = {"stype": table.stype, "sch.wide": table["sch.wide"]}
    return rake(base_weights(table.pw), margins, {"stype": TYPES, "sch.wide": WIDE})


WEIGHTINGS = {
    "poststrat": lambda d: post_stratify(base_weights(d["apiclus1"].pw), d["apiclus1"].stype, TYPES),
    "rake": raked,
    "calibrate_linear": lambda d: calibrated(d, "linear"),
    "calibrate_raking": lambda d: calibrated(d, "raking"),
    "calibrate_logit_bounded": lambda d: calibrated(d, "logit", (0.4, 3.0)),
}
ADJUSTED = {
    "poststrat_mean": ("poststrat", "mean", ["api00", "enroll"]),
    "poststrat_total": ("poststrat", "total", ["enroll"]),
    "rake_mean": ("rake", "mean", ["api00", "enroll"]),
    "rake_total": ("rake", "total", ["api.stu", "enroll"]),
    "calibrate_linear_mean": ("calibrate_linear", "mean", ["api00", "enroll"]),
    "calibrate_raking_mean": ("calibrate_raking", "mean", ["api00", "enroll"]),
    "calibrate_logit_bounded_mean": ("calibrate_logit_bounded", "mean", ["api00", "enroll"]),
}


@pytest.mark.parametrize("record", sorted(ADJUSTED))
def test_estimate_with_adjusted_weights_equals_that_of_survey(record, answers, data):
    how, what, columns = ADJUSTED[record]
    expected, weighting = answers[record], WEIGHTINGS[how](data)
    found: Estimate = getattr(clus1(data, weight=weighting), what)(columns)
    if "sum_weights" in expected:
        close(weighting.weight.sum(), expected["sum_weights"])
        close([weighting.weight.min(), weighting.weight.max()], [expected["min_weight"], expected["max_weight"]])
        close(weighting.weight[:10], expected["weights_first_10"])
    close(found.value, expected["estimate"])
    close(found.covariance, expected["vcov"])
    assert found.df == expected["degf"]


@pytest.mark.parametrize("how", ["poststrat", "rake", "calibrate_linear", "calibrate_raking"])
def test_every_weight_equals_that_of_survey(how, survey, data):
    expected = pd.read_csv(survey / "data" / f"weights_{how}_apiclus1.csv", dtype={"cds": str})
    assert expected.cds.tolist() == data["apiclus1"].cds.tolist()
    close(WEIGHTINGS[how](data).weight, expected.weight)


def test_trimmed_weights_equal_those_of_survey(answers, data):
    found, expected = trim(raked(data), upper=50), answers["trim_weights"]
    close(found.weight.sum(), expected["sum_weights"])
    close([found.weight.min(), found.weight.max()], [expected["min_weight"], expected["max_weight"]])
    close(found.weight[:10], expected["weights_first_10"])


@pytest.mark.parametrize("rule", ["remove", "certainty", "adjust", "average"])
def test_single_psus_are_treated_as_survey_does(rule, answers, data):
    expected = answers[f"lonely_{rule}"]
    design = Design(data["apiclus1"], strata=["dnum"], weight="pw", lonely=rule)
    found = design.mean(["api00", "enroll"])
    close(found.value, expected["estimate"])
    close(found.covariance, expected["vcov"])
    assert found.df == expected["degf"]


def test_single_psu_is_refused_as_survey_does(answers, data):
    assert answers["lonely_fail"]["error"]
    with pytest.raises(InputError, match="single PSU"):
        Design(data["apiclus1"], strata=["dnum"], weight="pw", lonely="fail").mean(["api00"])


def test_domain_with_one_psu_of_a_stratum_equals_that_of_survey(answers, data):
    expected, table = answers["domain_lonely_adjust_off"], data["apistrat"]
    where = ((table.stype == "H") & (table.dnum == expected["FIRST_H_DNUM"])) | (table.stype == "E")
    design = strat(data, psu=["dnum"], nested=True, population=(), lonely="adjust")
    found = design.mean(["api00"], where=where)
    close(found.value, expected["estimate"])
    close(found.se, expected["se"])


def test_intervals_of_a_proportion_equal_those_of_survey(answers, data):
    methods = answers["clus1_svyciprop"]["methods"]
    found = clus1(data).proportions("sch.wide")
    for method, name in (("t", "mean"), ("logit", "xlogit"), ("logit", "logit"), ("beta", "beta")):
        low, high = found.interval(method=method)
        close([found.value[1], low[1], high[1]], [methods[name][key] for key in ("est", "lo", "hi")])


@pytest.mark.parametrize("record", ["strat_quantile_math", "strat_quantile_school"])
def test_quantiles_and_their_intervals_equal_those_of_survey(record, answers, data):
    expected = answers[record]
    found = quantiles(strat(data), "api00", expected["probs"])
    close(found.estimate, expected["estimate"])
    close(found.se, expected["se"])
    close(found[["ci_low", "ci_high"]], expected["ci"])


def test_quantiles_of_a_domain_may_coincide_and_a_share_outside_0_to_1_is_refused():
    values = pd.DataFrame({"y": [1.0, 2, 3, 4, np.nan], "w": [1.0, 1, 1, 3, 1], "s": [1, 1, 1, 1, 2]})
    found = quantiles(Design(values, weight="w"), "y", [0.5, 0.6, 0.9], where=values.s == 1)
    assert found.estimate.tolist() == [3, 4, 4] and (found.ci_low <= found.estimate).all()
    with pytest.raises(InputError, match="between 0 and 1"):
        quantiles(Design(values, weight="w"), "y", [1.0])
    with pytest.raises(InputError, match="nobody has a value"):
        quantiles(Design(values, weight="w"), "y", [0.5], where=values.s == 2)


def test_every_reference_answer_is_reproduced_or_listed_with_the_reason(answers):
    page = (Path(__file__).resolve().parents[2] / "docs/methods/conformance.md").read_text(encoding="utf-8")
    reproduced = {*RECORDS, *ADJUSTED, "trim_weights", "domain_lonely_adjust_off", "clus1_svyciprop", "clus1_svyttest"}
    reproduced |= {f"lonely_{rule}" for rule in ("fail", "remove", "certainty", "adjust", "average")}
    reproduced |= {"strat_quantile_math", "strat_quantile_school"}
    left = set(answers) - reproduced - {"_meta"}
    assert left == {name for name in left if f"`{name}`" in page.split("## What is not reproduced")[1]}
    assert len(left) == 7


def test_difference_and_its_test_equal_those_of_survey(answers, data):
    expected = answers["clus1_svyttest"]
    found = clus1(data).mean(["api00"], by=["comp.imp"]).contrast(DIFFERENCE)
    close(found.value, expected["diff"])
    close(found.value / found.se, expected["t"])
    close(found.p_value(df=expected["df"]), expected["p"])


def test_population_truth_is_inside_what_was_estimated(answers, data):
    truth = answers["population_truth"]
    low, high = strat(data).mean(["api00"]).interval()
    assert low[0] < truth["mean_api00"] < high[0]


def test_intervals_agree_with_those_of_the_index():
    """The two interval functions take percent; a design's estimate is a share."""
    one = Estimate(("p",), np.array([0.8]), np.array([[0.0004]]), 20, np.array([100.0]), np.ones(1), np.ones(1))
    arguments = (np.array([80.0]), np.array([2.0]), np.array([20.0]), np.array([100.0]), 0.95)
    for method, function in (("logit", logit_interval), ("beta", beta_interval)):
        close(one.interval(method=method), np.array(function(*arguments)) / 100)
