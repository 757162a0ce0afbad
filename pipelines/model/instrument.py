"""A questionnaire as data: questions, code lists and roles (DDI: instrument, variable, code list).

Read from an XLSForm by `pipelines.methods`; this module only holds the result and answers questions about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pipelines.model.rule import Rule


class Kind(StrEnum):
    """How a question is answered (the XLSForm types that the project uses)."""

    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    INTEGER = "integer"
    TEXT = "text"
    TIME = "time"  # start, end, date and dateTime questions


class Role(StrEnum):
    """What an answer is for; it decides where it may go."""

    ITEM = "item"  # a satisfaction item of the index tree
    PERCEPTION = "perception"  # published as shares of each option
    NEED = "need"  # published as shares of each option
    PROFILE = "profile"  # a characteristic of the respondent, used for breakdowns and weights
    COMMENT = "comment"  # free text: scrubbed, never published
    IDENTITY = "identity"  # never beside answers
    HEADER = "header"  # unit, procedure, times: a field of the response itself


class Status(StrEnum):
    """How sure a rule or a wording is: seen in a public source, inferred from published figures, unknown, or local."""

    SEEN = "seen"
    INFERRED = "inferred"
    UNKNOWN = "unknown"
    LOCAL = "local"  # decided here; may be changed here


@dataclass(frozen=True)
class Choice:
    """One option of a code list; `code` is a small whole number, unique in its list; `status` is that of its words."""

    code: int
    label_vi: str
    label_en: str
    status: Status = Status.LOCAL


@dataclass(frozen=True)
class CodeList:
    """A named list of choices, in the order of the form."""

    name: str
    choices: tuple[Choice, ...]

    @cached_property
    def codes(self) -> frozenset[int]:
        """All codes of the list."""
        return frozenset(choice.code for choice in self.choices)


@dataclass(frozen=True)
class Question:
    """One question of an instrument.

    `code` identifies the meaning over all forms and years (column `item_code` of the XLSForm); `name` is the XLSForm
    name and `path` the name with its groups (`g_access/a1`), as portals use them. A header question's `code` is the
    field of the response that it fills (`unit_code`, `procedure_code`, …). `status` is that of its words.
    """

    code: str
    name: str
    path: str
    kind: Kind
    role: Role
    label_vi: str
    label_en: str
    code_list: CodeList | None = None
    required: bool = False
    status: Status = Status.LOCAL

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the response table: one, or one 0/1 column an option for a multiple choice."""
        if self.kind is Kind.SELECT_MULTIPLE and self.code_list is not None:
            return tuple(f"{self.code}_{choice.code}" for choice in self.code_list.choices)
        return (self.code,)


@dataclass(frozen=True)
class Group:
    """A section of the form: its path (`g_q9/g_pa`) and heading; a heading may be empty."""

    path: str
    label_vi: str
    label_en: str


@dataclass(frozen=True)
class Instrument:
    """A versioned questionnaire. `id` is its file's stem (`citizen`), `sha256` that of the XLSForm's bytes.

    `groups` are its sections in the order of the form, `rules` what it asks of answers.
    """

    id: str
    version: str
    title_vi: str
    title_en: str
    questions: tuple[Question, ...]
    sha256: str
    groups: tuple[Group, ...] = ()
    rules: tuple[Rule, ...] = ()

    @cached_property
    def by_code(self) -> dict[str, Question]:
        """Questions by their code."""
        return {question.code: question for question in self.questions}

    def with_role(self, *roles: Role) -> tuple[Question, ...]:
        """Return the questions of the given roles, in the order of the form."""
        return tuple(question for question in self.questions if question.role in roles)

    @property
    def items(self) -> tuple[Question, ...]:
        """The satisfaction items."""
        return self.with_role(Role.ITEM)

    @property
    def coded(self) -> tuple[Question, ...]:
        """Every question whose answer is a code: the small-integer columns of the response table."""
        roles = (Role.ITEM, Role.PERCEPTION, Role.NEED, Role.PROFILE)
        return tuple(q for q in self.with_role(*roles) if q.kind in (Kind.SELECT_ONE, Kind.SELECT_MULTIPLE))
