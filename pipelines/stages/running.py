"""A whole round without Airflow: the same stages in the same order, with the same results.

It must not do anything that a stage does not.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.model.errors import GateError, InputError, SourceError
from pipelines.stages.collecting import (
    collect,
    conform,
    pending_batches,
    screen,
    stale_partitions,
)
from pipelines.stages.context import Context
from pipelines.stages.interpreting import interpret
from pipelines.stages.ledger import record
from pipelines.stages.loading import load
from pipelines.stages.releasing import check, freeze
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

    `tell` hears of each stage and what it worked on. A source that does not answer or a month that its gate stopped
    is told at the end as one error; everything else has been done by then, so that bad input stops no good input.
    """
    round_ = context.round(round_id)
    if round_.programme != programme:
        raise InputError(
            f"round {round_id} is of programme {round_.programme}, not {programme}",
            f"rounds/{round_id}/round.yml",
            f"run `hailong run {round_.programme} --round {round_id}`",
        )
    stopped = [error for config in round_.sources for error in bring_in(context, config.source, round_id, tell)]
    for name, stage in STAGES_OF_A_ROUND.items():
        tell(name, round_id)
        stage(context, round_id)
    tell("freeze", round_id)
    release_id = freeze(context, round_id, person)
    tell("check", release_id)
    check(context, release_id, person)
    if stopped:
        raise stopped[0]
    return release_id


def bring_in(context: Context, source: str, round_id: str, tell: Tell) -> list[SourceError | GateError]:
    """Collect from one source up to its tallies; return the errors that stopped a part of it."""
    stopped: list[SourceError | GateError] = []
    tell("collect", source)
    try:
        collect(context, source, round_id)
    except SourceError as error:
        stopped.append(error)
    for batch in pending_batches(context, source, round_id):
        tell("conform", f"{source}, {len(batch['objects'])} objects")
        conform(context, batch)
    for key in stale_partitions(context, source, round_id):
        tell("screen, gate, tally", key)
        try:
            tally(context, gate(context, screen(context, key)))
        except GateError as error:
            stopped.append(error)
    tell("record", source)
    record(context, source, round_id)
    return stopped
