"""Default thresholds, and a round's own over them."""

import re
from typing import Any

import pytest

from pipelines.methods import load_settings
from pipelines.methods.thresholds import DEFAULTS
from pipelines.model.errors import InputError


def test_without_overrides_the_defaults_hold():
    settings = load_settings({})
    assert settings["confidence_level"] == 0.95
    assert settings["reliability"] == {
        "min_n": 30,
        "min_n_eff": 30,
        "max_ci_width": 30,
        "max_relative_ci_width": 130,
        "caution_df": 8,
        "parentheses_from": 25,
        "parentheses_to": 49,
    }
    assert settings["disclosure"] == {"min_cell_count": 3}
    assert settings["quality"]["speeder"] == 0.5
    assert settings["valid_response"] == {"minimum_items": 1}
    assert settings["limits"] == {"max_line_bytes": 1_000_000, "max_cell_chars": 10_000, "max_columns": 2_000}


def test_every_default_has_a_comment_above_it_that_says_where_it_comes_from():
    text = DEFAULTS.read_text(encoding="utf-8")
    assert text.count("#") >= 12
    assert re.search(r"# .*NCHS.*\n  min_n: 30", text)


def test_an_override_changes_one_threshold_and_leaves_its_neighbours():
    settings = load_settings({"reliability": {"min_n": 5}})
    assert settings["reliability"] == {**load_settings({})["reliability"], "min_n": 5}


def test_merging_twice_changes_nothing():
    merged = load_settings({"confidence_level": 0.9, "limits": {"max_columns": 10}})
    assert load_settings(merged) == merged


def test_a_result_can_be_changed_without_changing_the_next():
    load_settings({})["reliability"]["min_n"] = 1
    assert load_settings({})["reliability"]["min_n"] == 30


@pytest.mark.parametrize(
    ("overrides", "where", "known"),
    [
        ({"confidence": 0.9}, "round.yml", "confidence_level"),
        ({"limits": {"lines": 3}}, "round.yml.limits", "max_cell_chars"),
    ],
)
def test_an_unknown_key_names_the_known_ones(overrides: dict[str, Any], where: str, known: str):
    with pytest.raises(InputError, match="unknown setting") as caught:
        load_settings(overrides, "round.yml")
    assert caught.value.where == where
    assert known in caught.value.remedy


@pytest.mark.parametrize(
    "overrides",
    [
        {"confidence_level": 95},
        {"confidence_level": True},
        {"confidence_level": "0.95"},
        {"reliability": 30},
        {"reliability": None},
        {"reliability": {"min_n": -1}},
        {"reliability": {"min_n": 2.5}},
        {"disclosure": {"min_cell_count": 0}},
        {"limits": {"max_columns": {"x": 1}}},
    ],
)
def test_a_value_of_the_wrong_kind_or_size_is_refused(overrides: dict[str, Any]):
    with pytest.raises(InputError) as caught:
        load_settings(overrides, "round.yml")
    assert caught.value.where.startswith("round.yml")
    assert caught.value.remedy
