"""Weights by cell: each step by hand, the same as weights by response, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.estimate.cells import Margin, Scheme, cell_weights
from pipelines.estimate.weights import base_weights, rake, trim
from pipelines.model.errors import InputError

STRATA = ("unit_code", "field")
A, B = ("1", "a"), ("1", "b")
FRAME = {A: 100.0, B: 60.0}
ISSUED = {A: 10.0, B: 10.0}
ANSWERED = {A: 8, B: 4}


def scheme(**changes) -> Scheme:
    return Scheme(**({"strata": STRATA, "population": FRAME, "issued": ISSUED} | changes))


def weights(found) -> dict:
    return dict(zip(found.keys, found.weighting.weight.tolist(), strict=True))


def test_a_stratum_stands_for_itself_where_no_class_is_declared():
    found = cell_weights(scheme(), ANSWERED)
    assert weights(found) == {A: 12.5, B: 15}  # 100/10 · 10/8 and 60/10 · 10/4
    design, answered = found.weighting.steps
    assert (design.name, design.n, design.total, design.smallest, design.largest) == ("design", 20, 160, 6, 10)
    assert (answered.name, answered.n, answered.total) == ("nonresponse", 12, 160)


def test_those_who_answered_stand_for_all_of_their_class():
    # 160 people over 8 · 10 + 4 · 6 = 104 of those who answered
    found = weights(cell_weights(scheme(classes=("unit_code",)), ANSWERED))
    assert found == {A: pytest.approx(10 * 160 / 104), B: pytest.approx(6 * 160 / 104)}


def test_a_class_takes_over_a_stratum_that_nobody_answered_in():
    found = weights(cell_weights(scheme(classes=("unit_code",)), {A: 8}))
    assert found == {A: pytest.approx(20)}
    assert weights(cell_weights(scheme(), {A: 8})) == {A: pytest.approx(12.5)}  # without it B is lost, not hidden


def test_a_stratum_without_a_planned_sample_starts_from_its_answers():
    assert weights(cell_weights(scheme(issued={A: 10.0}), ANSWERED)) == {A: 12.5, B: 15}


def test_without_a_frame_every_response_counts_one():
    found = cell_weights(scheme(population=None), ANSWERED)
    assert weights(found) == {A: 1, B: 1} and [step.name for step in found.weighting.steps] == ["base"]


def test_the_report_gives_kishs_design_effect():
    step = cell_weights(scheme(), ANSWERED).weighting.steps[-1]
    # 12 · (8 · 12.5² + 4 · 15²)/160² = 12 · 2150/25600
    assert step.deff == pytest.approx(12 * 2150 / 25600)
    assert step.cv == pytest.approx((step.deff - 1) ** 0.5) and step.n_eff == pytest.approx(12 / step.deff)


BY_SEX = {(*A, "F"): 6, (*A, "M"): 2, (*B, "F"): 1, (*B, "M"): 3}
SEX = Margin("sex", {("", "F"): 80.0, ("", "M"): 80.0})
FIELD = Margin("field", {("", "a"): 100.0, ("", "b"): 60.0})


def sums(found, column: str) -> dict[str, float]:
    at, total = found.columns.index(column), {}
    for key, weight in zip(found.keys, found.weighting.sums, strict=True):
        total[key[at]] = total.get(key[at], 0.0) + weight
    return total


def test_raked_cells_meet_all_margins():
    found = cell_weights(scheme(margins=(SEX, FIELD)), BY_SEX)
    assert sums(found, "sex") == {"F": pytest.approx(80), "M": pytest.approx(80)}
    assert sums(found, "field") == {"a": pytest.approx(100), "b": pytest.approx(60)}


def test_cells_get_the_weights_that_their_responses_would_get_one_by_one():
    found = cell_weights(scheme(margins=(SEX, FIELD), trim=1.1), BY_SEX)
    keys = [key for key, n in sorted(BY_SEX.items()) for _ in range(n)]
    one_by_one = base_weights([{"a": 12.5, "b": 15.0}[field] for _, field, _ in keys])
    labels = {"sex": [sex for *_, sex in keys], "field": [field for _, field, _ in keys]}
    one_by_one = rake(one_by_one, labels, {"sex": {"F": 80, "M": 80}, "field": {"a": 100, "b": 60}})
    one_by_one = trim(one_by_one, upper=1.1 * 160 / 12)
    assert one_by_one.weight.max() == pytest.approx(1.1 * 160 / 12)
    assert found.weighting.weight[[found.keys.index(key) for key in keys]] == pytest.approx(one_by_one.weight)
    mine, theirs = found.weighting.steps[-1], one_by_one.steps[-1]
    assert (mine.n, mine.deff, mine.total) == (theirs.n, pytest.approx(theirs.deff), pytest.approx(theirs.total))


def test_responses_without_a_value_keep_their_share_of_the_margin():
    counts = {(*A, "F"): 4, (*A, "M"): 2, (*A, ""): 2, (*B, "F"): 2, (*B, "M"): 2}
    found = cell_weights(scheme(margins=(SEX,)), counts)
    # 2 · 12.5 of 160 have none: F and M share the other 135 by halves
    assert sums(found, "sex") == {"": pytest.approx(25), "F": pytest.approx(67.5), "M": pytest.approx(67.5)}


def test_margins_of_units_hold_in_each_of_them():
    frame = {("1", "a"): 100.0, ("2", "a"): 50.0}
    totals = {("1", "F"): 30.0, ("1", "M"): 70.0, ("2", "F"): 40.0, ("2", "M"): 10.0}
    counts = {(unit, "a", sex): 5 for unit, sex in totals}
    found = cell_weights(Scheme(STRATA, frame, {}, (), (Margin("sex", totals),)), counts)
    assert weights(found) == {(unit, "a", sex): pytest.approx(n / 5) for (unit, sex), n in totals.items()}


def test_a_response_gets_the_weight_of_its_cell():
    found = cell_weights(scheme(margins=(SEX, FIELD)), BY_SEX)
    batch = pa.RecordBatch.from_pydict({"unit_code": ["1", "1"], "field": ["b", "a"], "sex": ["M", "F"], "q": [1, 2]})
    attached = found.attach(batch)["weight"].to_pylist()
    assert attached == [weights(found)[*B, "M"], weights(found)[*A, "F"]]
    assert found.table().column_names == ["unit_code", "field", "sex", "n", "weight"]


REFUSED = {
    "class without respondents": ({"classes": ("field",)}, {A: 8}, "nobody responded"),
    "stratum outside the frame": ({"population": {A: 5.0}}, ANSWERED, "stratum that the frame does not hold"),
    "margin that does not add up to the frame": (
        {"margins": (Margin("sex", {("", "F"): 80.0, ("", "M"): 81.0}),)},
        BY_SEX,
        "add up to 161, the frame to 160",
    ),
    "margins of different sums": (
        {"population": None, "margins": (SEX, Margin("field", {("", "a"): 1.0, ("", "b"): 1.0}))},
        BY_SEX,
        "different totals",
    ),
    "category without a total": ({"margins": (Margin("sex", {("", "F"): 160.0}),)}, BY_SEX, "no total for"),
    "total without a response": (
        {"margins": (Margin("sex", {("", "F"): 80.0, ("", "M"): 70.0, ("", "X"): 10.0}),)},
        BY_SEX,
        "no response falls in",
    ),
    "trimming below the mean": ({"trim": 0.9}, ANSWERED, "cannot hold"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_weighted_is_refused_with_the_place(case):
    changes, counts, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        cell_weights(scheme(**changes), counts)


def test_order_of_counting_does_not_matter():
    backwards = dict(reversed(BY_SEX.items()))
    first, second = (cell_weights(scheme(margins=(SEX, FIELD)), counts) for counts in (BY_SEX, backwards))
    assert np.array_equal(first.weighting.weight, second.weighting.weight)
