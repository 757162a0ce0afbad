"""Reads a questionnaire from an XLSForm workbook; every complaint names sheet, row and column.

The workbook is the one declaration of a form: it is what ODK, Kobo and the paper print are made of, and a commune
edits it in Excel. Reading goes through pyxform's own reader so that both see the same cells. It must not decide
whether an instrument fits a method.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from pipelines.methods.form_rules import form_rules
from pipelines.methods.sheet import Row, Sheet, read_book
from pipelines.model.errors import InputError
from pipelines.model.instrument import Choice, CodeList, Group, Instrument, Kind, Question, Role, Status
from pipelines.model.response import COMMENT, HEADER, PROVENANCE

VI, EN = "label::Tiếng Việt (vi)", "label::English (en)"
SURVEY = ("type", "name", VI, EN, "item_code", "role")
CHOICES = ("list_name", "name", VI, EN)
SETTINGS = ("form_title", "form_title_en", "form_id", "version")

KINDS = {
    "select_one": Kind.SELECT_ONE,
    "select_multiple": Kind.SELECT_MULTIPLE,
    "integer": Kind.INTEGER,
    "text": Kind.TEXT,
    "calculate": Kind.TEXT,
    "deviceid": Kind.TEXT,
    "start": Kind.TIME,
    "end": Kind.TIME,
    "date": Kind.TIME,
    "datetime": Kind.TIME,
}
SELECTS = (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE)
ROLE_KINDS = {
    Role.ITEM: (Kind.SELECT_ONE,),
    Role.PERCEPTION: SELECTS,
    Role.NEED: SELECTS,
    Role.PROFILE: (*SELECTS, Kind.INTEGER),
    Role.COMMENT: (Kind.TEXT,),
    Role.IDENTITY: (Kind.TEXT, Kind.INTEGER, Kind.TIME),
    Role.HEADER: (Kind.TEXT, Kind.TIME, Kind.INTEGER, Kind.SELECT_ONE),
}
LAYOUT = ("note", "begin_group", "begin group", "end_group", "end group")
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
CHOICE_CODE = re.compile(r"[0-9]{1,4}")


def load_instrument(path: Path) -> Instrument:
    """Read the instrument of an XLSForm workbook.

    Raises:
        InputError: naming file, sheet, row, column and remedy.
    """
    book = read_book(path)
    settings = book.sheet("settings", SETTINGS).only_row()
    survey = book.sheet("survey", SURVEY)
    questions, groups = _questions(survey, _code_lists(book.sheet("choices", CHOICES)))
    return Instrument(
        id=path.stem,
        version=settings.text("version"),
        title_vi=settings.text("form_title"),
        title_en=settings.text("form_title_en"),
        questions=questions,
        sha256=hashlib.sha256(book.content).hexdigest(),
        groups=groups,
        rules=form_rules(survey.rows, questions),
    )


def _code_lists(sheet: Sheet) -> dict[str, CodeList]:
    choices: dict[str, dict[int, Choice]] = {}
    for row in sheet.rows:
        members = choices.setdefault(row.text("list_name"), {})
        if not CHOICE_CODE.fullmatch(row.text("name")):
            raise row.error("name", f"choice code {row.text('name')!r} is no whole number", "use 0, 1, 2 … to 9999")
        choice = Choice(int(row.text("name")), row.text(VI), row.text(EN), _status(row))
        if choice.code in members:
            raise row.error("name", f"code {choice.code} occurs twice in list {row.text('list_name')!r}", "renumber it")
        members[choice.code] = choice
    return {name: CodeList(name, tuple(members.values())) for name, members in choices.items()}


def _questions(sheet: Sheet, lists: dict[str, CodeList]) -> tuple[tuple[Question, ...], tuple[Group, ...]]:
    questions: list[Question] = []
    groups: list[Group] = []
    taken: dict[tuple[str, str], int] = {}
    inside: list[str] = []
    for row in sheet.rows:
        if row.text("type").lower() in LAYOUT:
            groups += _enter_or_leave(inside, row)
            continue
        question = _question(row, inside, lists)
        _claim(question, row, taken)
        questions.append(question)
    if inside:
        raise InputError(f"group {inside[-1]!r} is never closed", sheet.where, "add a row of type end_group")
    return tuple(questions), tuple(groups)


def _enter_or_leave(inside: list[str], row: Row) -> list[Group]:
    """Keep track of the groups that the rows stand in; return the one that begins here."""
    match row.text("type").lower().replace(" ", "_"):
        case "begin_group":
            inside.append(row.text("name"))
            return [Group("/".join(inside), row.optional(VI), row.optional(EN))]
        case "end_group":
            if not inside:
                raise row.error("type", "a group ends that never began", "remove this row or add begin_group above")
            inside.pop()
    return []


def _question(row: Row, groups: list[str], lists: dict[str, CodeList]) -> Question:
    from pyxform.aliases import yes_no  # takes a second, and Airflow lists methods at every turn

    kind, code_list = _kind(row, lists)
    role = row.choose("role", Role)
    if kind not in ROLE_KINDS[role]:
        allowed = ", ".join(ROLE_KINDS[role])
        raise row.error("type", f"a question of role {role} cannot be of type {kind}", f"use one of: {allowed}")
    return Question(
        code=_code(row, role),
        name=row.text("name"),
        path="/".join((*groups, row.text("name"))),
        kind=kind,
        role=role,
        label_vi=row.text(VI),
        label_en=row.text(EN),
        code_list=code_list,
        required=_required(row, yes_no),
        status=_status(row),
    )


def _required(row: Row, yes_no: Mapping[str, bool]) -> bool:
    text = row.optional("required")
    if text and text not in yes_no:
        raise row.error("required", f"{text!r} is neither yes nor no", "write yes or no, and the condition as relevant")
    return bool(yes_no.get(text, False))


def _kind(row: Row, lists: dict[str, CodeList]) -> tuple[Kind, CodeList | None]:
    word, *rest = row.text("type").split()
    kind = KINDS.get(word.lower())
    if kind is None:
        raise row.error("type", f"unknown type {word!r}", f"use one of: {', '.join((*KINDS, *LAYOUT))}")
    if kind not in SELECTS:
        return kind, None
    if len(rest) != 1:
        raise row.error("type", f"{word} needs exactly one code list", f"write for example: {word} satisfaction")
    if rest[0] not in lists:
        known = ", ".join(sorted(lists))
        raise row.error("type", f"unknown code list {rest[0]!r}", f"add it to sheet choices, or use one of: {known}")
    return kind, lists[rest[0]]


def _code(row: Row, role: Role) -> str:
    """Return the code; a header's is a field of the response, all others must not look like one."""
    code = row.text("item_code")
    if role is Role.HEADER and code not in HEADER:
        raise row.error("item_code", f"{code!r} is no field of the response", f"use one of: {', '.join(HEADER)}")
    if role is Role.COMMENT and code != COMMENT:
        raise row.error("item_code", f"the comment has code {code!r}", f"write {COMMENT}")
    if role not in (Role.HEADER, Role.COMMENT):
        if not CODE.fullmatch(code):
            raise row.error("item_code", f"{code!r} is no code", "use letters, digits and _, a letter first")
        if code.lower() in {*HEADER, *PROVENANCE, COMMENT}:
            raise row.error("item_code", f"{code!r} is a field of every response", "use another code")
    return code


def _claim(question: Question, row: Row, taken: dict[tuple[str, str], int]) -> None:
    """Note path and columns of a question as taken; SQL does not tell `a1` from `A1`, so nor may two questions."""
    claims = [("name", question.path), *(("item_code", column.lower()) for column in question.columns)]
    for claim in claims:
        first = taken.setdefault(claim, row.number)
        if first != row.number:
            column, value = claim
            raise row.error(column, f"{value!r} is taken by row {first}", "give each question its own")


def _status(row: Row) -> Status:
    return row.choose("status", Status) if row.optional("status") else Status.LOCAL
