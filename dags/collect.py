"""One DAG a source: land its bytes, conform and screen them, pass the gate, tally; made from the registry of sources.

### Does
Fetches what a source has that we have not, lands the bytes by hash, turns them into responses, removes duplicates,
checks each month's batch with Great Expectations and adds it up. Adding a connector adds a DAG.
### Reads
The source (inbox folder or portal) as each round's `round.yml` says; earlier landings of the round.
### Writes
`landing/`, `receipts/`, `conformed/`, `rejects/`, `responses/`, `tallies/` and `runs/` of the lake; asset
`responses/<programme>`, one partition a round and month.
### Safe to re-run
Yes: bytes land once by hash, and every stage replaces its own partition with the same content.
### If it fails
`collect`: the source did not answer, or a round's folder cannot be read (the message names file and line); what had
landed and the other rounds go on, and the next run fetches the rest. `gate`: a critical
expectation failed; the month keeps its former tally until the cause is mended, the other months go on: see Data Docs
(Browse → Data Docs) and `hailong status`. `whole` fails a run of which any part failed, so that it shows.
"""

from airflow.sdk import dag, get_parsing_context

from orchestration import TASK_DEFAULTS, announce_months, due_within, month, stage, text, whole
from pipelines.sources import sources

ROUND = "{{ params.round }}"


def build(source: str) -> None:
    """Declare the DAG of one source."""

    @dag(
        dag_id=f"collect__{source}",
        schedule="@daily",
        catchup=False,
        max_active_runs=1,
        default_args=TASK_DEFAULTS,
        deadline=due_within(hours=4),
        params={"round": text("Đợt khảo sát · round id; empty: every round that this source serves")},
        tags=["collect", source],
        doc_md=__doc__,
    )
    def collect() -> None:
        collected = stage("collect")(source, ROUND)
        batches = stage("plan", call="pending_batches", trigger_rule="all_done")(source, ROUND)
        conformed = stage("conform").expand(subject=batches)
        keys = stage("partitions", call="stale_partitions", trigger_rule="all_done")(source, ROUND)
        months, announced = month.expand(key=keys), announce_months(keys)
        recorded = stage("record", trigger_rule="all_done")(source, ROUND)
        collected >> batches
        conformed >> keys
        months >> recorded >> announced
        [collected, conformed, months, recorded, announced] >> whole()

    collect()


wanted = get_parsing_context().dag_id  # a task that starts needs its own DAG alone
for name in sources():
    if wanted in (None, f"collect__{name}"):
        build(name)
