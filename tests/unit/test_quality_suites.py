"""Suites as files: complete, named as the code has it, and refused with their place where they are broken."""

import json

import pytest
from gates_kit import ANSWERS, PROJECT, RESPONSES, SCORES, WINDOW, gate, responses

from pipelines.estimate.reliability import FLAGS
from pipelines.estimate.scores import SCHEMA
from pipelines.model.errors import InputError
from pipelines.model.gate import CRITICAL, WARNING
from pipelines.model.method import Level
from pipelines.model.response import CHANNELS, HEADER, PROVENANCE, RESPONDENTS
from pipelines.quality.answers import SCHEMA as PROFILE
from pipelines.quality.gates import Subject, run_gate
from pipelines.quality.suites import read_suite


@pytest.mark.parametrize("path", sorted((PROJECT / "expectations").glob("*.json")), ids=lambda path: path.stem)
def test_every_suite_is_complete_and_carries_the_name_of_its_file(path):
    suite = read_suite(path)
    assert suite.name == path.stem and suite.expectations
    for one in suite.expectations:
        assert one["severity"] in (CRITICAL, WARNING)
        assert all(one["meta"][text].strip() for text in ("rule", "vi", "en"))
        assert set(one) == {"type", "kwargs", "severity", "meta"}


@pytest.mark.parametrize(
    ("path", "rule", "values"),
    [
        (RESPONSES, "channel.known", CHANNELS),
        (RESPONSES, "respondent.known", RESPONDENTS),
        (SCORES, "flag.known", FLAGS),
        (SCORES, "node_level.known", list(Level)),
    ],
)
def test_lists_in_the_suites_are_those_of_the_code(path, rule, values):
    (found,) = [one for one in read_suite(path).expectations if one["meta"]["rule"] == rule]
    assert found["kwargs"]["value_set"] == list(values)


@pytest.mark.parametrize(
    ("path", "declared"),
    [(RESPONSES, {*HEADER, *PROVENANCE}), (SCORES, set(SCHEMA.names)), (ANSWERS, set(PROFILE.names))],
    ids=["responses", "scores", "answers"],
)
def test_the_suites_name_columns_that_the_tables_have(path, declared):
    named = read_suite(path).columns
    assert named and named <= declared


def test_the_columns_of_a_suite_are_those_of_every_kind_of_expectation(tmp_path):
    path = tmp_path / "wide.json"
    condition = {"type": "comparison", "column": {"name": "n"}, "operator": ">", "parameter": 0}
    kwargs = [
        {"column": "a", "row_condition": condition},
        {"column_A": "b", "column_B": "c"},
        {"column_list": ["d", "e"]},
        {"min_value": 1},
    ]
    ones = [
        {"type": "t", "kwargs": one, "severity": "critical", "meta": {"rule": str(at), "vi": "v", "en": "e"}}
        for at, one in enumerate(kwargs)
    ]
    path.write_text(json.dumps({"name": "wide", "expectations": ones}), encoding="utf-8")
    assert read_suite(path).columns == set("abcden")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read"),
        ('{"name": "x"}', "cannot be read"),
        ('{"name": "x", "expectations": [{"kwargs": {}}]}', "type and kwargs"),
        ('{"name": "x", "expectations": [{"type": "t", "kwargs": {}, "severity": "fatal"}]}', "fatal"),
        (
            '{"name": "x", "expectations": [{"type": "t", "kwargs": {}, "severity": "critical", "meta": {"vi": "v"}}]}',
            "rule, en",
        ),
    ],
)
def test_a_broken_suite_is_refused_with_its_file(tmp_path, content, complaint):
    path = tmp_path / "broken.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=complaint) as error:
        read_suite(path)
    assert "broken.json" in error.value.where


def test_a_missing_suite_and_a_missing_parameter_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json"):
        read_suite(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="window_to"):
        subject = Subject(responses(), read_suite(RESPONSES), {"window_from": WINDOW["window_from"]})
        run_gate([subject], None, "test")


def test_a_rule_used_twice_is_refused(tmp_path):
    path = tmp_path / "twice.json"
    content = json.loads(ANSWERS.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"expectations": content["expectations"] * 2}), encoding="utf-8")
    with pytest.raises(InputError, match=r"more than once: .*answer\.permitted"):
        read_suite(path)


def test_an_expectation_that_does_not_exist_is_refused_with_its_suite(tmp_path):
    path = tmp_path / "odd.json"
    meta = {"rule": "odd", "vi": "lạ", "en": "odd"}
    one = {"type": "expect_the_unexpected", "kwargs": {}, "severity": "critical", "meta": meta}
    path.write_text(json.dumps({"name": "odd", "expectations": [one]}), encoding="utf-8")
    with pytest.raises(InputError, match="expect_the_unexpected") as error:
        gate(responses(), path)
    assert "odd.json" in error.value.where


# Responses
