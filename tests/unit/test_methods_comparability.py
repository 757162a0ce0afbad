"""Where a series goes on from one round to another, by the built-in methods."""

from dataclasses import replace

import pytest

from pipelines.methods import load_method
from pipelines.methods.comparability import node_breaks, question_breaks, same_measures
from pipelines.model.method import Measure


@pytest.fixture(scope="module")
def papi():
    return load_method("papi", "2011")


def test_two_years_of_one_method_are_one_series():
    tthc = load_method("tthc", "2017")
    assert node_breaks(tthc, 2024, tthc, 2023) == question_breaks(tthc, 2024, tthc, 2023) == {}
    assert same_measures(tthc, tthc) == tthc.measures


def test_the_household_forms_of_2022_and_2023_are_never_one_series():
    now, before = load_method("sipas", "2023"), load_method("sipas", "2022")
    found = node_breaks(now, 2023, before, 2022)
    assert set(found) == set(now.nodes) and set(found.values()) == {"not_in_previous_method"}


def test_the_survey_of_2021_after_procedures_is_another_programme_than_the_household_survey():
    found = node_breaks(load_method("sipas", "2022"), 2022, load_method("tthc", "2017"), 2021)
    assert set(found.values()) == {"another_programme"}


@pytest.mark.parametrize(("year", "before", "is_cut"), [(2024, 2023, True), (2025, 2024, False), (2023, 2023, False)])
def test_the_question_on_needs_is_cut_after_2023_and_nothing_else(year, before, is_cut):
    sipas = load_method("sipas", "2023")
    found = question_breaks(sipas, year, sipas, before)
    assert found == (dict.fromkeys([f"Q10_{row}" for row in range(1, 11)], "needs_series") if is_cut else {})
    assert node_breaks(sipas, year, sipas, before) == {}


def test_papi_dimensions_break_where_a_part_changed_its_meaning(papi):
    found = node_breaks(papi, 2016, papi, 2015)
    dimensions = [child.code for child in papi.tree.children]
    assert [code for code in dimensions if code in found] == [dimensions[2]]  # 3.2 and 3.3 changed in 2016
    assert found["3.2@2016"] == "not_in_previous_method"
    assert found[dimensions[2]] == found[papi.tree.code] == "other_composition"
    assert papi.tree.code in node_breaks(papi, 2018, papi, 2017)  # six dimensions became eight
    assert papi.tree.code not in node_breaks(papi, 2020, papi, 2019)


def test_a_measure_with_other_points_is_another_measure():
    tthc = load_method("tthc", "2017")
    top2, mean5 = tthc.measures
    other = Measure(**vars(top2) | {"points": {1: 0.0, 5: 100.0}})
    assert same_measures(tthc, replace(tthc, measures=(other, mean5))) == (mean5,)


def test_a_question_with_other_options_is_cut():
    sipas = load_method("sipas", "2023")
    (form,) = sipas.instruments
    question = form.by_code["Q5"]
    fewer = replace(question.code_list, choices=question.code_list.choices[:-1])
    questions = tuple(replace(one, code_list=fewer) if one is question else one for one in form.questions)
    before = replace(sipas, instruments=(replace(form, questions=questions),))
    assert question_breaks(sipas, 2025, before, 2024) == {"Q5": "other_composition"}
