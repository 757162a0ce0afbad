"""All of Airflow's partition, asset, retry, deadline and human-in-the-loop interface that the DAGs use, in one place.

The DAG files say what follows what; this package says how Airflow 3.3 expresses it. It computes nothing: a task calls
the stage of the same name.
"""

from orchestration.approval import approval
from orchestration.months import month
from orchestration.partitions import (
    announce_draft,
    announce_months,
    partition,
    when_draft_is_ready,
    when_responses_change,
)
from orchestration.tasks import STARTED_BY, TASK_DEFAULTS, WAREHOUSE_POOL, due_within, stage, text, whole

__all__ = [
    "STARTED_BY",
    "TASK_DEFAULTS",
    "WAREHOUSE_POOL",
    "announce_draft",
    "announce_months",
    "approval",
    "due_within",
    "month",
    "partition",
    "stage",
    "text",
    "when_draft_is_ready",
    "when_responses_change",
    "whole",
]
