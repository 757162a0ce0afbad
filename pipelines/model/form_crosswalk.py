"""How answers to an older version of a form become answers to the form of a method. It only holds the declaration."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Carried:
    """What becomes of one question of the older form.

    Args:
        code: question of the form of the method; empty: it has no equivalent.
        reason: why it has none.
        answers: code of the older form → code of the new one; None: this answer has no equivalent and is left blank.
        reasons: code of the older form → why it has none.
        texts: key under which a mapping's `codes` say how the source writes the older answers.
    """

    code: str = ""
    reason: str = ""
    answers: dict[int, int | None] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    texts: str = ""


@dataclass(frozen=True)
class FormCrosswalk:
    """An older version of a form, question by question; `same` are questions that mean and answer the same in both.

    A question that stands in neither was not asked, or nobody has said what becomes of it: it cannot be mapped.
    """

    name: str
    form: str
    version: str
    same: tuple[str, ...]
    questions: dict[str, Carried]


@dataclass(frozen=True)
class Translation:
    """How the texts of one heading are carried over: text → text of the new code, or the reason why it is blank."""

    question: str
    version: str
    texts: dict[str, str]
    blank: dict[str, str]
    multiple: bool = False
    reason: str = ""
