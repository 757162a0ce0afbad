"""What rounds need every day: data whose time is over goes, ledgers are verified, silence is told, copies are made.

### Does
Removes identity, raw bytes and answers that are past their time, and redacts raw bytes in which an erased person came
in anew; verifies every ledger; raises an alert for each source of an open round that brought nothing for days; loads
accesses and alerts; copies the warehouse.
### Reads
Settings `retention` and `upkeep` of each round, `receipts/`, `ledger/`, `erasures/`, `access/`, `alerts/`.
### Writes
Removes from `landing/`, `conformed/`, `responses/`, `rejects/` and the vault what is due; `alerts/`, `access/`,
`backups/` of the lake; `ops.access` and `ops.alert` of the warehouse.
### Safe to re-run
Yes: what is gone is gone, an alert is opened once, a day has one copy.
### If it fails
`freshness`: the message names the sources that fell silent; ask who runs them. `audit_ledgers`: a file of the ledger
is not as it was; restore it from a back-up and find out who changed it. `retention`: most often the identity file or a
key is missing where the task runs. A `round.yml` that cannot be read fails every task, naming file and line, once the
other rounds are done. The other tasks go on; `whole` fails the run so that it shows.
"""

from airflow.sdk import dag

from orchestration import STARTED_BY, TASK_DEFAULTS, WAREHOUSE_POOL, due_within, stage, text, whole

ROUND = "{{ params.round }}"


@dag(
    dag_id="upkeep",
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=due_within(hours=4),
    params={
        "round": text("Đợt khảo sát · round id; empty: every round"),
        "keep": text("Số bản sao giữ lại · how many copies are kept; empty: HAILONG_BACKUPS"),
    },
    tags=["upkeep"],
    doc_md=__doc__,
)
def upkeep() -> None:
    watched = [stage("retention")(ROUND, STARTED_BY), stage("audit_ledgers")(ROUND), stage("freshness")(ROUND)]
    loaded = stage("load", call="load_upkeep", pool=WAREHOUSE_POOL, trigger_rule="all_done")(ROUND)
    copied = stage("back_up", pool=WAREHOUSE_POOL, trigger_rule="all_done")("{{ params.keep }}")
    watched >> loaded >> copied
    [*watched, loaded, copied] >> whole()


upkeep()
