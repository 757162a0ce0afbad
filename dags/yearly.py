"""A round from its tallies to a checked draft release.

### Does
Weighs, estimates the whole index tree with standard errors, checks the scores, interprets them (change since the
round before, what moves satisfaction, progress against targets, channels compared, old units on new ones), loads all of
it, freezes a draft release and checks it. One run, one round; start it when the round is closed, or earlier to see a
draft. What a round gives no ground for, such as a change without a round before, is left out; the report says why.
### Reads
`tallies/` and `responses/` of the round, its frame, plan, units, targets and leads; the results of the round before.
### Writes
`results/` of the lake, `mart.*` (status `final`), `ops.*`, a folder under `releases/`; asset `release/draft`.
### Safe to re-run
Yes: the same tallies give the same scores, and a draft of the same content is found again, not made twice.
### If it fails
`gate`: a score breaks a critical expectation; see Data Docs. `freeze`, `check`: the message names the file.
"""

from airflow.sdk import dag

from orchestration import STARTED_BY, TASK_DEFAULTS, WAREHOUSE_POOL, announce_draft, due_within, stage, text


@dag(
    dag_id="yearly",
    schedule=None,
    catchup=False,
    max_active_runs=4,
    default_args=TASK_DEFAULTS,
    deadline=due_within(hours=6),
    params={"round": text("Đợt khảo sát · round id")},
    tags=["yearly"],
    doc_md=__doc__,
)
def yearly() -> None:
    scored = stage("estimate")(stage("weigh")("{{ params.round }}"))
    interpreted = stage("interpret")(stage("gate", call="gate_scores")(scored))
    loaded = stage("load", pool=WAREHOUSE_POOL)(interpreted)
    draft = stage("freeze", pool=WAREHOUSE_POOL)(loaded, STARTED_BY)
    announce_draft(stage("check", pool=WAREHOUSE_POOL)(draft, STARTED_BY))


yearly()
