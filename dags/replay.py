"""What was refused goes through conforming and screening again, after a fix.

### Does
Conforms the landed objects that hold refused rows again, screens, checks and tallies the months they touch, and tells
how many rows of each code are refused no more. Start it by hand after a fix of mapping, method, frame or corrections.
### Reads
`rejects/` of the round, filtered by source and code; the landed bytes; the round's folder as it is now.
### Writes
`conformed/`, `rejects/`, `responses/`, `tallies/`, `ledger/` and `runs/` (the outcome as report of stage `replay`) of
the lake; asset `responses/<programme>`, one partition a round and month.
### Safe to re-run
Yes: without a fix it leaves the same bytes; broken off, the next run tells of the rows of both.
### If it fails
`plan`: a filter names what there is not. `conform`: the fix itself is wrong; the message names file and line. `gate`: a
critical expectation failed; the month keeps its former tally. `replayed`: a correction is stale; everything else is
done. `whole` fails a run of which any part failed.
"""

from airflow.sdk import dag

from orchestration import TASK_DEFAULTS, announce_months, due_within, month, stage, text, whole

ROUND = "{{ params.round }}"
CHOSEN = {"source": "{{ params.source }}", "code": "{{ params.code }}"}


@dag(
    dag_id="replay",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=due_within(hours=4),
    params={
        "round": text("Đợt khảo sát · round id"),
        "source": text("Nguồn · source; empty: all"),
        "code": text("Mã lý do · code of the rejects, or how codes begin; empty: all but duplicates"),
    },
    tags=["replay"],
    doc_md=__doc__,
)
def replay() -> None:
    batches = stage("plan", call="plan_replay")(ROUND, CHOSEN)
    conformed = stage("conform").expand(subject=batches)
    keys = stage("partitions", call="stale_of_round", trigger_rule="all_done")(ROUND)
    months, announced = month.expand(key=keys), announce_months(keys)
    recorded = stage("record", call="record_round", trigger_rule="all_done")(ROUND)
    outcome = stage("replayed", call="replay_lines", trigger_rule="all_done")(ROUND)
    conformed >> keys
    months >> recorded >> [announced, outcome]
    [batches, conformed, months, recorded, announced, outcome] >> whole()


replay()
