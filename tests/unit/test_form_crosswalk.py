"""Answers to an older form: carried over where the crosswalk says so, blank with a reason or refused elsewhere."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from collect_kit import CITIZEN, MAPPING, METHOD, PLAN, ROUND, conform, conformed_rows, lines

from pipelines.collect.rejects import read_rejects
from pipelines.methods import load_method
from pipelines.methods.mapping_file import check_mappings
from pipelines.model.errors import InputError
from pipelines.model.form_crosswalk import Carried, FormCrosswalk
from pipelines.model.round import Mapping

OLD = FormCrosswalk(
    name="citizen-2012",
    form="citizen",
    version="2012.1",
    same=("sex",),
    questions={
        "S1": Carried("A1", "", {1: 1, 2: 3, 3: 5, 4: None}, {4: "không biết · don't know"}, "levels3"),
        "S2": Carried("A2", "", {1: 1, 2: 3, 3: 5, 4: None}, {4: "không biết · don't know"}, "levels3"),
        "S3": Carried(reason="bỏ hỏi · no longer asked"),
        "M": Carried("media", "", {1: 2, 2: 3, 3: None}, {3: "báo mạng · online"}, "channels"),
    },
)
HEADINGS = {"id": "record_id", "unit": "unit_code", "end": "submitted_at", "q1": "S1", "q2": "S2", "q3": "S3", "m": "M"}
OLDER = Mapping(
    "citizen",
    HEADINGS | {"sex": "sex"},
    when={"version": ("2012.1",)},
    codes={"levels3": {"tốt": 3, "không biết": 4}, "sex": {"Nam": 1}},
    crosswalk="citizen-2012",
)
CROSSED = replace(METHOD, crosswalks=(OLD,))
OLD_PLAN = replace(PLAN, method=CROSSED, mappings=(MAPPING, OLDER))


def old(**cells):
    """A form of the older version."""
    good = {"version": "2012.1", "id": "r1", "unit": "22243", "end": "2023-05-04", "q1": "1", "q2": "2", "q3": "5"}
    return good | cells


def test_answers_are_carried_over_by_code_and_by_the_words_of_the_source(lake):
    conform(lake, lines(old(sex="Nam", m="1 2"), old(id="r2", q1="tốt", m="2")), plan=OLD_PLAN)
    first, second = conformed_rows(lake)
    assert (first["A1"], first["A2"], first["A3"], first["sex"]) == (1, 3, None, 1)
    assert [first[f"media_{n}"] for n in (1, 2, 3)] == [0, 1, 1] and second["A1"] == 5
    assert (first["form"], first["form_version"]) == ("citizen", "2012.1")


def test_what_has_no_equivalent_is_blank_and_counted_with_its_reason(lake):
    rows = [old(q1="4"), old(id="r2", q1="không biết", m="1 3"), old(id="r3", q3=None, m="3")]
    _, (report,) = conform(lake, lines(*rows), plan=OLD_PLAN)
    assert [one["A1"] for one in conformed_rows(lake)] == [None, None, 1]
    assert report.messages[-3:] == [
        "2 answers to M of the older form are left blank: báo mạng · online",
        "2 answers to S1 of the older form are left blank: không biết · don't know",
        "2 answers to S3 of the older form are left blank: bỏ hỏi · no longer asked",
    ]


def test_a_code_that_the_older_form_did_not_have_is_refused_though_the_new_one_has_it(lake):
    conform(lake, lines(old(q1="5"), old(id="r2", m="1 9")), plan=OLD_PLAN)
    rejects = read_rejects(lake, ROUND.id).to_pylist()
    assert [(one["code"], one["field"], one["value"]) for one in rejects] == [
        ("R203_UNKNOWN_CODE", "q1", "5 [2012.1]"),
        ("R203_UNKNOWN_CODE", "m", "1 9 [2012.1]"),
    ]
    assert json.loads(rejects[0]["payload"])["q1"] == "5"


def test_answers_to_the_present_form_are_not_touched(lake):
    conform(lake, lines({**old(), "version": "2017.1", "rev": "1", "answers/A1": "4"} | {"q1": None}), plan=OLD_PLAN)
    assert read_rejects(lake, ROUND.id)["code"].to_pylist() == ["R103_UNKNOWN_HEADING"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"crosswalk": "citizen-1999"}, "no crosswalk 'citizen-1999'"),
        ({"headings": HEADINGS | {"a": "A3"}}, "says nothing of 'A3'"),
        ({"headings": HEADINGS | {"a": "S9"}}, "no question 'S9'"),
        ({"headings": HEADINGS | {"a": "S1"}}, "filled from 'q1'"),
    ],
)
def test_a_mapping_that_the_crosswalk_does_not_cover_is_refused(changes, what):
    with pytest.raises(InputError, match=what):
        check_mappings((replace(OLDER, **changes),), CROSSED, "mappings/kiosk.yml")


def test_the_household_form_of_2022_is_carried_into_2023_where_wording_and_scale_are_the_same():
    old_form, method = load_method("sipas", "2022").instruments[0], load_method("sipas", "2023")
    (crosswalk,) = method.crosswalks
    form = method.instrument(crosswalk.form)
    assert crosswalk.version == old_form.version
    assert {*crosswalk.same, *crosswalk.questions} == {question.code for question in old_form.coded}
    carried = {before: one.code for before, one in crosswalk.questions.items() if one.code}
    assert carried == {"SA4_22": "SA3", "SC4_22": "SC3", "SD1_22": "SD1", "SE2_22": "SE2"}
    for before, after in [*carried.items(), *zip(crosswalk.same, crosswalk.same, strict=True)]:
        was, now = old_form.by_code[before], form.by_code[after]
        assert (was.label_vi, was.code_list.choices) == (now.label_vi, now.code_list.choices)
    assert all(one.code or one.reason for one in crosswalk.questions.values())


def test_a_round_of_the_2023_survey_takes_a_form_of_2022_and_says_what_it_could_not_carry_over(lake):
    method = load_method("sipas", "2023")
    headings = {"id": "record_id", "unit": "unit_code", "end": "submitted_at", "sex": "sex"}
    headings |= {code: code for code in method.crosswalks[0].questions}
    mapping = Mapping("household", headings, when={"version": ("2022.1",)}, crosswalk="household-2022")
    answers = {code: "4" for code in headings if code.endswith("_22") and not code.startswith("Q1")}
    row = {"version": "2022.1", "id": "r1", "unit": "22243", "end": "2023-05-04", "sex": "2", "Q1_1_22": "3"} | answers
    _, (report,) = conform(lake, lines(row), plan=replace(PLAN, method=method, mappings=(mapping,)))
    (response,) = conformed_rows(lake)
    filled = {code for code in method.items if response[code] is not None}
    assert filled == {"SA3", "SC3", "SD1", "SE2"} and response["sex"] == 2
    left = [message for message in report.messages if "left blank" in message]
    assert len(left) == 33 - 4 + 1
    assert any("PC1_22" in message and "worded anew" in message for message in left)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"form": "person"}, "unknown form"),
        ({"version": "2023.1"}, "version of the form itself"),
        ({"same": ["nobody"]}, "no coded question"),
        ({"questions": {"X": {"to": "SA9", "answers": "satisfaction"}}}, "no coded question"),
        ({"questions": {"X": {"to": "SA1", "answers": "levels"}}}, "no answers 'levels'"),
        ({"questions": {"X": {"to": "sex", "answers": "satisfaction"}}}, "filled from sex"),
        ({"questions": {x: {"to": "SA1", "answers": "satisfaction"} for x in "XY"}}, "filled from X"),
        ({"answers": {"satisfaction": {"1": 9}}}, "9 is no answer"),
        ({"answers": {"satisfaction": {"x": 1}}}, "x"),
        ({"questions": {"X": {"to": "SA1"}}}, "X"),
    ],
)
def test_a_crosswalk_that_does_not_fit_the_form_is_refused_with_its_place(tmp_path, change, what):
    shutil.copytree(Path(load_method("sipas", "2023").folder), tmp_path / "sipas" / "2023")
    path = tmp_path / "sipas" / "2023" / "crosswalks" / "household-2022.yml"
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    document["answers"] = {"satisfaction": {"1": 1, "2": 2}}
    path.write_text(yaml.safe_dump(document | change, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InputError, match=what) as caught:
        load_method("sipas", "2023", (tmp_path,))
    assert str(path) in caught.value.where


def test_the_forms_of_the_tests_are_those_that_the_crosswalk_names():
    assert OLD.form == CITIZEN.id
