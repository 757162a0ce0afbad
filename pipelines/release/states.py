"""The life of a release as one transition table, and the rule that two people publish.

A pure function over the table: who did what when is recorded elsewhere (decision rows), never here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from pipelines.model.errors import StateError


class State(StrEnum):
    """Where a release stands."""

    DRAFT = "DRAFT"
    CHECKED = "CHECKED"
    APPROVED = "APPROVED"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"
    WITHDRAWN = "WITHDRAWN"


class Action(StrEnum):
    """What a person may do to a release."""

    CHECK = "CHECK"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    PUBLISH = "PUBLISH"
    SUPERSEDE = "SUPERSEDE"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True)
class Transition:
    """One arrow of the diagram. `second_person` refuses whoever froze the release."""

    before: State
    action: Action
    after: State
    meaning_vi: str
    meaning_en: str
    second_person: bool = False


TRANSITIONS = (
    Transition(
        State.DRAFT, Action.CHECK, State.CHECKED, "Đã kiểm tra tệp và số liệu", "Files and figures were checked"
    ),
    Transition(State.DRAFT, Action.REJECT, State.DRAFT, "Kiểm tra không đạt", "The check failed"),
    Transition(
        State.CHECKED,
        Action.APPROVE,
        State.APPROVED,
        "Người thứ hai phê duyệt",
        "A second person approved",
        second_person=True,
    ),
    Transition(State.CHECKED, Action.REJECT, State.DRAFT, "Trả lại để làm lại", "Sent back to be redone"),
    Transition(State.APPROVED, Action.PUBLISH, State.PUBLISHED, "Công bố", "Made public"),
    Transition(State.APPROVED, Action.REJECT, State.DRAFT, "Rút phê duyệt trước khi công bố", "Approval taken back"),
    Transition(
        State.PUBLISHED, Action.SUPERSEDE, State.SUPERSEDED, "Có bản thay thế", "A newer release took its place"
    ),
    Transition(State.PUBLISHED, Action.WITHDRAW, State.WITHDRAWN, "Thu hồi", "Taken back from the public"),
)
_BY_START: dict[tuple[str, str], Transition] = {(step.before, step.action): step for step in TRANSITIONS}


def transition(state: str, action: str, person: str, frozen_by: str) -> str:
    """Return the state that follows.

    Args:
        state: the present state of the release.
        action: one of `Action`.
        person: who acts.
        frozen_by: who froze the release.

    Raises:
        StateError: no such step from this state, nobody is named, or the second person is the first one.
    """
    step = _BY_START.get((state, action))
    if step is None:
        raise StateError(f"a release that is {state} cannot be changed by {action}", remedy=_possible(state))
    if not _same_form(person):
        raise StateError(f"{action} without a person", remedy="say who acts: set HAILONG_PERSON to your name")
    if step.second_person:
        _refuse_first_person(action, person, frozen_by)
    return step.after.value


def states_markdown() -> str:
    """Return the page of the documentation: the diagram and the table, both from `TRANSITIONS`."""
    arrows = [f"    {step.before} --> {step.after}: {step.action}" for step in TRANSITIONS]
    final = [f"    {state} --> [*]" for state in State if not any(step.before is state for step in TRANSITIONS)]
    diagram = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.DRAFT}: FREEZE", *arrows, *final, "```"]
    heading = ["| from | action | to | ý nghĩa | meaning | who |", "|---|---|---|---|---|---|"]
    return "\n".join([_TITLE, *diagram, "", *heading, *map(_table_row, TRANSITIONS), ""])


_TITLE = """# States of a release · Trạng thái của một bản phát hành

<!-- generated from pipelines/release/states.py; do not edit -->

Who froze a release cannot approve it; no time-out ever approves.
Người đóng băng bản phát hành không được phê duyệt bản đó; hết giờ chờ không bao giờ là phê duyệt.
"""


def _table_row(step: Transition) -> str:
    who = "not who froze it" if step.second_person else "anybody in charge"
    return f"| {step.before} | {step.action} | {step.after} | {step.meaning_vi} | {step.meaning_en} | {who} |"


def _possible(state: str) -> str:
    actions = [step.action.value for step in TRANSITIONS if step.before == state]
    if state not in set(State):
        return f"the states are {', '.join(State)}"
    return f"possible now: {', '.join(actions)}" if actions else f"{state} is final; freeze a new release"


def _refuse_first_person(action: str, person: str, frozen_by: str) -> None:
    if not _same_form(frozen_by):
        raise StateError(f"{action}, but nobody is named as who froze it", remedy="freeze the release again, by name")
    if _same_form(person) == _same_form(frozen_by):
        raise StateError(
            f"{person.strip()} froze this release and cannot {action} it", remedy="a second person has to do it"
        )


def _same_form(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()
