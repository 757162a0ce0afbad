"""The stages of a round whose input is scores that somebody published: conform them, and sum them up the tree."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from pipelines import estimate
from pipelines.collect.landing import receipts
from pipelines.collect.scores import SCHEMA, ScorePlan, conform_scores
from pipelines.lake import published_scores
from pipelines.methods import load_score_layout
from pipelines.model.errors import StateError
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.sources import source as source_named
from pipelines.stages.context import Context
from pipelines.stages.reports import keep

SCORES = "scores"


def has_published_scores(method: Method) -> bool:
    """Whether a method starts from published scores rather than from responses."""
    return method.input == SCORES


def conform_published(context: Context, round_: Round, method: Method, batch: dict[str, Any], basis: str) -> None:
    """Conform landed score tables."""
    source = str(batch["source"])
    plan = ScorePlan(round_, method, load_score_layout(method))
    config = context.config(round_, source)
    landed = {one.sha256: one for one in receipts(context.lake, round_.id, source)}
    for sha256 in batch["objects"]:
        work = partial(conform_scores, context.lake, plan, source_named(source), config, landed[sha256])
        keep(context, f"{source}~{sha256}", basis, work)


def published_table(context: Context, round_: Round, method: Method) -> pa.Table:
    """Return the score table of a round of published scores: sums, ranks and groups, withheld units left out."""
    leaves = scores_in_force(context, round_)
    if not leaves.num_rows:
        raise StateError(
            f"round {round_.id} has no score of {round_.year}", f"rounds/{round_.id}", "see `hailong status`"
        )
    return estimate.published_scores(leaves, method.tree, round_.year)


def scores_in_force(context: Context, round_: Round) -> pa.Table:
    """Return one score a unit and leaf: tables overlap and are corrected, and the last to land holds.

    A score that one table gives twice stays twice, for the estimate to refuse.
    """
    landed = [one for config in round_.sources for one in receipts(context.lake, round_.id, config.source)]
    found: list[dict[str, Any]] = []
    for one in sorted(landed, key=lambda one: (one.landed_at, one.sha256)):
        path = published_scores(round_.id, one.source, one.sha256)
        rows = context.lake.read_table(path).to_pylist() if context.lake.exists(path) else []
        renewed = {(row["unit_code"], row["node_code"]) for row in rows}
        found = [row for row in found if (row["unit_code"], row["node_code"]) not in renewed] + rows
    return pa.Table.from_pylist(found, SCHEMA)
