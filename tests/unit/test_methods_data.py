"""The methods that come with the project: sizes, codes, trees and sources; and forms that portals accept."""

import csv
from itertools import groupby
from pathlib import Path

import pytest
from pyxform.xls2xform import convert

from pipelines.methods import list_methods, load_method
from pipelines.methods.library import BUILT_IN
from pipelines.model.instrument import Kind, Role, Status
from pipelines.model.method import Combination, Level, Method

FORMS = sorted([*BUILT_IN.glob("*/*/*.xlsx"), *Path(__file__).parents[1].glob("fixtures/methods/*/*/*.xlsx")])


def codes(prefixes: dict[str, int], suffix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{i}{suffix}" for prefix, size in prefixes.items() for i in range(1, size + 1))


TTHC = codes({"A": 4, "B": 5, "C": 6, "D": 3, "E": 4})
SIPAS_2023 = codes({"PA": 2, "PB": 2, "PC": 9, "PD": 10, "SA": 3, "SB": 4, "SC": 3, "SD": 3, "SE": 3})
SIPAS_2022 = codes({"PA": 2, "PB": 2, "PC": 8, "PD": 2, "SA": 4, "SB": 4, "SC": 5, "SD": 3, "SE": 3}, "_22")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: "/".join(path.parts[-3:]))
def test_pyxform_makes_a_form_of_every_workbook_without_a_warning(path: Path):
    warnings: list[str] = []
    assert "<h:html" in convert(path, warnings=warnings, validate=False).xform
    assert warnings == []


def test_the_methods_that_come_with_the_project():
    assert {("papi", "2011"), ("sipas", "2022"), ("sipas", "2023"), ("tthc", "2017")} <= set(list_methods())


@pytest.mark.parametrize(
    ("programme", "version", "form", "items", "nodes"),
    [
        ("tthc", "2017", "citizen", TTHC, 22 + 5 + 1),
        ("tthc", "2017", "organisation", TTHC, 22 + 5 + 1),
        ("sipas", "2023", "household", SIPAS_2023, 51),
        ("sipas", "2022", "household", SIPAS_2022, 45),
    ],
)
def test_a_survey_has_its_items_on_the_form_and_in_the_tree(
    programme: str, version: str, form: str, items: tuple[str, ...], nodes: int
):
    method = load_method(programme, version)
    questions = method.instrument(form).items
    assert tuple(question.code for question in questions) == items == method.items
    assert len(method.nodes) == nodes == len(list(method.tree.walk()))
    assert {q.code_list.codes for q in questions if q.code_list} == {frozenset(range(1, 6))}
    assert method.tree.combination is Combination.POOLED


@pytest.mark.parametrize(("programme", "version"), [("tthc", "2017"), ("sipas", "2022"), ("sipas", "2023")])
def test_a_survey_computes_both_candidates_and_says_that_neither_is_known(programme: str, version: str):
    method = load_method(programme, version)
    assert [(m.name, m.is_default, m.status) for m in method.measures] == [
        ("top2", True, Status.UNKNOWN),
        ("mean5", False, Status.UNKNOWN),
    ]
    assert method.rules["combination"].status is Status.INFERRED
    assert method.measures[1].points == {code: 100 * code / 5 for code in range(1, 6)}


def test_published_index_counts_are_those_of_the_trees():
    for version in ("2022", "2023"):
        method = load_method("sipas", version)
        assert method.rule("published_indices") == len(method.nodes)


def test_no_code_of_2022_means_something_else_in_2023():
    old, new = load_method("sipas", "2022"), load_method("sipas", "2023")
    assert not set(old.nodes) & set(new.nodes)
    asked = {q.code: q for q in new.instrument("household").questions}
    for question in old.instrument("household").questions:
        if question.code in asked:
            assert question.label_vi == asked[question.code].label_vi


def test_tthc_carries_how_sure_each_wording_is(reference: Path):
    with (reference / "questionnaires/tthc22.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    items = load_method("tthc", "2017").instrument("citizen").items
    assert [item.label_vi for item in items] == [row["label_vi_short"] for row in rows]
    assert [item.status for item in items] == [{"S": Status.SEEN, "?": Status.LOCAL}[row["mark"]] for row in rows]


@pytest.mark.parametrize(("version", "file"), [("2022", "sat33.csv"), ("2023", "sat39.csv")])
def test_sipas_items_stand_below_the_factor_they_were_seen_in(reference: Path, version: str, file: str):
    with (reference / "questionnaires" / file).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    method = load_method("sipas", version)
    assert [item.label_vi for item in method.instrument("household").items] == [row["label_vi_short"] for row in rows]
    factors = [node for node in method.tree.walk() if node.level is Level.FACTOR]
    sizes = [len(list(group)) for _, group in groupby(rows, key=lambda row: row["factor"])]
    assert [len(factor.children) for factor in factors] == sizes


def test_the_organisation_is_asked_the_same_in_words_of_its_own():
    method = load_method("tthc", "2017")
    citizen, organisation = method.instrument("citizen"), method.instrument("organisation")
    assert [q.code for q in citizen.items] == [q.code for q in organisation.items]
    assert any(a.label_vi != b.label_vi for a, b in zip(citizen.items, organisation.items, strict=True))
    assert [q.code for q in organisation.with_role(Role.PROFILE)] == ["organisation_kind"]


def levels(method: Method, code: str) -> tuple[Kind, int]:
    question = method.instrument("household").by_code[code]
    assert question.code_list is not None
    return question.kind, len(question.code_list.choices)


def test_sipas_2023_asks_all_ten_questions_with_their_scales():
    method = load_method("sipas", "2023")
    sizes = {"Q1": (9, 4), "Q3": (7, 4), "Q7": (3, 4), "Q8": (7, 2), "Q10": (10, 4)}
    for question, (rows, options) in sizes.items():
        for row in range(1, rows + 1):
            assert levels(method, f"{question}_{row}") == (Kind.SELECT_ONE, options)
        assert f"{question}_{rows + 1}" not in method.instrument("household").by_code
    assert levels(method, "Q2") == (Kind.SELECT_MULTIPLE, 7)
    assert [levels(method, code)[1] for code in ("Q4", "Q5", "Q6")] == [4, 3, 3]
    roles = {role: len(method.instrument("household").with_role(role)) for role in Role}
    assert roles[Role.PERCEPTION] == 9 + 1 + 7 + 3 + 3 + 7
    assert (roles[Role.NEED], roles[Role.PROFILE], roles[Role.COMMENT], roles[Role.IDENTITY]) == (10, 5, 1, 0)


def test_sipas_2022_asks_interest_in_eight_policies_on_three_levels():
    method = load_method("sipas", "2022")
    asked = method.instrument("household").with_role(Role.PERCEPTION)
    assert [question.code for question in asked] == [f"Q1_{i}_22" for i in range(1, 9)]
    assert {levels(method, question.code)[1] for question in asked} == {3}


@pytest.mark.parametrize(("programme", "version"), list_methods())
def test_every_rule_and_title_is_filled_in(programme: str, version: str):
    method = load_method(programme, version)
    assert all(node.title_vi and node.title_en for node in method.tree.walk())
    assert {"combination", "rollup", "rounding"} <= set(method.rules)
    assert all(rule.source or rule.status is Status.LOCAL for rule in method.rules.values())


def test_papi_has_every_entry_of_the_codebook_with_range_and_years(reference: Path):
    with (reference / "papi/subdimension_codebook.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    leaves = load_method("papi", "2011").tree.leaves
    assert [
        (leaf.code.split("@")[0], leaf.year_from, leaf.year_to, leaf.title_vi, leaf.minimum, leaf.maximum)
        for leaf in leaves
    ] == [
        (
            row["code"],
            int(row["year_from"]),
            int(row["year_to"]),
            row["name_vi"],
            float(row["range_min"]),
            float(row["range_max"]),
        )
        for row in rows
    ]


@pytest.mark.parametrize(("year", "dimensions", "leaves"), [(2011, 6, 22), (2017, 6, 22), (2018, 8, 28), (2020, 8, 29)])
def test_papi_has_one_meaning_a_number_and_year(year: int, dimensions: int, leaves: int):
    tree = load_method("papi", "2011").tree
    assert sum(node.valid_in(year) for node in tree.children) == dimensions
    valid = [leaf.code.split("@")[0] for leaf in tree.leaves if leaf.valid_in(year)]
    assert len(valid) == len(set(valid)) == leaves


@pytest.mark.parametrize("year", range(2011, 2025))
def test_papi_dimensions_reach_ten_in_every_year(year: int):
    for dimension in load_method("papi", "2011").tree.children:
        maxima = [leaf.maximum for leaf in dimension.children if leaf.valid_in(year) and leaf.maximum]
        assert not maxima or sum(maxima) == pytest.approx(10, abs=0.02)


def test_papi_knows_the_official_code_of_all_63_provinces(reference: Path):
    with (BUILT_IN / "papi/2011/units.csv").open(encoding="utf-8", newline="") as file:
        units = {row["province_code"]: row for row in csv.DictReader(file)}
    with (reference / "papi/papi_subdimensions_2011_2020.csv").open(encoding="utf-8-sig", newline="") as file:
        names = {row["province_code"]: row["province"] for row in csv.DictReader(file)}
    assert {code: unit["name_en"] for code, unit in units.items()} == names
    assert len({unit["unit_code"] for unit in units.values()}) == 63
    places = {"P01": "01", "P17": "26", "P21": "33", "P36": "54", "P42": "66", "P49": "77", "P63": "96"}
    assert {code: units[code]["unit_code"] for code in places} == places
