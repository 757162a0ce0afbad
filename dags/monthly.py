"""What is known of a round so far, month by month: progress against plan, quality, provisional scores.

### Does
After a month's tallies changed, recomputes the round's provisional scores and loads progress, procedure coverage,
response quality and operations into the warehouse.
### Reads
`tallies/`, `responses/`, `rejects/`, `runs/` of the lake; the round's frame and plan.
### Writes
`mart.*` (status `provisional`) and `ops.*` of the warehouse, in one transaction.
### Safe to re-run
Yes: the partition is replaced by the same rows.
### If it fails
Look at the message of `load`; most often another process holds the DuckDB file: close it and clear the task.
"""

from airflow.sdk import dag

from orchestration import TASK_DEFAULTS, WAREHOUSE_POOL, due_within, partition, stage, text, when_responses_change


@dag(
    dag_id="monthly",
    schedule=when_responses_change(),
    catchup=False,
    max_active_runs=2,
    default_args=TASK_DEFAULTS,
    deadline=due_within(hours=2),
    params={
        "round": text("Đợt khảo sát · round id, when started by hand"),
        "month": text("Tháng · month as YYYY-MM, when started by hand"),
    },
    tags=["monthly"],
    doc_md=__doc__,
)
def monthly() -> None:
    stage("load", call="load_month", pool=WAREHOUSE_POOL)(partition("round", "month"))


monthly()
