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
    paths = context.lake.glob(published_scores(round_.id, "*", "*"))
    leaves = pa.concat_tables([SCHEMA.empty_table(), *(context.lake.read_table(path) for path in paths)])
    if not leaves.num_rows:
        raise StateError(
            f"round {round_.id} has no score of {round_.year}", f"rounds/{round_.id}", "see `hailong status`"
        )
    return estimate.published_scores(leaves, method.tree, round_.year)
