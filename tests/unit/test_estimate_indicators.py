"""Indicators to scores: affine maps, standard errors with and without covariance, and what cannot be."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.estimate import ScoreOptions, indicator_scores
from pipelines.estimate.indicators import affine
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Level, Node


def leaf(code: str, weight: float, low: float, high: float) -> Node:
    return Node(code, Level.ITEM, code, code, weight=weight, minimum=low, maximum=high)


def scaled(code: str, *children: Node) -> Node:
    return Node(code, Level.FACTOR, code, code, Combination.SCALED, children, minimum=0.33, maximum=3.33)


TREE = Node(
    "G", Level.INDEX, "G", "G", Combination.SUM,
    (scaled("1", leaf("a", 0.25, 0, 1), leaf("b", 0.75, 1, 5)), scaled("2", leaf("c", 1, 0, 100))),
)  # fmt: skip


def table(*rows) -> pa.Table:
    names = ("unit_code", "indicator", "value", "se", "n", "df")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]).cast(
        pa.schema([(n, pa.string()) for n in names[:2]] + [(n, pa.float64()) for n in names[2:4]]
                  + [(n, pa.int64()) for n in names[4:]])
    )  # fmt: skip


def scores(rows, **arguments) -> dict:
    found = indicator_scores(table(*rows), TREE, 2021, **arguments).to_pylist()
    return {(row["unit_code"], row["node_code"]): row for row in found}


ROWS = [("u", "a", 0.5, 0.1, 200, 30), ("u", "b", 3.0, 0.2, 150, 20), ("u", "c", 80.0, 2.0, 200, 40)]


@given(st.floats(0, 1), st.floats(1, 5), st.floats(0, 100))
def test_a_scaled_node_stays_on_its_scale_and_reaches_both_ends(a: float, b: float, c: float):
    codes, matrix, offset = affine(TREE)
    value = dict(zip(codes, matrix @ np.array([a, b, c]) + offset, strict=True))
    assert 0.33 - 1e-12 <= value["1"] <= 3.33 + 1e-12
    assert value["G"] == pytest.approx(value["1"] + value["2"])
    low, high = (dict(zip(codes, matrix @ np.array(ends) + offset, strict=True)) for ends in ([0, 1, 0], [1, 5, 100]))
    assert (low["1"], high["1"], low["G"], high["G"]) == pytest.approx((0.33, 3.33, 0.66, 6.66))


def test_standard_errors_go_through_the_affine_map_and_covariances_change_only_sums():
    found = scores(ROWS)
    se_1 = 3 * np.hypot(0.25 * 0.1, 0.75 * 0.2 / 4)
    assert found["u", "1"]["se"] == pytest.approx(se_1)
    assert found["u", "G"]["se"] == pytest.approx(np.hypot(se_1, 3 * 2 / 100))
    assert (found["u", "G"]["n"], found["u", "G"]["df"]) == (150, 20)
    assert [found["u", code]["ci_method"] for code in ("a", "1", "2", "G")] == [
        "t",
        "t_independent",
        "t",
        "t_independent",
    ]
    errors = np.diag([0.1, 0.2, 2.0])
    together = errors @ np.ones((3, 3)) @ errors  # all correlated by 1: standard errors add up
    given_ = scores(ROWS, covariances={"u": together})
    assert given_["u", "1"]["se"] == pytest.approx(3 * (0.25 * 0.1 + 0.75 * 0.2 / 4))
    assert given_["u", "a"]["se"] == found["u", "a"]["se"] and given_["u", "G"]["ci_method"] == "t"


def test_a_model_is_named_where_respondents_chose_to_answer():
    found = scores(ROWS, options=ScoreOptions(probability_sample=False))
    assert found["u", "G"]["ci_method"] == "t_independent_model"


def test_a_unit_without_an_indicator_keeps_its_other_scores_and_has_no_rank_above():
    other = [("v", *row[1:]) for row in ROWS]
    found = scores([*ROWS[:2], *other])
    assert found["u", "2"]["score"] is None and found["u", "G"]["flag_reason"] == "withheld"
    assert found["u", "1"]["rank"] == 1 and found["v", "G"]["rank_of"] == 1


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("u", "z", 0.5, 0.1, 200, 30), "no such indicator in 2021"),
        (("u", "a", 0.6, 0.1, 200, 30), "there twice"),
        (("v", "b", 0.5, 0.1, 200, 30), "outside the scale 1 to 5"),
        (("v", "b", 2.0, -0.1, 200, 30), "standard error is -0.1"),
    ],
)
def test_values_that_cannot_be_are_refused(row, what: str):
    with pytest.raises(InputError, match=what):
        scores([*ROWS, row])
