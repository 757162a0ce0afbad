"""Rows of the schema `ops` and of the marts that watch a running round: from reports, receipts, rejects, responses.

It must not hold a payload or a raw answer: those stay in the lake.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import rounds
from pipelines.collect.landing import receipts
from pipelines.collect.rejects import read_rejects
from pipelines.lake import conformed, gate_result, responses
from pipelines.model.round import Round
from pipelines.quality.flags import FLAGS
from pipelines.stages.alerts import upkeep_loads
from pipelines.stages.closing import closed_rows
from pipelines.stages.context import Context
from pipelines.stages.correcting import correction_rows
from pipelines.stages.devices import device_rows
from pipelines.stages.quality_report import quality_loads
from pipelines.stages.reference import rows
from pipelines.stages.reports import all_reports
from pipelines.warehouse import Load

Cell = tuple[str, ...]
PLANNED = ("unit_code", "procedure_field", "psu_code", "channel")
CELL = (*PLANNED, "procedure_code")
INDICATORS = ("is_late", *FLAGS, "is_clock_back")


def operation_loads(context: Context, round_: Round) -> list[Load]:
    """Return the loads of what happened in a round so far."""
    key = {"round_id": round_.id}
    return [
        Load("ops.batch", key, rows(_batches(context, round_))),
        Load("ops.run", key, rows(_runs(context, round_))),
        Load("ops.reject", key, _rejects(context, round_)),
        Load("ops.gate", key, rows(_gates(context, round_))),
        *upkeep_loads(context, round_),
        Load("ops.device", key, rows(device_rows(context, round_))),
        Load("ops.closed_month", key, rows(closed_rows(context, round_))),
        Load("ops.correction", key, rows(correction_rows(context, round_))),
    ]


def monitoring_loads(context: Context, round_: Round) -> list[Load]:
    """Return the loads that show a round's progress against its plan, its coverage and the quality of its answers."""
    key = {"round_id": round_.id}
    accepted = response_cells(context, responses(round_.programme, round_.id, "*", "*"))
    received = response_cells(context, conformed(round_.id, "*", "*", "*"))
    return [
        Load("mart.sample_progress", key, rows(_progress(context, round_, received, accepted))),
        Load("mart.procedure_coverage", key, rows(coverage_rows(context, round_, accepted))),
        Load("mart.response_quality", key, rows(_quality(context, round_))),
        *quality_loads(context, round_),
    ]


def _batches(context: Context, round_: Round) -> list[dict[str, Any]]:
    return [
        {
            "round_id": round_.id,
            "source": config.source,
            "landing_sha256": landed.sha256,
            "name": landed.name,
            "size": landed.size,
            "landed_at": datetime.fromisoformat(landed.landed_at),
        }
        for config in round_.sources
        for landed in receipts(context.lake, round_.id, config.source)
    ]


def _runs(context: Context, round_: Round) -> list[dict[str, Any]]:
    """What the stages did; but not the load, which is done when these rows are in and would join them a run late."""
    return [
        {
            "round_id": round_.id,
            "stage": report["stage"],
            "partition_key": report["key"],
            **{name: report[name] for name in ("rows_in", "accepted", "duplicate", "rejected", "seconds")},
            "finished_at": datetime.fromisoformat(report["finished_at"]),
            "messages": "\n".join(report["messages"]),
        }
        for report in all_reports(context.lake, round_.id)
        if report["stage"] != "load"
    ]


def _rejects(context: Context, round_: Round) -> pa.Table:
    columns = ("source", "stage", "landing_sha256", "line", "field", "code", "file", "message_vi", "message_en")
    table = read_rejects(context.lake, round_.id).select(list(columns))
    return table.append_column("round_id", pa.array([round_.id] * table.num_rows, pa.string()))


def _gates(context: Context, round_: Round) -> list[dict[str, Any]]:
    found = []
    for path in context.lake.glob(gate_result(round_.id, "*", "*")):
        result = context.lake.read_json(path)
        position: Counter[str] = Counter()
        for check in result["checks"]:
            position[check["suite"]] += 1
            found.append(
                {
                    "round_id": round_.id,
                    "gate": result["gate"],
                    "partition_key": result["partition_key"],
                    "suite": check["suite"],
                    "position_in_suite": position[check["suite"]],
                    "expectation": check["expectation"],
                    "column_name": check["column"],
                    "severity": check["severity"],
                    "passed": check["passed"],
                    "unexpected_count": check["unexpected_count"],
                    "observed": check["observed"],
                    "message_vi": check["message_vi"],
                    "message_en": check["message_en"],
                }
            )
    return found


def response_cells(context: Context, pattern: str) -> Counter[Cell]:
    """Count the different responses of some files by cell."""
    parts = [context.lake.read_table(path, ["response_id", *CELL]) for path in context.lake.glob(pattern)]
    if not parts:
        return Counter()
    counted = pa.concat_tables(parts).group_by(list(CELL)).aggregate([("response_id", "count_distinct")])
    cells = zip(*(counted[name].to_pylist() for name in CELL), strict=True)
    return Counter(
        {
            tuple(value or "" for value in cell): count
            for cell, count in zip(cells, counted["response_id_count_distinct"].to_pylist(), strict=True)
        }
    )


def _progress(
    context: Context, round_: Round, received: Counter[Cell], accepted: Counter[Cell]
) -> list[dict[str, Any]]:
    """Planned, received and valid answers by cell of the plan; an answer that no cell foresees makes its own."""
    plan = rounds.load_plan(context.lake, round_).to_pylist()
    used = [name for name in PLANNED if any(row[name] for row in plan)] or ["unit_code"]
    place = [CELL.index(name) for name in used]
    counts: dict[str, Counter[Cell]] = {"planned": Counter(), "received": Counter(), "valid": Counter()}
    for row in plan:
        counts["planned"][tuple(row[name] or "" for name in used)] += row["planned"]
    for name, cells in (("received", received), ("valid", accepted)):
        for cell, count in cells.items():
            counts[name][tuple(cell[at] for at in place)] += count
    empty = {"round_id": round_.id} | dict.fromkeys(PLANNED, "")
    return [
        empty | dict(zip(used, cell, strict=True)) | {name: counts[name][cell] for name in counts}
        for cell in sorted(set().union(*counts.values()))
    ]


def coverage_rows(context: Context, round_: Round, accepted: Counter[Cell]) -> list[dict[str, Any]]:
    """Return how many valid answers there are about each procedure of the frame."""
    counted: Counter[tuple[str, str]] = Counter()
    for cell, count in accepted.items():
        counted[cell[CELL.index("unit_code")], cell[CELL.index("procedure_code")]] += count
    return [
        {
            "round_id": round_.id,
            "unit_code": row["unit_code"],
            "procedure_code": row["procedure_code"],
            "procedure_field": row["procedure_field"] or "",
            "population": row["population"],
            "answers": counted[row["unit_code"], row["procedure_code"]],
        }
        for row in rounds.load_frame(context.lake, round_).to_pylist()
        if row["procedure_code"]
    ]


def _quality(context: Context, round_: Round) -> list[dict[str, Any]]:
    found = []
    for report in all_reports(context.lake, round_.id):
        if report["stage"] != "screen":
            continue
        place = {"round_id": round_.id, "source": report["partition"]["source"], "month": report["partition"]["month"]}
        for indicator in ("accepted", "duplicate", "rejected"):
            found.append(place | {"indicator": indicator, "responses": report[indicator], "total": report["rows_in"]})
        path = responses(round_.programme, round_.id, place["month"], place["source"])
        if not context.lake.exists(path):  # records that are no responses carry no flags
            continue
        flags = context.lake.read_table(path, list(INDICATORS))
        for name in flags.column_names:  # months screened before a flag was introduced do not have it
            judged = len(flags) - flags[name].null_count
            found.append(place | {"indicator": name, "responses": pc.sum(flags[name]).as_py() or 0, "total": judged})
    return found
