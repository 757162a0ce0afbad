"""The stage that loads: a round's scores, counts, progress and operations, in one transaction of the warehouse."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from pipelines.lake import result, run_report
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.model.run import Partition, StageReport
from pipelines.stages.context import Context
from pipelines.stages.interpreting import interpretation_loads
from pipelines.stages.operations import monitoring_loads, operation_loads
from pipelines.stages.reference import geography_loads, round_loads
from pipelines.stages.reports import keep
from pipelines.stages.scoring import score_tables
from pipelines.warehouse import Load, read, replace

PROVISIONAL, FINAL = "provisional", "final"
BRINGS_IN = ("conform", "screen", "tally")


def load_month(context: Context, key: str) -> None:
    """Load what is known of a round after one of its months changed: progress, quality, provisional scores.

    A month's own tallies are made already; adding those of all months up costs no reading of responses. Where the
    warehouse holds the results of these very answers, because another month's run was faster or the round is final,
    nothing is to be done. `key` is `round|month`.

    Raises:
        InputError: the key is not of that form.
    """
    round_id, _, month = key.partition("|")
    if not (round_id and month):
        raise InputError(f"no month of a round is named: {key!r}", "monthly", "give round and month in the form")
    round_ = context.unsealed(round_id)
    answers = answers_sha256(context, round_)
    if _held(context, round_id) == answers:
        return
    scores, counts = score_tables(context, round_)

    def work() -> StageReport:
        loads = [
            *round_loads(context, round_, context.method(round_)),
            *monitoring_loads(context, round_),
            *result_loads(round_id, scores, counts, PROVISIONAL, answers),
            *operation_loads(context, round_),
        ]
        return _replace(context, Partition(round_id, "", month), loads)

    keep(context, month, round_.sha256, work)


def load(context: Context, round_id: str) -> str:
    """Load the final results of a round, with everything they refer to; return the round.

    Raises:
        StateError: the round is not interpreted yet.
    """
    round_ = context.unsealed(round_id)

    def work() -> StageReport:
        scores = context.lake.read_table(result(round_id, "index_score"))
        counts = context.lake.read_table(result(round_id, "answer_count"))
        loads = [
            *geography_loads(),
            *round_loads(context, round_, context.method(round_)),
            *monitoring_loads(context, round_),
            *result_loads(round_id, scores, counts, FINAL, answers_sha256(context, round_)),
            *interpretation_loads(context, round_),
            *operation_loads(context, round_),
        ]
        return _replace(context, Partition(round_id), loads)

    keep(context, round_id, round_.sha256, work)
    return round_id


def result_loads(round_id: str, scores: pa.Table, counts: pa.Table, status: str, answers: str) -> list[Load]:
    """Return the loads of scores and answer counts, labelled with how final they are, and of what they rest on."""
    scores = scores.append_column("status", pa.array([status] * scores.num_rows, pa.string()))
    key = {"round_id": round_id}
    held = pa.Table.from_pylist([key | {"answers_sha256": answers}])
    return [Load("mart.index_score", key, scores), Load("mart.answer_count", key, counts), Load("ops.load", key, held)]


def answers_sha256(context: Context, round_: Round) -> str:
    """Return a hash that changes with the round, its method and every run of a stage that brings answers in."""
    digest = hashlib.sha256(f"{round_.sha256} {context.method(round_).sha256}".encode())
    for stage in BRINGS_IN:
        for path in context.lake.glob(run_report(round_.id, stage, "*")):
            digest.update(context.lake.read_bytes(path))
    return digest.hexdigest()


def _held(context: Context, round_id: str) -> str:
    with context.warehouse() as engine:
        rows = read(engine, context.catalogue["ops.load"], {"round_id": round_id})
    return rows["answers_sha256"][0].as_py() if rows.num_rows else ""


def _replace(context: Context, partition: Partition, loads: list[Load]) -> StageReport:
    with context.warehouse() as engine:
        replace(engine, context.catalogue, loads)
    rows = sum(load.rows.num_rows for load in loads)
    return StageReport("load", partition, rows, rows, outputs=[load.table for load in loads])
