"""Indicators of a governance index that are scores of a survey: values, errors that go together, what is refused."""

import numpy as np
import pytest
from reading_kit import answers, context_of, make_round

from pipelines import stages
from pipelines.estimate import node_covariances
from pipelines.model.errors import InputError
from pipelines.stages.scoring import merged_tally, score_tables
from pipelines.stages.tallying import tally_spec

SURVEY, INDEX, WARD = "tthc-2025", "governance-2025", "22240"
ROUND = """
id: governance-2025
programme: governance
method: "2025"
year: 2025
title: {vi: Chỉ số quản trị, en: Governance index}
window: {from: 2025-08-01, to: 2025-12-31}
unit_level: commune
design: {finite_population: false}
sources:
  - {source: indicator_table, instance: test, channel: published, self_selected: false, options: {inbox: inbox}}
"""
UNITS = f"unit_code,name_vi,level\n{WARD},Phường Phú Yên,commune\n"
HEADING = "indicator,round_id,measure,node_code\n"
SOURCES = f"{HEADING}3.1.1,{SURVEY},top2,A\n3.2.1,{SURVEY},top2,B\n"


@pytest.fixture
def context(tmp_path):
    context = context_of(tmp_path)
    make_round(context, SURVEY, {WARD: 0.7}, seed=5, rows=200)
    return context


def index_round(context, sources: str = SOURCES, **files: str):
    for name, text in ({"round.yml": ROUND, "units.csv": UNITS, "indicators.csv": sources} | files).items():
        context.lake.write_bytes(f"rounds/{INDEX}/{name}", text.encode())
    return context.round(INDEX)


def scores_of_index(context, **arguments) -> dict[str, dict]:
    scores, _ = score_tables(context, index_round(context, **arguments))
    return {row["node_code"]: row for row in scores.to_pylist()}


def factor_means(context) -> dict[str, np.ndarray]:
    """Mean points of the items of each factor, person by person: everybody answered every item."""
    method = context.method(context.round(SURVEY))
    data = answers({WARD: 0.7}, 5, 200, method.items)
    return {
        code: np.mean([100 * (data[leaf.code] >= 4) for leaf in method.nodes[code].leaves], axis=0) for code in "AB"
    }


def test_covariances_of_nodes_are_those_of_the_persons_own_means(context):
    survey = context.round(SURVEY)
    method = context.method(survey)
    spec = tally_spec(survey, method)
    found = node_covariances(merged_tally(context, survey, spec), spec, method.tree, "top2", ["A", "B", "T"])
    means = factor_means(context)
    expected = np.cov(means["A"], means["B"]) / 200
    np.testing.assert_allclose(found[WARD][:2, :2], expected, rtol=1e-9)
    assert expected[0, 1] > 0 and np.allclose(found[WARD], found[WARD].T)


def test_an_indicator_is_the_score_on_its_own_scale_and_errors_of_one_survey_go_together(context):
    found, means = scores_of_index(context), factor_means(context)
    assert found["3.1"]["score"] == pytest.approx(0.33 + 3 * means["A"].mean() / 100)
    assert found["3.1"]["se"] == pytest.approx(3 / 100 * np.std(means["A"], ddof=1) / np.sqrt(200))
    assert (found["3.1"]["n"], found["3.1"]["df"], found["3.1"]["ci_method"]) == (200, 199, "t")
    assert found["3.1"]["basis"] == "probability" and found["D3"]["flag_reason"] == "withheld"


def test_a_dimension_of_one_survey_has_the_error_of_the_persons_own_sums(context):
    sources = f"{SOURCES}3.3.1,{SURVEY},top2,C\n"
    found, means = scores_of_index(context, sources=sources), factor_means(context)
    method = context.method(context.round(SURVEY))
    data = answers({WARD: 0.7}, 5, 200, method.items)
    third = np.mean([100 * (data[leaf.code] >= 4) for leaf in method.nodes["C"].leaves], axis=0)
    own = 3 * (means["A"] + means["B"] + third) / 100
    assert found["D3"]["score"] == pytest.approx(0.99 + own.mean())
    assert found["D3"]["se"] == pytest.approx(np.std(own, ddof=1) / np.sqrt(200)) and found["D3"]["ci_method"] == "t"


def test_another_survey_is_another_sample_and_a_table_is_taken_as_independent(context):
    make_round(context, "tthc-2026", {WARD: 0.6}, seed=6, rows=200)
    two = scores_of_index(context, sources=f"{SOURCES}3.3.1,tthc-2026,top2,C\n")
    assert two["D3"]["ci_method"] == "t"
    alone = [two[code]["se"] for code in ("3.1", "3.2", "3.3")]
    pair = scores_of_index(context, sources=f"{SOURCES}3.3.1,{SURVEY},top2,C\n")
    assert two["D3"]["se"] > np.sqrt(np.sum(np.square(alone))) and pair["D3"]["ci_method"] == "t"
    context.lake.write_bytes("inbox/i.csv", f"unit_code,indicator,value,se,n\n{WARD},3.3.1,0.5,0.02,300\n".encode())
    index_round(context)
    stages.collect(context, "indicator_table", INDEX)
    for batch in stages.pending_batches(context, "indicator_table", INDEX):
        stages.conform(context, batch)
    mixed = scores_of_index(context)
    assert mixed["D3"]["ci_method"] == "normal_independent" or mixed["D3"]["ci_method"] == "t_independent"
    assert mixed["D3"]["score"] == pytest.approx(two["3.1"]["score"] + two["3.2"]["score"] + 0.33 + 1.5)


@pytest.mark.parametrize(
    ("line", "what", "where"),
    [
        ("9.9.9,tthc-2025,top2,A", "no indicator 9.9.9", "indicators.csv"),
        ("3.1.1,tthc-1999,top2,A", "no round 'tthc-1999'", "rounds"),
        ("3.1.1,tthc-2025,top3,A", "measure top3", "indicators.csv"),
        ("3.1.1,tthc-2025,top2,Z", "no node 'Z'", "indicators.csv"),
        ("3.1.1,governance-2025,top2,A", "is no survey", "indicators.csv"),
        ("3.1.1,tthc-2024,top2,A", "did not evaluate", "tthc-2024"),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_place_and_remedy(context, line, what, where):
    make_round(context, "tthc-2024", {"22243": 0.5}, rows=40)
    with pytest.raises(InputError, match=what) as caught:
        scores_of_index(context, sources=f"{HEADING}{line}\n")
    assert where in caught.value.where and caught.value.remedy
