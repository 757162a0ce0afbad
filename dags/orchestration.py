"""All of Airflow's partition, asset, retry and human-in-the-loop interface that the DAGs use, in one place.

The DAG files say what follows what; this module says how Airflow 3.3 expresses it. It computes nothing: a task calls
the stage of the same name.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import (
    Asset,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    task,
)

from pipelines.methods import list_methods
from pipelines.settings import Settings

WAREHOUSE_POOL = "warehouse"
PROGRAMMES = sorted({programme for programme, _ in list_methods(Settings.from_environment().methods)})
RESPONSES = {name: Asset(name=f"responses/{name}", uri=f"hailong://responses/{name}") for name in PROGRAMMES}
DRAFTS = Asset(name="release/draft", uri="hailong://release/draft")
STARTED_BY = "{{ dag_run.triggering_user_name or '' }}"

# A source that does not answer may answer later; bad input, a stopped gate or a refused state will not mend itself.
RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="pipelines.model.errors.SourceError", action=RetryAction.RETRY, retry_delay=timedelta(seconds=30)
        ),
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

    @task(task_id=name, **options)
    def run(subject: Any, detail: Any = None) -> Any:
        from pipelines import stages

        arguments = (subject,) if detail is None else (subject, detail)
        return getattr(stages, call or name)(stages.open_context(), *arguments)

    return run


def when_responses_change() -> PartitionedAssetTimetable:
    """Run once for each month of a round whose tallies changed; the run's partition key is `round|month`."""
    assets = iter(RESPONSES.values())
    condition: Any = next(assets)
    for asset in assets:
        condition = condition | asset
    return PartitionedAssetTimetable(assets=condition)


def when_draft_is_ready() -> PartitionedAssetTimetable:
    """Run once for each draft release; the run's partition key is the release id."""
    return PartitionedAssetTimetable(assets=DRAFTS)


@task(task_id="announce", outlets=list(RESPONSES.values()), trigger_rule="all_done")
def announce_months(keys: list[str], *, outlet_events: Any) -> None:
    """Tell Airflow which months of which rounds have new tallies."""
    from pipelines import stages

    for programme, round_id, month in stages.months_of(stages.open_context(), keys):
        outlet_events[RESPONSES[programme]].add_partitions([f"{round_id}|{month}"])


@task(task_id="announce", outlets=[DRAFTS])
def announce_draft(release_id: str, *, outlet_events: Any) -> None:
    """Tell Airflow that a checked draft waits for approval."""
    outlet_events[DRAFTS].add_partitions([release_id])


@task(task_id="partition")
def partition(*names: str, dag_run: Any = None) -> dict[str, str]:
    """Return the parts of the run's partition key, or of its form where it was started by hand without a key."""
    values = str(dag_run.partition_key).split("|") if dag_run.partition_key else []
    parts = dict(zip(names, values, strict=False)) or {name: (dag_run.conf or {}).get(name, "") for name in names}
    if not all(parts.values()):
        raise ValueError(f"started without a partition key: give {', '.join(names)} in the form")
    return parts


def text(description: str) -> Param:
    """Return a form field for one line of text, empty by default."""
    return Param("", type="string", description_md=description)


class Approval(HITLOperator):
    """Waits, without a worker and without a time-out, until a person approves or rejects; returns the decision."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Return who decided what, in the words of `stages.decide`."""
        reply = super().execute_complete(context, event)
        user = reply["responded_by_user"] or {}
        return {
            "approves": reply["chosen_options"] == ["Approve"],
            "person": user.get("name") or user.get("id") or "",
            "comment": (reply["params_input"] or {}).get("comment", ""),
        }


def approval(task_id: str, subject: str, body: str) -> Approval:
    """Return the task in which a person approves or rejects, with two buttons and a comment."""
    comment = Param("", type="string", description_md="Ý kiến · comment, kept with the decision")
    return Approval(
        task_id=task_id, subject=subject, body=body, options=["Approve", "Reject"], params={"comment": comment}
    )
