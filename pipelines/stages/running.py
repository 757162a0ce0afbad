"""A whole round without Airflow: the same stages in the same order, with the same results.

It must not do anything that a stage does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.model.errors import HailongError, InputError
from pipelines.stages.collecting import (
    collect,
    conform,
    pending_batches,
    screen,
    stale_partitions,
)
from pipelines.stages.context import Context
from pipelines.stages.correcting import stale_corrections
from pipelines.stages.each import together
from pipelines.stages.interpreting import interpret
from pipelines.stages.ledger import record, record_round
from pipelines.stages.loading import load
from pipelines.stages.releasing import check, freeze
from pipelines.stages.replaying import Replayed, plan_replay, replayed, stale_of_round
from pipelines.stages.scoring import estimate, gate_scores, weigh
from pipelines.stages.tallying import gate, tally

Tell = Callable[[str, str], None]
STAGES_OF_A_ROUND = {
    "weigh": weigh,
    "estimate": estimate,
    "gate": gate_scores,
    "interpret": interpret,
    "load": load,
}


def run_round(context: Context, programme: str, round_id: str, person: str, tell: Tell) -> str:
    """Take a round from its sources to a checked draft release; return the release id.

    `tell` hears of each stage and what it worked on. A source that does not answer or cannot be read as it is mapped,
    or a month that its gate stopped, is told at the end as one error; everything else has been done by then, so that
    bad input stops no good input.
    """
    round_ = context.round(round_id)
    if round_.programme != programme:
        raise InputError(
            f"round {round_id} is of programme {round_.programme}, not {programme}",
            f"rounds/{round_id}/round.yml",
            f"run `hailong run {round_.programme} --round {round_id}`",
        )
    stopped = [error for config in round_.sources for error in bring_in(context, config.source, round_id, tell)]
    stopped += stale_corrections(context, round_id)
    try:
        release_id = _draft(context, round_id, person, tell)
    except HailongError as error:
        raise together([*stopped, error]) from error  # what was missing may be why
    if stopped:
        raise together(stopped)
    return release_id


def _draft(context: Context, round_id: str, person: str, tell: Tell) -> str:
    for name, stage in STAGES_OF_A_ROUND.items():
        tell(name, round_id)
        stage(context, round_id)
    tell("freeze", round_id)
    release_id = freeze(context, round_id, person)
    tell("check", release_id)
    check(context, release_id, person)
    return release_id


def bring_in(context: Context, source: str, round_id: str, tell: Tell) -> list[HailongError]:
    """Collect from one source up to its tallies; return the errors that stopped a part of it."""
    stopped: list[HailongError] = []
    tell("collect", source)
    try:
        collect(context, source, round_id)
    except HailongError as error:
        stopped.append(error)
    stopped += conform_all(context, pending_batches(context, source, round_id), tell)
    stopped += bring_to_tallies(context, stale_partitions(context, source, round_id), tell)
    tell("record", source)
    record(context, source, round_id)
    return stopped


def replay(context: Context, round_id: str, chosen: dict[str, str], tell: Tell) -> list[Replayed]:
    """Conform, screen and tally again what was refused, after a fix; return what came of it by source and code.

    Raises:
        InputError: no such round, or a filter (see `plan_replay`) names what there is not.
        HailongError: objects could not be conformed, a gate stopped a month, or a correction is stale; everything else
            has been done by then, and the outcome is in `ops.run`.
    """
    stopped = conform_all(context, plan_replay(context, round_id, chosen), tell)
    stopped += bring_to_tallies(context, stale_of_round(context, round_id), tell)
    stopped += stale_corrections(context, round_id)
    tell("record", round_id)
    record_round(context, round_id)
    outcome = replayed(context, round_id)
    if stopped:
        raise together(stopped)
    return outcome


def conform_all(context: Context, batches: list[dict[str, Any]], tell: Tell) -> list[HailongError]:
    """Conform landed objects, batch by batch; return the errors of those that could not be."""
    stopped: list[HailongError] = []
    for batch in batches:
        tell("conform", f"{batch['source']}, {len(batch['objects'])} objects")
        try:
            conform(context, batch)
        except HailongError as error:
            stopped.append(error)
    return stopped


def bring_to_tallies(context: Context, keys: list[str], tell: Tell) -> list[HailongError]:
    """Screen, check and tally partitions; return the errors of those that were stopped."""
    stopped: list[HailongError] = []
    for key in keys:
        tell("screen, gate, tally", key)
        try:
            tally(context, gate(context, screen(context, key)))
        except HailongError as error:
            stopped.append(error)
    return stopped
