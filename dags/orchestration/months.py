"""One month of a source on its way from conformed responses to tallies, as every DAG that changes responses goes it."""

from __future__ import annotations

from airflow.sdk import task_group

from orchestration.tasks import stage


@task_group(group_id="month")
def month(key: str) -> None:
    """Screen, check and tally one partition; a month that its gate stops keeps its former tally."""
    by_key = {"map_index_template": "{{ task.op_kwargs['subject'] }}"}
    tally, gate, screen = stage("tally", **by_key), stage("gate", **by_key), stage("screen", **by_key)
    tally(subject=gate(subject=screen(subject=key)))
