"""A checked draft becomes public, once a second person says so.

### Does
Shows what would be published, waits for a person's decision, records it and publishes.
### Reads
The draft's folder under `releases/` and its row in `ops.release`.
### Writes
`ops.decision`, `ops.release`, `releases/latest.json`, the released rows behind the schema `published`.
### Safe to re-run
Yes: a decision already recorded is not recorded again, a published release stays as it is.
### If it fails
`decide`: who froze the draft cannot approve it, or its files changed since: let another person clear `approve` and
answer, or freeze anew. No time-out ever approves; after two weeks a deadline reminds.
"""

from airflow.sdk import dag

from orchestration import (
    TASK_DEFAULTS,
    WAREHOUSE_POOL,
    approval,
    due_within,
    partition,
    stage,
    text,
    when_draft_is_ready,
)


@dag(
    dag_id="release",
    schedule=when_draft_is_ready(),
    catchup=False,
    max_active_runs=8,
    default_args=TASK_DEFAULTS,
    deadline=due_within(days=14),
    params={"release": text("Bản phát hành · release id, when started by hand")},
    tags=["release"],
    doc_md=__doc__,
)
def release() -> None:
    release_id = partition("release")
    summary = stage("summarise")(release_id)
    approve = approval(
        task_id="approve",
        subject=f"Phát hành · publish {release_id}?",
        body="{{ ti.xcom_pull('summarise') }}",
    )
    summary >> approve
    decided = stage("decide", pool=WAREHOUSE_POOL)(release_id, approve.output)
    stage("publish", pool=WAREHOUSE_POOL)(decided)


release()
