"""Keeps what each stage did: timed, its account closed, written to the lake where `ops` takes it from.

It must not decide what to do next beyond saying whether a stage's inputs are the ones it last saw.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pipelines.lake import Lake, run_report
from pipelines.model.run import StageReport
from pipelines.stages.context import Context


def keep(context: Context, key: str, basis: str, work: Callable[[], StageReport]) -> StageReport:
    """Do the work of one stage on one partition and write its report; `basis` is what the result depends on."""
    report = timed(work)
    write_report(context, key, basis, report)
    return report


def timed(work: Callable[[], StageReport]) -> StageReport:
    """Do the work of a stage; return its closed account with the seconds it took."""
    started = time.perf_counter()
    report = work().close()
    report.seconds = time.perf_counter() - started
    return report


def write_report(context: Context, key: str, basis: str, report: StageReport) -> None:
    """Write the report of a stage; from now on the partition counts as done on this basis."""
    record = report.as_dict() | {"key": key, "basis": basis, "finished_at": context.now().isoformat(timespec="seconds")}
    context.lake.write_json(run_report(report.partition.round_id, report.stage, key), record)


def is_current(lake: Lake, round_id: str, stage: str, key: str, basis: str) -> bool:
    """Whether the stage has run on this partition with exactly this basis."""
    path = run_report(round_id, stage, key)
    return lake.exists(path) and lake.read_json(path)["basis"] == basis


def all_reports(lake: Lake, round_id: str) -> list[dict[str, Any]]:
    """Return every report of a round, by stage and key."""
    return [lake.read_json(path) for path in lake.glob(run_report(round_id, "*", "*"))]
