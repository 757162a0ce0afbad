"""Replay: what was refused goes through conforming and screening again after a fix, and what came of it is told.

A fix is a changed mapping, method, frame or correction. What was refused before is kept until the outcome is told, so
that a replay broken off can be run again without forgetting a row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.collect.landing import receipts
from pipelines.collect.rejects import read_rejects
from pipelines.lake import replay_before, run_report
from pipelines.model.codes import RejectCode
from pipelines.model.run import Partition, StageReport
from pipelines.stages.collecting import in_batches, stale_partitions
from pipelines.stages.context import Context
from pipelines.stages.correcting import stale_corrections
from pipelines.stages.rejected import Chosen, chosen_rejects
from pipelines.stages.reports import keep

STAGE = "replay"
PLACE = ("source", "landing_sha256", "line")
COLUMNS = ("stage", "landing_sha256", "line", "code")
Place = tuple[str, str, int | None]


@dataclass(frozen=True)
class Replayed:
    """What came of the rows that had one code: `mended` are refused no more, `other` now for another reason."""

    source: str
    code: str
    before: int
    mended: int
    other: dict[str, int]

    @property
    def still(self) -> int:
        """Rows refused for the same reason as before."""
        return self.before - self.mended - sum(self.other.values())

    def __str__(self) -> str:
        """Return one line for a log."""
        others = "".join(f", {count} now {code}" for code, count in self.other.items())
        return f"{self.source} {self.code}: {self.before} rows, {self.mended} mended, {self.still} as before{others}"


def plan_replay(context: Context, round_id: str, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Note what was refused and return the landed objects that hold it, in batches to be conformed again.

    `chosen` restricts it by `source`, `stage`, `code` and `month`. Duplicates are left alone unless a code names them:
    no fix makes an answer count twice.

    Raises:
        InputError: no such round, or a filter names what there is not.
    """
    table = chosen_rejects(context, round_id, Chosen(**chosen), COLUMNS).drop_columns(["month", "stage"])
    if not chosen.get("code"):
        wanted = [not RejectCode[code].is_duplicate for code in table["code"].to_pylist()]
        table = table.filter(pa.array(wanted, pa.bool_()))
    path = replay_before(round_id)
    if table.num_rows == 0 and not context.lake.exists(path):
        return []
    if context.lake.exists(path):  # a replay that was broken off: its rows are told of together with these
        table = pa.concat_tables([context.lake.read_table(path), table]).group_by(table.schema.names).aggregate([])
    context.lake.write_table(path, table)
    objects = set(zip(table["source"].to_pylist(), table["landing_sha256"].to_pylist(), strict=True))
    return [
        batch
        for source in sorted({source for source, _ in objects})
        for batch in in_batches(
            (source, round_id, one)
            for one in receipts(context.lake, round_id, source)
            if (source, one.sha256) in objects and one.path
        )
    ]


def stale_of_round(context: Context, round_id: str) -> list[str]:
    """Return keys of the partitions of all sources of a round that are to be screened, checked and tallied again."""
    sources = [config.source for config in context.round(round_id).sources]
    return [key for source in sources for key in stale_partitions(context, source, round_id)]


def replayed(context: Context, round_id: str) -> list[Replayed]:
    """Compare what is refused now with what the replay began with, keep the report and return it by code.

    Nothing where no replay was under way.
    """
    path = replay_before(context.round(round_id).id)
    if not context.lake.exists(path):
        return []
    outcome = list(_outcomes(context.lake.read_table(path), read_rejects(context.lake, round_id, columns=COLUMNS)))
    number = len(context.lake.glob(run_report(round_id, STAGE, "*"))) + 1
    keep(context, f"{number:04d}", context.round(round_id).sha256, lambda: _report(round_id, outcome))
    context.lake.remove(path)
    return outcome


def replay_lines(context: Context, round_id: str) -> list[str]:
    """Tell the outcome of a replay, one line a source and code; it is kept before a stale correction is complained of.

    Raises:
        GateError: a correction of the round does not fit any more.
    """
    lines = [str(one) for one in replayed(context, round_id)]
    if stale := stale_corrections(context, round_id):
        raise stale[0]
    return lines


def _outcomes(before: pa.Table, after: pa.Table) -> Iterator[Replayed]:
    now: dict[Place, list[str]] = defaultdict(list)
    for place, code in _by_place(after):
        now[place].append(code)
    rows: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for place, code in _by_place(before):
        rows[place[0], code].append(now.get(place, []))
    for (source, code), found in sorted(rows.items()):
        other = Counter(codes[0] for codes in found if codes and code not in codes)
        yield Replayed(source, code, len(found), sum(not codes for codes in found), dict(sorted(other.items())))


def _by_place(table: pa.Table) -> Iterator[tuple[Place, str]]:
    """Yield (source, object, line) and code of every row."""
    columns = [table[name].to_pylist() for name in (*PLACE, "code")]
    for source, sha256, line, code in zip(*columns, strict=True):
        yield (source, sha256, line), code


def _report(round_id: str, outcome: list[Replayed]) -> StageReport:
    duplicate = sum(_duplicates(one) for one in outcome)
    report = StageReport(STAGE, Partition(round_id), sum(one.before for one in outcome), duplicate=duplicate)
    report.accepted = sum(one.mended for one in outcome)
    report.rejected = report.rows_in - report.accepted - duplicate
    report.messages = [str(one) for one in outcome]
    return report


def _duplicates(one: Replayed) -> int:
    same = one.still if RejectCode[one.code].is_duplicate else 0
    return same + sum(count for code, count in one.other.items() if RejectCode[code].is_duplicate)
