"""Decisions to leave responses out: one person proposes with a reason, a second one approves; either may take it back.

Plain values in, plain values out. It must not find responses, nor decide by a flag: only people exclude.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pipelines.model.errors import StateError


class State(StrEnum):
    """Where a decision stands; only what is approved leaves responses out."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Proposal:
    """What is to be left out, and why.

    Args:
        exclusion_id: such as x001, unique in the round.
        selected_by: how the responses were chosen, as it was written.
        responses: response id → the partition that accepted it (`ROUND~SOURCE~MONTH`).
        reason: why; every reader of the report sees it.
        person: who proposes.
        at: when, UTC, ISO 8601.
    """

    exclusion_id: str
    selected_by: str
    responses: Mapping[str, str]
    reason: str
    person: str
    at: str


@dataclass(frozen=True)
class Verdict:
    """What somebody said to a proposal, of which it holds the hash."""

    person: str
    at: str
    comment: str
    proposal_sha256: str


@dataclass(frozen=True)
class Exclusion:
    """A decision with its steps so far; `sha256` is that of the proposal's bytes."""

    proposal: Proposal
    sha256: str
    approval: Verdict | None = None
    rejection: Verdict | None = None

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.rejection:
            return State.REJECTED
        return State.APPROVED if self.approval else State.PROPOSED

    @property
    def said(self) -> str:
        """The decision in one line, as the rows that it leaves out carry it."""
        approved_by = self.approval.person if self.approval else ""
        one = self.proposal
        return f"{one.exclusion_id}: {one.reason} (đề nghị · proposed {one.person}; duyệt · approved {approved_by})"


def proposal_of(value: Mapping[str, Any]) -> Proposal:
    """Return a proposal from the plain values that `asdict` gives."""
    return Proposal(**value)


def verdict(exclusion: Exclusion, approves: bool, person: str, comment: str, at: str) -> Verdict:
    """Return what a person says to a decision.

    Raises:
        StateError: nobody is named, the second person is the first, or the decision is not in a state for it.
    """
    name, comment = named(person, "approve" if approves else "reject"), comment.strip()
    where = exclusion.proposal.exclusion_id
    if exclusion.state is State.REJECTED or (approves and exclusion.state is State.APPROVED):
        raise StateError(f"the decision is {exclusion.state} already", where, "propose anew what is still to be done")
    if approves and same_person(name, exclusion.proposal.person):
        raise StateError(
            f"{name} proposed this exclusion and cannot approve it", where, "a second person has to approve"
        )
    if not approves and not comment:
        raise StateError("a decision is taken back without a reason", where, "say why with --comment")
    return Verdict(name, at, comment, exclusion.sha256)


def excluded(exclusions: Iterable[Exclusion]) -> dict[str, str]:
    """Return response id → the first approved decision that leaves it out, in one line.

    Raises:
        StateError: a proposal is not the one that was approved.
    """
    found: dict[str, str] = {}
    for one in exclusions:
        if one.state is not State.APPROVED or one.approval is None:
            continue
        if one.approval.proposal_sha256 != one.sha256:
            raise StateError(
                "the proposal was changed after its approval",
                one.proposal.exclusion_id,
                "restore it from a back-up, or reject the decision and propose anew",
            )
        for response_id in one.proposal.responses:
            found.setdefault(response_id, one.said)
    return found


def named(person: str, action: str) -> str:
    """Return a person's name without blanks around it; a StateError where there is none."""
    if not person.strip():
        raise StateError(f"{action} without a person", remedy="say who acts with --person or HAILONG_PERSON")
    return unicodedata.normalize("NFC", person.strip())


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same, whatever their case and Unicode form."""
    return _folded(one) == _folded(other)


def decision_rows(round_id: str, exclusions: Iterable[Exclusion]) -> list[dict[str, Any]]:
    """Return one row a step of every decision, for `ops.exclusion`; `decided_at` is still text."""
    rows = []
    for one in exclusions:
        steps = [("PROPOSE", one.proposal.person, one.proposal.at, one.proposal.reason)]
        for action, said in (("APPROVE", one.approval), ("REJECT", one.rejection)):
            steps += [(action, said.person, said.at, said.comment)] if said else []
        for action, person, at, comment in steps:
            rows.append(
                {
                    "round_id": round_id,
                    "exclusion_id": one.proposal.exclusion_id,
                    "step": action,
                    "decided_by": person,
                    "decided_at": at,
                    "said": comment,
                    "selected_by": one.proposal.selected_by,
                    "response_count": len(one.proposal.responses),
                    "proposal_sha256": one.sha256,
                }
            )
    return rows


def plain(record: Proposal | Verdict) -> dict[str, Any]:
    """Return a record as plain values for JSON."""
    return asdict(record)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()
