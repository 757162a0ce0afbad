"""What of an instrument goes on paper, and in which shape: tables, lists of options, boxes for words.

The same list of blocks is drawn by typst and asked for by the reader. It must not know sizes or places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from pipelines.model.errors import InputError
from pipelines.model.instrument import Choice, Group, Instrument, Kind, Question, Role
from pipelines.paper.texts import VI, Texts

ON_PAPER = (Role.ITEM, Role.PERCEPTION, Role.NEED, Role.PROFILE)
WIDEST_SCALE = 6  # options that fit beside the text of a row
SHORT_OPTION = 38  # characters that fit in half the width
PROCEDURE = "procedure_code"


@dataclass(frozen=True)
class Option:
    """One bubble: the answer as it is stored, and its words."""

    code: str
    label: str


@dataclass(frozen=True)
class Asked:
    """One question as it stands on the paper."""

    code: str
    text: str
    options: tuple[Option, ...]
    multiple: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether it needs the whole width of the page."""
        return self.multiple or max(len(option.label) for option in self.options) > SHORT_OPTION


@dataclass(frozen=True)
class Section:
    """Rows of a table under one heading."""

    heading: str
    rows: tuple[Asked, ...]


@dataclass(frozen=True)
class Matrix:
    """Questions with the same options, as a table."""

    title: str
    options: tuple[Option, ...]
    sections: tuple[Section, ...]
    kind: str = "matrix"


@dataclass(frozen=True)
class Choices:
    """Questions with options of their own, in bands from the top down: a band is one or two columns of questions."""

    title: str
    bands: tuple[tuple[tuple[Asked, ...], ...], ...]
    kind: str = "choices"


@dataclass(frozen=True)
class Words:
    """A box for free text."""

    code: str
    text: str
    kind: str = "words"


Block = Matrix | Choices | Words


@dataclass(frozen=True)
class PaperPlan:
    """The blocks of a form in their order, and its questions by code."""

    blocks: tuple[Block, ...]
    questions: Mapping[str, Asked] = field(default_factory=dict)


def plan_form(instrument: Instrument, procedures: Sequence[tuple[str, str]] = (), texts: Texts = VI) -> PaperPlan:
    """Return what goes on the paper, in the language of `texts`.

    `procedures` (code, name in that language) are asked for first where there are any.

    Raises:
        InputError: the instrument has a question that paper cannot ask yet.
    """
    headings = {group.path: _label(group, texts) for group in instrument.groups}
    blocks: list[Block] = []
    if procedures:
        options = tuple(Option(code, name) for code, name in procedures)
        asked = Asked(PROCEDURE, texts.procedure, options)
        blocks.append(Choices("", (((asked,),),)))
    questions = [question for question in instrument.questions if question.role in (*ON_PAPER, Role.COMMENT)]
    for key, members in groupby(questions, lambda question: _run(question, questions)):
        blocks.append(_block(key, tuple(members), headings, texts))
    return PaperPlan(tuple(blocks), {asked.code: asked for block in blocks for asked in questions_of(block)})


def questions_of(block: Block) -> Iterator[Asked]:
    """Yield the questions of a block that are answered by a mark."""
    if isinstance(block, Matrix):
        yield from (row for section in block.sections for row in section.rows)
    elif isinstance(block, Choices):
        yield from (asked for band in block.bands for column in band for asked in column)


def _run(question: Question, questions: Sequence[Question]) -> tuple[str, str]:
    """Return what neighbours must share to stand in one block: the scale of a table, or the group of a list."""
    if question.role is Role.COMMENT:
        return "words", question.code
    if question.kind not in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE):
        remedy = "give it options (for a number: classes), or leave it out of the paper form's instrument"
        raise InputError(f"question {question.code} has no options to mark on paper", question.path, remedy)
    assert question.code_list is not None
    scale = question.code_list
    alike = sum(other.code_list == scale and other.kind is Kind.SELECT_ONE for other in questions)
    group = _outermost(question.path)
    if question.kind is Kind.SELECT_ONE and alike > 1 and len(scale.choices) <= WIDEST_SCALE:
        if question.role is Role.ITEM:
            return "matrix", scale.name
        if group:
            return "matrix", f"{group} {scale.name}"
    return "choices", group


def _block(key: tuple[str, str], questions: tuple[Question, ...], headings: Mapping[str, str], texts: Texts) -> Block:
    kind, _ = key
    if kind == "words":
        return Words(questions[0].code, _label(questions[0], texts))
    if kind == "matrix":
        return _matrix(questions, headings, texts)
    asked = [_asked(question, texts) for question in questions]
    return Choices(headings.get(_outermost(questions[0].path), ""), _bands(asked))


def _matrix(questions: tuple[Question, ...], headings: Mapping[str, str], texts: Texts) -> Matrix:
    """Return a table: the group that all rows share is its title, groups within are headings between rows."""
    outer = {_outermost(question.path) for question in questions}
    shared = outer.pop() if len(outer) == 1 else ""
    sections = [
        Section("" if path == shared else headings.get(path, ""), tuple(_asked(row, texts) for row in rows))
        for path, rows in groupby(questions, lambda question: question.path.rpartition("/")[0])
    ]
    title = headings.get(shared, "") or (texts.satisfaction if questions[0].role is Role.ITEM else "")
    return Matrix(title, _options(questions[0], texts), tuple(sections))


def _asked(question: Question, texts: Texts) -> Asked:
    multiple, text = question.kind is Kind.SELECT_MULTIPLE, _label(question, texts)
    return Asked(question.code, f"{text} ({texts.many})" if multiple else text, _options(question, texts), multiple)


def _options(question: Question, texts: Texts) -> tuple[Option, ...]:
    assert question.code_list is not None
    return tuple(Option(str(choice.code), _label(choice, texts)) for choice in question.code_list.choices)


def _label(named: Question | Choice | Group, texts: Texts) -> str:
    return named.label_vi if texts is VI else named.label_en


def _outermost(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


def _bands(asked: Sequence[Asked]) -> tuple[tuple[tuple[Asked, ...], ...], ...]:
    bands: list[tuple[tuple[Asked, ...], ...]] = []
    for is_wide, group in groupby(asked, lambda one: one.is_wide):
        members = tuple(group)
        bands += [((one,),) for one in members] if is_wide else [_halves(members)]
    return tuple(bands)


def _halves(asked: tuple[Asked, ...]) -> tuple[tuple[Asked, ...], ...]:
    """Divide questions into two columns of about the same height, in order."""
    heights = [1.5 + len(one.options) for one in asked]
    cut = min(range(len(asked) + 1), key=lambda at: (max(sum(heights[:at]), sum(heights[at:])), -at))
    return asked[:cut], asked[cut:]
