"""The rules of a form: read from the workbook, refused where they go too far, checked on every response."""

import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from collect_kit import CITIZEN, METHOD, ORGANISATION, ROUND, SCREEN, accepted, collect, lines, row

from pipelines.collect.rejects import read_rejects
from pipelines.methods import load_instrument
from pipelines.methods.expression import ExpressionError, parse_condition
from pipelines.model.errors import InputError
from pipelines.model.rule import Compares, Counts, IsBlank, Joined, Kept, Not, Rule

WORKPLACE = Path(__file__).parents[1] / "fixtures" / "methods" / "workplace" / "2017" / "rse.xlsx"
BY_NAME = {question.name: question for question in CITIZEN.questions}
MEDIA = ("media_1", "media_2", "media_3")


def parse(text, own="a1"):
    return parse_condition(text, BY_NAME, BY_NAME[own])


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (". >= 18", Compares("A1", ">=", 18)),
        ("${age}>=18", Compares("age", ">=", 18)),
        ("18 <= ${age}", Compares("age", ">=", 18)),
        ("${sex} = '2'", Compares("sex", "=", 2)),
        ("selected(${sex}, '2')", Compares("sex", "=", 2)),
        ('selected( ${media} , "3" )', Compares("media_3", "=", 1)),
        ("${a1} = ''", IsBlank(("A1",))),
        ("${media} != ''", Not(IsBlank(MEDIA))),
        ("count-selected(${media}) <= 2", Counts(MEDIA, "<=", 2)),
        ("not(${sex} = 1)", Not(Compares("sex", "=", 1))),
        ("${unit_code} = '22243'", Compares("unit_code", "=", "22243")),
        (
            "${sex} = 1 or ${a2} = 1 and ${a3} = 1",
            Joined("or", (Compares("sex", "=", 1), Joined("and", (Compares("A2", "=", 1), Compares("A3", "=", 1))))),
        ),
        (
            "(${sex} = 1 or ${a2} = 1) and ${a3} = 1",
            Joined("and", (Joined("or", (Compares("sex", "=", 1), Compares("A2", "=", 1))), Compares("A3", "=", 1))),
        ),
    ],
)
def test_a_simple_expression_becomes_a_condition(text, condition):
    assert parse(text) == condition


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("regex(., '^0')", "regex()"),
        (". > today()", "“today” stands where"),
        ("${age} + 1 > 18", "“+ 1 > 18” is not understood"),
        ("${nobody} = 1", "no question nobody"),
        ("${sex} = 9", "9 is no code of sex"),
        ("${sex} = 'Nam'", "“Nam” is no code"),
        ("${media} = '1'", "multiple choice"),
        ("count-selected(${sex}) = 1", "no multiple choice"),
        ("${full_name} = 'An'", "not kept"),
        ("${unit_code} > '1'", "only be compared with a text"),
        ("${sex} = 1 ${age} = 2", "not expected here"),
        ("(${sex} = 1", "the end"),
        ("${sex}", "the end"),
        ("${age} > ''", "empty text"),
        ("${age} > 1.5", "not understood"),
        ("", "the end"),
    ],
)
def test_what_goes_beyond_is_refused_and_named(text, part):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert part in str(caught.value)


ALWAYS = Joined("and", ())
ADULT, WOMEN = parse("${age} >= 18"), parse("${sex} = 2")


def rule(kind, code, condition, form=CITIZEN):
    columns = form.by_code[code].columns
    return Rule(kind, code, columns, condition, "${expression}")


def screened(lake, rules, *rows, form=CITIZEN):
    """Screen rows under the rules; return (record, code, field, value) of what was refused."""
    forms = tuple(replace(one, rules=tuple(rules)) if one.id == form.id else one for one in (CITIZEN, ORGANISATION))
    collect(lake, lines(*rows), screen=replace(SCREEN, method=replace(METHOD, instruments=forms)))
    found = read_rejects(lake, ROUND.id).to_pylist()
    return [(json.loads(one["payload"])["record_id"], one["code"], one["field"], one["value"]) for one in found]


def test_required_relevant_and_constraint_each_refuse_with_code_question_and_expression(lake):
    rules = [
        rule(Kept.REQUIRED, "A1", ALWAYS),
        rule(Kept.RELEVANT, "A2", WOMEN),
        rule(Kept.REQUIRED, "A2", WOMEN),
        rule(Kept.CONSTRAINT, "age", parse(". <= 110 and . >= 16", "age")),
        rule(Kept.CONSTRAINT, "media", parse("count-selected(.) <= 1 or not(selected(., '3'))", "media")),
    ]
    woman = {"answers__sex": "2", "answers__age": "30"}
    found = screened(
        lake,
        rules,
        row(id="good", **woman),
        row(id="man", answers__sex="1", answers__A2=None, answers__media="1 2"),
        row(id="blank", answers__A1=None, **woman),
        row(id="asked", answers__A2=None, **woman),
        row(id="not-asked", answers__sex="1"),
        row(id="unknown-sex"),
        row(id="old", **(woman | {"answers__age": "111"})),
        row(id="many", **woman, answers__media="1 3"),
        row(id="none", **woman, answers__media=None, comment="tốt"),
    )
    assert found == [
        ("blank", "R309_REQUIRED_BLANK", "A1", "${expression}"),
        ("asked", "R309_REQUIRED_BLANK", "A2", "${expression}"),
        ("not-asked", "R310_NOT_RELEVANT", "A2", "${expression}"),
        ("unknown-sex", "R310_NOT_RELEVANT", "A2", "${expression}"),
        ("old", "R311_CONSTRAINT", "age", "${expression}"),
        ("many", "R311_CONSTRAINT", "media", "${expression}"),
    ]
    assert {one["record_id"] for one in accepted(lake)} == {"good", "man", "none"}


def test_a_rule_asks_nothing_of_another_form(lake):
    assert screened(lake, [rule(Kept.REQUIRED, "staff", ALWAYS, ORGANISATION)], row(), form=ORGANISATION) == []


def test_quotes_in_texts_do_no_harm(lake):
    asked = parse('${unit_code} != "22\'243"')
    assert screened(lake, [rule(Kept.RELEVANT, "A1", asked)], row()) == []


def workbook(tmp_path, *cells):
    """A copy of the fixture's workbook with cells of its survey set, as (row, heading, value)."""
    book = openpyxl.load_workbook(WORKPLACE)
    sheet = book["survey"]
    for number, heading, value in cells:
        headings = [cell.value for cell in sheet[1]]
        if heading not in headings:
            sheet.cell(1, len(headings) + 1, heading)
            headings.append(heading)
        sheet.cell(number, headings.index(heading) + 1).value = value
    book.save(tmp_path / "rse.xlsx")
    return tmp_path / "rse.xlsx"


def rows_of(path):
    sheet = openpyxl.load_workbook(path)["survey"]
    return {sheet.cell(number, 2).value: number for number in range(sheet.max_row, 1, -1)}


def test_the_workbook_declares_rules_and_those_of_a_group_hold_for_all_in_it(tmp_path):
    at = rows_of(WORKPLACE)
    items = load_instrument(WORKPLACE).items
    first, last = items[0], items[-1]
    group = first.path.split("/")[0]
    path = workbook(
        tmp_path,
        (at[group], "relevant", f"${{{last.name}}} != ''"),
        (at[first.name], "required", "yes"),
        (at[first.name], "constraint", ". != 1"),
    )
    rules = {(one.kind, one.question): one for one in load_instrument(path).rules}
    asked = Not(IsBlank((last.code,)))
    assert rules[Kept.RELEVANT, first.code].condition == Joined("and", (asked,))
    assert rules[Kept.REQUIRED, first.code].condition == Joined("and", (asked,))
    assert rules[Kept.CONSTRAINT, first.code].condition == Compares(first.code, "!=", 1)
    assert all(one.kind is Kept.RELEVANT for key, one in rules.items() if key[1] != first.code)
    assert load_instrument(WORKPLACE).rules == ()


@pytest.mark.parametrize(
    ("heading", "value"), [("constraint", "regex(., 'x')"), ("relevant", "${nobody} = 1"), ("required", "${a} = 1")]
)
def test_a_rule_that_cannot_be_checked_is_refused_with_its_place(tmp_path, heading, value):
    first = load_instrument(WORKPLACE).items[0]
    number = rows_of(WORKPLACE)[first.name]
    with pytest.raises(InputError) as caught:
        load_instrument(workbook(tmp_path, (number, heading, value)))
    assert caught.value.where.endswith(f"sheet survey, row {number}, column {heading}") and caught.value.remedy
