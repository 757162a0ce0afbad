"""The stage at which people leave responses out: find them, propose, approve, take back.

Each step is one file of the lake that is never overwritten. It must not exclude anything by itself: screening reads
what two people have decided, and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lake import exclusion, responses, stale
from pipelines.ledger.receipt import response_prefix
from pipelines.model.errors import InputError, StateError
from pipelines.model.round import Round
from pipelines.model.run import Partition
from pipelines.quality.exclusions import (
    Exclusion,
    Proposal,
    State,
    Verdict,
    excluded,
    named,
    plain,
    proposal_of,
    verdict,
)
from pipelines.stages.context import Context

PROPOSE, APPROVE, REJECT = "propose", "approve", "reject"
RESPONSE_ID = re.compile(r"[0-9a-f]{32}")
FOUND_BY = ["response_id", "device_id", "submitted_at"]


@dataclass(frozen=True)
class DeviceTime:
    """Everything that a device submitted from one time to another, in the round's zone; both ends count."""

    device_id: str
    first: datetime
    last: datetime

    def __str__(self) -> str:
        """As a person reads it in a report."""
        return f"{self.device_id} {self.first:%Y-%m-%d %H:%M:%S} – {self.last:%Y-%m-%d %H:%M:%S}"


def propose_exclusion(
    context: Context, round_id: str, wanted: Sequence[str] | DeviceTime, reason: str, person: str = ""
) -> Exclusion:
    """Record that somebody wants accepted responses left out; nothing changes until a second person approves.

    Args:
        context: settings and lake.
        round_id: the round.
        wanted: response ids or receipt codes, or what a device submitted in a time.
        reason: why.
        person: who proposes; empty: the person of the settings.

    Raises:
        InputError: no accepted response is meant, or no reason is given.
    """
    round_ = context.round(round_id)
    if not reason.strip():
        raise InputError("no reason is given", "--reason", "say why these answers are not to count")
    proposal = Proposal(
        exclusion_id=f"x{len(_ids(context, round_id)) + 1:03d}",
        selected_by=str(wanted) if isinstance(wanted, DeviceTime) else " ".join(wanted),
        responses=dict(sorted(_accepted(context, round_, wanted).items())),
        reason=reason.strip(),
        person=named(person or context.settings.person, PROPOSE),
        at=context.now().isoformat(timespec="seconds"),
    )
    _write(context, round_id, proposal.exclusion_id, PROPOSE, proposal)
    return _read(context, round_id, proposal.exclusion_id)


def decide_exclusion(
    context: Context, round_id: str, exclusion_id: str, approves: bool, person: str = "", comment: str = ""
) -> list[str]:
    """Approve or take back a decision; return the partitions that are to be screened again, which are marked stale.

    Raises:
        InputError: there is no such decision.
        StateError: the second person is the first, or the decision is not in a state for it.
    """
    context.round(round_id)
    found = _read(context, round_id, exclusion_id)
    at = context.now().isoformat(timespec="seconds")
    said = verdict(found, approves, person or context.settings.person, comment, at)
    _write(context, round_id, exclusion_id, APPROVE if approves else REJECT, said)
    if not approves and found.state is State.PROPOSED:
        return []
    keys = sorted(set(found.proposal.responses.values()))
    for partition in map(Partition.of, keys):
        mark = stale(round_id, partition.source, partition.month)
        context.lake.write_json(mark, {"exclusion": exclusion_id})
    return keys


def exclusions(context: Context, round_id: str) -> list[Exclusion]:
    """Return every decision of a round, in the order of their numbers."""
    return [_read(context, round_id, one) for one in _ids(context, round_id)]


def excluded_responses(context: Context, round_id: str) -> dict[str, str]:
    """Return the responses that approved decisions leave out, each with its decision in one line."""
    return excluded(exclusions(context, round_id))


def _accepted(context: Context, round_: Round, wanted: Sequence[str] | DeviceTime) -> dict[str, str]:
    """Return the accepted responses that are meant → their partitions."""
    meant: dict[str, str | DeviceTime] = (
        {str(wanted): wanted} if isinstance(wanted, DeviceTime) else {one: _prefix(one) for one in wanted}
    )
    found: dict[str, str] = {}
    missing = set(meant)
    for path in context.lake.glob(responses(round_.programme, round_.id, "*", "*")):
        parts = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
        table = context.lake.read_table(path, FOUND_BY)
        for text, one in meant.items():
            mask = _in_time(table, one, round_) if isinstance(one, DeviceTime) else _begins(table, one)
            chosen = table.filter(mask)["response_id"].to_pylist()
            found |= dict.fromkeys(chosen, Partition(round_.id, parts["source"], parts["month"]).key)
            missing -= {text} if chosen else set()
    if missing or not meant:
        raise InputError(
            f"no accepted response is meant by {', '.join(sorted(missing)) or 'nothing'}",
            f"round {round_.id}",
            "give response ids, receipt codes, or --device with --from and --to, of answers that were accepted",
        )
    return found


def _prefix(text: str) -> str:
    return text if RESPONSE_ID.fullmatch(text) else response_prefix(text)


def _begins(table: pa.Table, prefix: str) -> pa.ChunkedArray:
    return pc.starts_with(table["response_id"], prefix)


def _in_time(table: pa.Table, wanted: DeviceTime, round_: Round) -> pa.ChunkedArray:
    kind = pa.timestamp("us", "UTC")
    first, last = (pa.scalar(at.replace(tzinfo=round_.zone), kind) for at in (wanted.first, wanted.last))
    within = pc.and_(pc.greater_equal(table["submitted_at"], first), pc.less_equal(table["submitted_at"], last))
    return pc.fill_null(pc.and_(within, pc.equal(table["device_id"], wanted.device_id)), False)


def _ids(context: Context, round_id: str) -> list[str]:
    return [path.split("/")[2] for path in context.lake.glob(exclusion(round_id, "*", PROPOSE))]


def _read(context: Context, round_id: str, exclusion_id: str) -> Exclusion:
    lake, path = context.lake, exclusion(round_id, exclusion_id, PROPOSE)
    known = _ids(context, round_id)
    if exclusion_id not in known:
        remedy = f"there are: {', '.join(known) or 'none'}"
        raise InputError(f"there is no decision {exclusion_id!r}", f"round {round_id}", remedy)
    said = {
        action: Verdict(**lake.read_json(exclusion(round_id, exclusion_id, action)))
        for action in (APPROVE, REJECT)
        if lake.exists(exclusion(round_id, exclusion_id, action))
    }
    sha256 = hashlib.sha256(lake.read_bytes(path)).hexdigest()
    return Exclusion(proposal_of(lake.read_json(path)), sha256, said.get(APPROVE), said.get(REJECT))


def _write(context: Context, round_id: str, exclusion_id: str, action: str, record: Proposal | Verdict) -> None:
    path = exclusion(round_id, exclusion_id, action)
    if context.lake.exists(path):
        raise StateError("this step is recorded already", path, "look at it with `hailong quality exclusions`")
    context.lake.write_json(path, plain(record))
