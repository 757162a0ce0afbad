"""Screening: which conformed responses of a month count; rows in = accepted + duplicate + rejected.

One record is counted once, whatever the order in which its copies landed: first the latest revision of each record is
found, over all months; it must then belong to the round; last, records that are the same under another identity leave
one. Accepted responses keep the order of the landed objects' hashes, so that the order of arrival is not seen. It must
not judge how good an answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.months import ROW, ROWS_A_BLOCK, month_of, read_blocks
from pipelines.collect.plan import ScreenPlan
from pipelines.collect.rejects import SCHEMA
from pipelines.collect.schema import accepted_schema, response_schema
from pipelines.collect.verdicts import Verdicts
from pipelines.lake import Lake, conformed, receipt, rejects, responses
from pipelines.model.codes import RejectCode
from pipelines.model.run import Partition, StageReport

STAGE = "screen"
LATE = "is_late"


@dataclass(frozen=True)
class Flags:
    """Columns that a caller adds to the accepted responses of a month.

    Args:
        columns: of the responses that `of` needs, no more: they are held for the whole month.
        of: (those columns of all accepted responses) → the same with flags behind them.
    """

    columns: tuple[str, ...]
    of: Callable[[pa.Table], pa.Table]


NO_FLAGS = Flags((), lambda table: table)


def screen_month(lake: Lake, plan: ScreenPlan, source: str, month: str, flags: Flags = NO_FLAGS) -> StageReport:
    """Screen the responses of one source that were submitted in one month (`2023-05`, in the round's zone).

    `flags` may add columns to the accepted responses. Running it again replaces what it wrote, with the same bytes;
    a month without accepted responses gets an empty file.

    Raises:
        AccountError: rows would have been lost; nothing is written then.
    """
    paths = lake.glob(conformed(plan.round.id, source, "*", "*"))
    mine = [path for path in paths if month_of(path) == month]
    others = [path for path in paths if month_of(path) != month]
    report = StageReport(STAGE, Partition(plan.round.id, source, month), inputs=mine)
    target = responses(plan.round.programme, plan.round.id, month, source)
    with TemporaryDirectory() as folder, duckdb.connect(config={"temp_directory": folder}) as connection:
        verdicts = Verdicts(connection, lake, plan, mine, others)
        accepted = _Accepted(lake, plan, mine, verdicts.refused_rows())
        flagged = accepted.flagged(flags)
        report.rows_in, report.accepted = verdicts.rows_in, len(flagged)
        report.duplicate = sum(n for code, n in verdicts.codes.items() if RejectCode[code].is_duplicate)
        report.rejected = sum(verdicts.codes.values()) - report.duplicate
        report.close()
        schema = pa.schema([*accepted_schema(plan.method), *flagged.schema])
        lake.write_tables(target, schema, accepted.tables(flagged, _next_month(month, plan)))
        report.outputs = [target, *_write_refused(lake, report.partition, verdicts)]
    return report


@dataclass(frozen=True)
class _Accepted:
    """The responses of a month but the refused ones, read a block at a time as often as they are asked for."""

    lake: Lake
    plan: ScreenPlan
    paths: list[str]
    refused: np.ndarray

    def flagged(self, flags: Flags) -> pa.Table:
        """Return the flags of all accepted responses, in order."""
        table = pa.concat_tables(self._blocks(flags.columns))
        return flags.of(table).drop_columns(table.column_names)

    def tables(self, flagged: pa.Table, late_from: datetime) -> Iterator[pa.Table]:
        """Yield the responses with all columns and their flags, some at a time."""
        start, schema = 0, accepted_schema(self.plan.method)
        for block in _regrouped(self._blocks(response_schema(self.plan.method).names)):
            late = pc.fill_null(pc.greater_equal(block["received_at"], late_from), False)
            table = block.drop_columns([ROW.name]).append_column(schema.field(LATE), late)
            for name, column in zip(flagged.column_names, flagged.slice(start, len(block)).columns, strict=True):
                table = table.append_column(name, column)
            start += len(block)
            yield table

    def _blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of the responses and the number of each; at least one block, be it empty."""
        blocks = read_blocks(self.lake, self.paths, response_schema(self.plan.method), columns)
        yield blocks.schema.empty_table()
        first = 0
        for block in blocks:
            own = slice(*np.searchsorted(self.refused, (first, first + len(block))))
            stays = np.ones(len(block), dtype=bool)
            stays[self.refused[own] - first] = False
            table = pa.Table.from_batches([block])
            yield table if stays.all() else table.filter(pa.array(stays))
            first += len(block)


def _regrouped(blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows so many at a time: a month of many small files must not become as many row groups."""
    held: list[pa.Table] = []
    for block in blocks:
        held.append(block)
        while sum(map(len, held)) >= ROWS_A_BLOCK:
            table = pa.concat_tables(held)
            yield table.slice(0, ROWS_A_BLOCK)
            held = [table.slice(ROWS_A_BLOCK)]
    yield pa.concat_tables(held)


def _next_month(month: str, plan: ScreenPlan) -> datetime:
    """Return the instant at which the month after one begins."""
    last = date.fromisoformat(f"{month}-28") + timedelta(days=4)
    return datetime.combine(last.replace(day=1), time(), plan.round.zone)


def _refused_tables(reasons: Iterable[pa.RecordBatch], names: dict[str, str]) -> Iterator[pa.Table]:
    """Yield what is turned away as tables of rejects; texts are made once for all rows with the same reason."""
    for found in reasons:
        said = list(zip(*(found[name].to_pylist() for name in ("code", "field", "value")), strict=True))
        texts = {
            (code, field, value): (RejectCode[code].text_vi(field, value), RejectCode[code].text_en(field, value))
            for code, field, value in set(said)
        }
        columns = {name: found[name] for name in found.schema.names} | {
            "stage": pa.repeat(STAGE, len(found)),
            "file": [names[sha256] for sha256 in found["landing_sha256"].to_pylist()],
            "message_vi": [texts[reason][0] for reason in said],
            "message_en": [texts[reason][1] for reason in said],
        }
        yield pa.table({name: columns[name] for name in SCHEMA.names}, SCHEMA)


def _write_refused(lake: Lake, partition: Partition, verdicts: Verdicts) -> list[str]:
    path = rejects(partition.round_id, partition.source, STAGE, partition.month)
    if not verdicts.codes:
        lake.remove(path)
        return []
    names = {
        sha256: str(lake.read_json(receipt(partition.round_id, partition.source, sha256))["name"])
        for sha256 in verdicts.landings()
    }
    lake.write_tables(path, SCHEMA, _refused_tables(verdicts.reasons(), names))
    return [path]
