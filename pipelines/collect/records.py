"""Conforming and screening of records that are no answers to a form: dossiers, values of indicators.

A landed table becomes typed columns by its layout; in = accepted + rejected. Screening then keeps of all records of a
source with one key the latest; in = accepted + duplicate + rejected. It must not score anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells, as_mask, clean_text
from pipelines.collect.identity import response_ids
from pipelines.collect.parsing import parse_integers, parse_numbers, parse_times
from pipelines.collect.problems import Problems
from pipelines.collect.rejects import payload_of_record, reject_of, reject_of_fault, reject_table
from pipelines.lake import Lake, conformed_records, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.record import FieldKind, RecordField, RecordLayout
from pipelines.model.round import Mapping as FormMapping
from pipelines.model.round import Round, SourceConfig
from pipelines.model.run import Landed, Partition, Reject, StageReport
from pipelines.model.source import Fault, Source

PLACE = {"landing_sha256": pa.string(), "line": pa.int64()}
TYPES = {
    FieldKind.TEXT: pa.string(),
    FieldKind.UNIT: pa.string(),
    FieldKind.DAY: pa.date32(),
    FieldKind.NUMBER: pa.float64(),
    FieldKind.COUNT: pa.int64(),
    FieldKind.CODE: pa.int64(),
    FieldKind.FLAG: pa.bool_(),
}
UNREAD = {
    FieldKind.TEXT: RejectCode.R203_UNKNOWN_CODE,
    FieldKind.UNIT: RejectCode.R202_UNKNOWN_UNIT,
    FieldKind.DAY: RejectCode.R204_BAD_TIME,
    FieldKind.NUMBER: RejectCode.R207_BAD_NUMBER,
    FieldKind.COUNT: RejectCode.R207_BAD_NUMBER,
    FieldKind.CODE: RejectCode.R203_UNKNOWN_CODE,
    FieldKind.FLAG: RejectCode.R203_UNKNOWN_CODE,
}
FLAGS = {"1": True, "0": False, "true": True, "false": False, "có": True, "không": False, "yes": True, "no": False}
LARGEST = 10**9
PAYLOAD_LIMIT = 4000
Columns = Mapping[str, pa.Array]
Check = Callable[[Columns], Iterable[tuple[str, np.ndarray]]]


def no_check(columns: Columns) -> Iterable[tuple[str, np.ndarray]]:
    """Find nothing out of range."""
    return ()


@dataclass(frozen=True)
class RecordPlan:
    """What conforming needs to know of a round.

    Args:
        round: gives the zone in which days are counted, and the window.
        layout: fields of the records.
        mapping: heading → field; texts of codes; constants; format of times.
        units: every code a unit may be named by → the code to keep.
        members: units of the round; others do not belong to it.
        check: (columns) → fields whose values depend on others, and where they are out of range.
    """

    round: Round
    layout: RecordLayout
    mapping: FormMapping
    units: Mapping[str, str]
    members: frozenset[str]
    check: Check = no_check
    fields: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Turn the mapping round: field → heading."""
        headings = {target: clean_text(heading) for heading, target in self.mapping.headings.items()}
        object.__setattr__(self, "fields", headings)

    @property
    def schema(self) -> pa.Schema:
        """Columns of conformed records: the fields, and where each record stands."""
        return pa.schema([(one.name, TYPES[one.kind]) for one in self.layout.fields] + list(PLACE.items()))

    def cells(self, block: Block, name: str) -> Cells | None:
        """Return the column that fills a field: its heading's, else the constant, else none."""
        if self.fields.get(name) in block.cells:
            return block.cells[self.fields[name]]
        if name in self.mapping.constants:
            return Cells.constant(self.mapping.constants[name], len(block))
        return None

    def knows(self, heading: str) -> bool:
        """Whether a heading is mapped or known to carry nothing we keep."""
        return heading in self.fields.values() or self.mapping.ignores(heading)


def conform_records(lake: Lake, plan: RecordPlan, source: Source, config: SourceConfig, landed: Landed) -> StageReport:
    """Conform one landed table; running it again replaces what it wrote, with the same bytes.

    Raises:
        AccountError: rows would have been lost; nothing is written then.
    """
    report = StageReport("conform", Partition(plan.round.id, source.name), inputs=[landed.path])
    accepted, refused = [plan.schema.empty_table()], []
    with lake.open(landed.path) as stream:
        for part in source.read(stream, landed.name, config):
            if isinstance(part, Fault):
                report.rows_in += 1
                refused.append(reject_of_fault(landed, part, PAYLOAD_LIMIT))
                continue
            report.rows_in += len(part.lines)
            table, wrong = _conform_block(plan, Block.read(part), landed)
            accepted.append(table)
            refused += wrong
    records = pa.concat_tables(accepted)
    report.accepted, report.rejected = records.num_rows, len(refused)
    report.close()
    path = conformed_records(plan.round.id, source.name, landed.sha256)
    reject_path = rejects(plan.round.id, source.name, "conform", landed.sha256)
    lake.write_table(path, records)
    lake.write_table(reject_path, reject_table(refused))
    report.outputs = [path, reject_path]
    return report


def _conform_block(plan: RecordPlan, block: Block, landed: Landed) -> tuple[pa.Table, list[Reject]]:
    problems = Problems(len(block))
    for heading, cells in block.cells.items():
        if not plan.knows(heading):
            problems.add(RejectCode.R103_UNKNOWN_HEADING, heading, cells.is_filled, cells)
    columns = {one.name: _column(plan, one, block, problems) for one in plan.layout.fields}
    for name, outside in plan.check(columns):
        problems.add(RejectCode.R209_OUT_OF_RANGE, plan.fields.get(name, name), outside, plan.cells(block, name))
    if plan.layout.private:
        columns[plan.layout.private] = response_ids(landed.source, landed.instance, columns[plan.layout.private])
    place = {"landing_sha256": pa.repeat(landed.sha256, len(block)), "line": pa.array(block.lines)}
    table = pa.table(columns | place, plan.schema).filter(pa.array(~problems.is_bad))
    hidden = plan.fields.get(plan.layout.private, "")
    known = frozenset(plan.fields.values())
    return table, [
        reject_of(
            landed,
            problems.of_row(row),
            int(block.lines[row]),
            payload_of_record(block, row, known - {hidden}, hidden, PAYLOAD_LIMIT),
            "",
        )
        for row in np.flatnonzero(problems.is_bad).tolist()
    ]


def _column(plan: RecordPlan, one: RecordField, block: Block, problems: Problems) -> pa.Array:
    heading = plan.fields.get(one.name, one.name)
    cells = plan.cells(block, one.name)
    if cells is None:
        if one.required:
            problems.add(RejectCode.R104_MISSING_HEADING, heading, np.ones(len(block), dtype=bool))
        return pa.nulls(len(block), TYPES[one.kind])
    problems.add(RejectCode.R208_BAD_TEXT, heading, cells.broken)
    if one.required:
        problems.add(RejectCode.R201_MISSING_FIELD, heading, ~cells.is_filled)
    values = _values(plan, one, cells).cast(TYPES[one.kind])
    problems.add(UNREAD[one.kind], heading, as_mask(cells.texts.is_valid()) & as_mask(values.is_null()), cells)
    return values


def _values(plan: RecordPlan, one: RecordField, cells: Cells) -> pa.Array:
    """Return a column's values; null where the cell is blank or cannot be read."""
    said = {clean_text(text).lower(): code for text, code in plan.mapping.codes.get(one.name, {}).items()}
    match one.kind:
        case FieldKind.UNIT:
            return cells.translate(dict(plan.units).get, pa.string())
        case FieldKind.DAY:
            zone = plan.mapping.time_zone or plan.round.time_zone
            times = parse_times(cells.texts, zone, plan.mapping.time_format)
            return times.cast(pa.timestamp("us", tz=plan.round.time_zone)).cast(pa.date32())
        case FieldKind.NUMBER:
            return parse_numbers(cells.texts)
        case FieldKind.COUNT:
            return parse_integers(cells.texts, 0, LARGEST)
        case FieldKind.CODE:
            codes = {str(code): code for code in one.codes} | said
            return cells.translate(lambda text: codes.get(clean_text(text).lower()), pa.int64())
        case FieldKind.FLAG:
            flags = FLAGS | {text: bool(code) for text, code in said.items()}
            return cells.translate(lambda text: flags.get(clean_text(text).lower()), pa.bool_())
    words = one.words
    return cells.texts if not words else cells.translate({word: word for word in words}.get, pa.string())
