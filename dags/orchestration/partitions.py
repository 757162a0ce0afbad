"""What the DAGs tell each other: assets whose partitions are a month of a round, or a draft release.

It must not know how a task runs or how a person answers.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, PartitionedAssetTimetable, task

from pipelines.methods import list_methods
from pipelines.settings import Settings

PROGRAMMES = sorted({programme for programme, _ in list_methods(Settings.from_environment().methods)})
RESPONSES = {name: Asset(name=f"responses/{name}", uri=f"hailong://responses/{name}") for name in PROGRAMMES}
DRAFTS = Asset(name="release/draft", uri="hailong://release/draft")


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
    """Tell Airflow which months of which rounds have tallies, also where another month was stopped."""
    from pipelines import stages

    for programme, round_id, month in stages.months_of(stages.open_context(), keys):
        outlet_events[RESPONSES[programme]].add_partitions([f"{round_id}|{month}"])


@task(task_id="announce", outlets=[DRAFTS])
def announce_draft(release_id: str, *, outlet_events: Any) -> None:
    """Tell Airflow that a checked draft waits for approval; one that is decided or published already does not."""
    if release_id:
        outlet_events[DRAFTS].add_partitions([release_id])


def partition(*names: str) -> str:
    """Return a template of the run's partition key, or of these form fields where it was started by hand."""
    fields = ", ".join(f"params.{name}" for name in names)
    return f"{{{{ dag_run.partition_key or [{fields}] | join('|') }}}}"
