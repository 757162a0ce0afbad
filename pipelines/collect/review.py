"""What a reviewer's word at the source means for a round: `options.review` of the source, read and checked.

It must not look at records: screening applies it.
"""

from __future__ import annotations

from pipelines.model.errors import InputError
from pipelines.model.response import REVIEW_STATES
from pipelines.model.round import SourceConfig

UNREVIEWED = "unreviewed"
ACCEPT, WAIT, REFUSE = "accept", "wait", "refuse"
DEFAULT = {UNREVIEWED: ACCEPT, "approved": ACCEPT, "on_hold": WAIT, "rejected": REFUSE}


def review_rules(config: SourceConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the states in which a record of this source is refused, and those in which it waits.

    Raises:
        InputError: the option names a state or a decision that there is not.
    """
    said = config.options.get("review", {})
    where = f"round.yml, options.review of source {config.source}"
    if not isinstance(said, dict):
        raise InputError("the review rules are no table", where, "write state: accept, wait or refuse")
    for state, decision in said.items():
        if state not in DEFAULT:
            raise InputError(f"unknown state {state!r}", where, f"use {', '.join((UNREVIEWED, *REVIEW_STATES))}")
        if decision not in (ACCEPT, WAIT, REFUSE):
            raise InputError(f"unknown decision {decision!r} for {state}", where, "use accept, wait or refuse")
    rules = DEFAULT | said
    refused = tuple(sorted(state for state, decision in rules.items() if decision == REFUSE))
    return refused, tuple(sorted(state for state, decision in rules.items() if decision == WAIT))
