"""Weights: each step by hand, what is on record of it, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from pipelines.estimate.calibration import calibrate
from pipelines.estimate.design import Design
from pipelines.estimate.weights import (
    adjust_for_nonresponse,
    base_weights,
    design_weights,
    post_stratify,
    rake,
    trim,
)
from pipelines.model.errors import InputError

SEX = ["F", "F", "M", "M"]
AREA = ["x", "y", "x", "y"]


def test_design_weights_are_population_over_sample():
    found = design_weights(["x", "y", "x"], {"x": 10, "y": 7})
    assert found.weight.tolist() == [5, 7, 5]


def test_respondents_stand_for_their_class():
    found = adjust_for_nonresponse(base_weights([1.0, 3, 2, 2]), [True, False, True, True], ["a", "a", "b", "b"])
    assert found.weight.tolist() == [4, 0, 2, 2]


def test_raking_meets_all_margins_and_steps_are_on_record():
    totals = {"sex": {"F": 30, "M": 70}, "area": {"x": 60, "y": 40}}
    found = trim(rake(base_weights([1.0, 2, 3, 4]), {"sex": SEX, "area": AREA}, totals), upper=45)
    assert found.weight.sum() == pytest.approx(100) and found.weight.max() <= 45
    report = found.report().to_pylist()
    assert [step["name"] for step in report] == ["base", "rake", "trim"]
    assert [step["total"] for step in report] == [10, pytest.approx(100), pytest.approx(100)]
    assert report[0]["deff"] == pytest.approx(4 * 30 / 100)


def test_post_stratification_takes_the_group_means_out_of_the_variance():
    data = pd.DataFrame({"sex": SEX, "y": [10.0, 10, 20, 20]})
    weighting = post_stratify(base_weights(np.ones(4)), SEX, {"F": 50, "M": 50})
    found = Design(data, weight=weighting).mean(["y"])
    assert found.value[0] == 15 and found.se[0] == pytest.approx(0, abs=1e-12)  # sex explains y wholly


def test_bounds_of_calibration_hold():
    x = np.column_stack([np.ones(6), [1.0, 2, 3, 4, 5, 6]])
    found = calibrate(base_weights(np.ones(6)), x, [6.0, 24.0], "linear", (0.6, 1.5))
    assert found.weight.min() >= 0.6 and found.weight.max() <= 1.5
    assert (found.weight @ x).tolist() == pytest.approx([6, 24])


REFUSED = {
    "negative weight": (lambda: base_weights([1.0, -1]), "negative"),
    "missing weight": (lambda: base_weights([1.0, np.nan]), "missing"),
    "no weight at all": (lambda: base_weights([0.0, 0]), "all weights are 0"),
    "class without respondents": (
        lambda: adjust_for_nonresponse(base_weights([1.0, 1]), [True, False], ["a", "b"]),
        "nobody responded",
    ),
    "group without total": (lambda: post_stratify(base_weights(np.ones(4)), SEX, {"F": 1}), "no total for M"),
    "total without response": (
        lambda: post_stratify(base_weights(np.ones(4)), SEX, {"F": 1, "M": 1, "X": 5}),
        "no response falls in X",
    ),
    "negative total": (lambda: post_stratify(base_weights(np.ones(4)), SEX, {"F": 1, "M": -1}), "the total is -1"),
    "missing category": (lambda: post_stratify(base_weights(np.ones(2)), ["F", None], {"F": 1}), "1 responses have no"),
    "margins of different sums": (
        lambda: rake(base_weights(np.ones(4)), {"s": SEX, "a": AREA}, {"s": {"F": 1, "M": 1}, "a": {"x": 1, "y": 2}}),
        "add up to different totals: s to 2, a to 3",
    ),
    "margins that cannot hold": (
        lambda: rake(
            base_weights(np.ones(2)),
            {"s": ["F", "M"], "a": ["x", "y"]},
            {"s": {"F": 1, "M": 3}, "a": {"x": 2, "y": 2}},
            rounds=50,
        ),
        "not met after 50 rounds",
    ),
    "bounds too narrow to trim": (lambda: trim(base_weights([1.0, 9]), upper=4), "cannot hold 10"),
    "totals out of reach": (
        lambda: calibrate(base_weights(np.ones(2)), np.ones((2, 1)), [9.0], "logit", (0.5, 2.0)),
        "the total 9 is not met",
    ),
    "auxiliary value missing": (
        lambda: calibrate(base_weights(np.ones(2)), np.array([[1.0], [np.nan]]), [9.0]),
        "row 1, auxiliary variable 1",
    ),
    "bounds beside one": (
        lambda: calibrate(base_weights(np.ones(2)), np.ones((2, 1)), [2.0], "linear", (1.1, 2.0)),
        "bounds 1.1 to 2",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_weighted_is_refused_with_the_place(case):
    call, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        call()


DESIGNS = {
    "PSU in two strata": ({"psu": ["p"], "strata": ["s"]}, "PSU “1” lies in two strata"),
    "missing stratum": ({"strata": ["gap"]}, "1 rows have no value"),
    "missing column": ({"strata": ["z"]}, "no column z"),
    "population below the sample": ({"population": ["few"]}, "4 units are sampled of a population of 2"),
    "population not constant": ({"population": ["odd"]}, "differs within a stratum"),
    "negative weight": ({"weight": "bad"}, "negative"),
}


@pytest.mark.parametrize("case", sorted(DESIGNS))
def test_design_that_contradicts_itself_is_refused(case):
    settings, message = DESIGNS[case]
    data = pd.DataFrame(
        {
            "s": [1, 1, 2, 2],
            "p": [1, 2, 1, 3],
            "gap": [1, None, 2, 2],
            "few": 2,
            "odd": [5, 5, 6, 6],
            "bad": [1, 1, -1, 1],
        }
    )
    with pytest.raises(InputError, match=message):
        Design(data, **settings)


def test_codes_that_start_anew_in_every_stratum_are_accepted_when_said():
    data = pd.DataFrame({"s": [1, 1, 2, 2], "p": [1, 2, 1, 2], "y": [1.0, 2, 3, 4]})
    assert Design(data, ["p"], ["s"], nested=True).df == 2
    assert Design(data, ["p"], ["s"], nested=True).mean(["y"]).se[0] == pytest.approx(np.sqrt(1 / 8))


def test_empty_domain_has_no_estimate():
    found = Design(pd.DataFrame({"y": [1.0, 2, 3]})).mean(["y"], where=np.zeros(3, dtype=bool))
    assert np.isnan(found.value[0]) and np.isnan(found.se[0]) and found.n[0] == 0
