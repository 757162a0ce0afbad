"""Conforming of published scores: a landed table becomes one score a unit and leaf; in = accepted + rejected.

A blank is a score that was withheld, and so is 0, which the publisher writes for it; it stays null. It must not sum,
rank or fill in anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.collect.problems import Problem
from pipelines.collect.rejects import reject_of, reject_of_fault, reject_table
from pipelines.lake import Lake, published_scores, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.method import Method
from pipelines.model.round import Round, SourceConfig
from pipelines.model.run import Landed, Partition, Reject, StageReport
from pipelines.model.score_layout import ScoreLayout
from pipelines.model.source import Fault, Source

SCHEMA = pa.schema([("unit_code", pa.string()), ("node_code", pa.string()), ("score", pa.float64())])
PAYLOAD_LIMIT = 4000
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class ScorePlan:
    """Which scores belong to the round and what their headings mean."""

    round: Round
    method: Method
    layout: ScoreLayout


def conform_scores(lake: Lake, plan: ScorePlan, source: Source, config: SourceConfig, landed: Landed) -> StageReport:
    """Conform one landed score table; rows of other years are rejected as outside the round."""
    report = StageReport("conform", Partition(plan.round.id, source.name), inputs=[landed.path])
    nodes = plan.layout.nodes(plan.method.tree, plan.round.year)
    scores: list[dict[str, str | float | None]] = []
    refused: list[Reject] = []
    with lake.open(landed.path) as stream:
        for part in _rows(source, stream, landed, config):
            report.rows_in += 1
            if isinstance(part, Fault):
                refused.append(reject_of_fault(landed, part, PAYLOAD_LIMIT))
                continue
            line, row = part
            problems = list(_problems(plan, row, nodes))
            if problems:
                payload = json.dumps(row, ensure_ascii=False)[:PAYLOAD_LIMIT]
                refused.append(reject_of(landed, problems, line, payload, ""))
                continue
            report.accepted += 1
            unit = plan.layout.units[str(row[plan.layout.unit])]
            scores += [{"unit_code": unit, "node_code": node, "score": _score(row[h])} for h, node in nodes.items()]
    report.rejected = len(refused)
    report.close()
    path, reject_path = _paths(plan, landed)
    lake.write_table(path, pa.Table.from_pylist(scores, SCHEMA))
    lake.write_table(reject_path, reject_table(refused))
    report.outputs = [path, reject_path]
    return report


def _paths(plan: ScorePlan, landed: Landed) -> tuple[str, str]:
    return (
        published_scores(plan.round.id, landed.source, landed.sha256),
        rejects(plan.round.id, landed.source, "conform", landed.sha256),
    )


def _rows(source: Source, stream: object, landed: Landed, config: SourceConfig) -> Iterator[Fault | tuple[int, Row]]:
    for part in source.read(stream, landed.name, config):  # type: ignore[arg-type]
        if isinstance(part, Fault):
            yield part
            continue
        for position, line in enumerate(part.lines):
            yield line, {heading: cells[position] for heading, cells in part.columns.items()}


def _problems(plan: ScorePlan, row: Row, nodes: Mapping[str, str]) -> Iterator[Problem]:
    layout = plan.layout
    for heading in (layout.unit, layout.year, *nodes):
        if heading not in row:
            yield Problem(RejectCode.R104_MISSING_HEADING, heading, "")
    known = {layout.unit, layout.year, *layout.leaves, *layout.ignore}
    for heading in row.keys() - known:
        if row[heading]:
            yield Problem(RejectCode.R103_UNKNOWN_HEADING, heading, str(row[heading]))
    unit, year = row.get(layout.unit) or "", row.get(layout.year) or ""
    if unit not in layout.units:
        yield Problem(RejectCode.R202_UNKNOWN_UNIT, layout.unit, unit)
    if year != str(plan.round.year):
        yield Problem(RejectCode.R301_OUTSIDE_WINDOW, layout.year, year)
        return
    for heading, code in nodes.items():
        yield from _score_problems(plan.method, heading, code, row.get(heading))


def _score_problems(method: Method, heading: str, code: str, text: str | None) -> Iterator[Problem]:
    try:
        score = _score(text)
    except ValueError:
        yield Problem(RejectCode.R207_BAD_NUMBER, heading, str(text))
        return
    node = method.nodes[code]
    low, high = node.minimum, node.maximum
    if score is not None and ((low is not None and score < low) or (high is not None and score > high)):
        yield Problem(RejectCode.R209_OUT_OF_RANGE, heading, f"{text} ({low} – {high})")


def _score(text: str | None) -> float | None:
    """Return a score; blank and 0 mean that it was withheld."""
    return (float(text) or None) if text else None
