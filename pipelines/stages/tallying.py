"""The stages between a screened month and its additive totals: gate and tally. One partition a call, safe to repeat.

It must not estimate: that needs the whole round.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import estimate
from pipelines.lake import docs, gate_result, responses, stale, tallies
from pipelines.model.errors import StateError
from pipelines.model.instrument import Question, Role
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.model.run import Partition, StageReport
from pipelines.quality.answers import answer_profile, coded_columns, permitted_answers
from pipelines.quality.gates import GateResult, Subject, run_gate
from pipelines.quality.suites import read_suite
from pipelines.stages.closing import revise_closed
from pipelines.stages.context import Context
from pipelines.stages.reports import keep

ROWS_A_BATCH = 131_072


def gate(context: Context, key: str) -> str:
    """Check one month's responses with Great Expectations; return the partition's key.

    Raises:
        GateError: a critical expectation failed, or one could not be evaluated. The month's former tally stays.
    """
    partition = context.partition(key)
    round_ = context.round(partition.round_id)
    method = context.method(round_)
    headers, answers = (
        read_suite(context.settings.project / "expectations" / f"{name}.json") for name in ("responses", "answers")
    )
    window = {
        "window_from": datetime.combine(round_.window_from, time(), round_.zone),
        "window_to": datetime.combine(round_.window_to + timedelta(days=1), time(), round_.zone),
    }
    with context.lake.open(screened_path(context, round_, partition)) as stream:
        file = pq.ParquetFile(stream)
        table = file.read(sorted(headers.columns))  # passes over columns that are not there: the gate names them
        profile = answer_profile(file, coded_columns(method.instruments), method.items)
    permitted = {"permitted_answers": permitted_answers(method.instruments)}
    result = run_gate(
        [Subject(table, headers, window), Subject(profile, answers, permitted, shown_with="responses")],
        context.lake.full(docs(key)) if context.lake.is_local else None,
        f"responses {key}",
    )
    keep_gate(context, partition, "responses", result)
    result.raise_if_stopped()
    return key


def tally(context: Context, key: str) -> str:
    """Add up one month's responses; return the partition's key. The mark of a stale month goes at the end."""
    partition = context.partition(key)
    round_ = context.round(partition.round_id)
    spec = tally_spec(round_, context.method(round_))
    lake, path = context.lake, screened_path(context, round_, partition)

    def work() -> StageReport:
        with lake.open(path) as stream:
            batches = pq.ParquetFile(stream).iter_batches(ROWS_A_BATCH, columns=list(spec.columns))
            counted = estimate.tally(batches, spec)
        overall = counted.filter(pa.compute.equal(counted["breakdown"], ""))
        rows = sum(overall["n"].to_pylist())
        target = tallies(round_.programme, round_.id, partition.month, partition.source)
        lake.write_table(target, counted)
        report = StageReport("tally", partition, rows_in=rows, accepted=rows, inputs=[path], outputs=[target])
        report.messages += revise_closed(context, round_, partition)
        return report

    keep(context, f"{partition.source}~{partition.month}", round_.sha256, work)
    lake.remove(stale(round_.id, partition.source, partition.month))
    return key


def tally_spec(round_: Round, method: Method) -> estimate.TallySpec:
    """Say what is counted for a round: items under every measure, and the options of every coded question."""
    return estimate.TallySpec(
        items=method.items,
        measures={measure.name: measure.points for measure in method.measures},
        options={column: codes for question in counted_questions(method) for column, codes in options_of(question)},
        nodes=estimate.inner_nodes(method.tree),
        strata=round_.design.strata,
        psu=round_.design.psu,
        breakdowns=method.breakdowns,
    )


def counted_questions(method: Method) -> list[Question]:
    """Return the coded questions of all forms of a method, each code once: items, perceptions and needs."""
    found: dict[str, Question] = {}
    for instrument in method.instruments:
        for question in instrument.coded:
            if question.role in (Role.ITEM, Role.PERCEPTION, Role.NEED):
                found.setdefault(question.code, question)
    return list(found.values())


def options_of(question: Question) -> list[tuple[str, tuple[int, ...]]]:
    """Return the columns of a question with the codes each may hold."""
    codes = tuple(sorted(question.code_list.codes)) if question.code_list else ()
    if len(question.columns) > 1:
        return [(column, (0, 1)) for column in question.columns]
    return [(question.code, codes)]


def screened_path(context: Context, round_: Round, partition: Partition) -> str:
    """Return where a partition's accepted responses lie; a StateError where it is not screened yet."""
    path = responses(round_.programme, round_.id, partition.month, partition.source)
    if not context.lake.exists(path):
        raise StateError("the month has no screened responses", partition.key, f"run `hailong screen {partition.key}`")
    return path


def keep_gate(context: Context, partition: Partition, gate_name: str, result: GateResult) -> None:
    """Keep what a gate found, passed or not."""
    record: dict[str, Any] = {"gate": gate_name, "partition_key": partition.key} | asdict(result)
    context.lake.write_json(gate_result(partition.round_id, gate_name, partition.key), record)
