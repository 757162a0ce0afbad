"""The verbs of the pipeline, joined in order: every stage as a function of a context and what it works on.

The command line and the DAGs call these and nothing else; siblings of the package meet only here.
"""

from pipelines.stages.collecting import collect, conform, months_of, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context, open_context
from pipelines.stages.loading import load, load_month
from pipelines.stages.overview import Overview, account_lines, reject_lines, release_overview, rounds
from pipelines.stages.releasing import (
    check,
    decide,
    freeze,
    latest_releases,
    publish,
    summarise,
    verify_release,
)
from pipelines.stages.running import run_round
from pipelines.stages.scoring import estimate, gate_scores, weigh
from pipelines.stages.simulating import simulate
from pipelines.stages.tallying import gate, tally

__all__ = [
    "Context",
    "Overview",
    "account_lines",
    "check",
    "collect",
    "conform",
    "decide",
    "estimate",
    "freeze",
    "gate",
    "gate_scores",
    "latest_releases",
    "load",
    "load_month",
    "months_of",
    "open_context",
    "pending_batches",
    "publish",
    "reject_lines",
    "release_overview",
    "rounds",
    "run_round",
    "screen",
    "simulate",
    "stale_partitions",
    "summarise",
    "tally",
    "verify_release",
    "weigh",
]
