"""How a task calls a stage: name, owner, retries, pool, form fields, deadline, and how a half-failed run ends.

It must not know of partitions or people.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    task,
)

WAREHOUSE_POOL = "warehouse"
STARTED_BY = "{{ dag_run.triggering_user_name or '' }}"

# A source that does not answer and a warehouse that is busy may answer later; bad input, a stopped gate or a refused
# state will not mend itself.
LATER = ["pipelines.model.errors.SourceError", "pipelines.model.errors.WarehouseError"]
RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=LATER, action=RetryAction.RETRY, retry_delay=timedelta(seconds=30)),
        RetryRule(exception="pipelines.model.errors.HailongError", action=RetryAction.FAIL),
    ]
)
TASK_DEFAULTS: dict[str, Any] = {
    "owner": "thong-ke",
    "retries": 2,
    "retry_delay": timedelta(seconds=5),
    "retry_policy": RETRY,
}


def stage(name: str, call: str = "", **options: Any) -> Any:
    """Return a task named after a stage that calls it: `pipelines.stages.<call or name>(context, subject, detail)`."""

    def run(subject: Any, detail: Any = None) -> Any:
        from pipelines import stages

        arguments = (subject,) if detail is None else (subject, detail)
        return getattr(stages, call or name)(stages.open_context(), *arguments)

    run.__name__ = call or name  # which stage it is, for whoever reads the DAG
    return task(task_id=name, **options)(run)


@task(task_id="whole", trigger_rule="one_failed", retries=0)
def whole() -> None:
    """End the run as failed where a part of it failed, although the rest went on and was announced."""
    raise RuntimeError("a part of this run failed, the rest went on: see the tasks in red, mend the cause, run again")


def due_within(**interval: float) -> DeadlineAlert:
    """Return a deadline counted from when the run was queued; a miss shows in the UI and in the triggerer's log."""
    return DeadlineAlert(
        name="deadline",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(**interval),
        callback=AsyncCallback("overdue.tell"),
    )


def text(description: str) -> Param:
    """Return a form field for one line of text, empty by default."""
    return Param("", type="string", description_md=description)
