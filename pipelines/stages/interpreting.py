"""The stage that interprets a result: change, importance, progress against the plan, channels compared, new units.

Each becomes a table of its own in `results/`, which the warehouse is loaded from and a release is frozen from. What a
round gives no ground for is left out, and the report says why. It must not change a score.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from pipelines import rounds
from pipelines.lake import result, run_report
from pipelines.model.errors import InputError, StateError
from pipelines.model.round import Round
from pipelines.model.run import Partition, StageReport
from pipelines.stages.context import Context
from pipelines.stages.mode_effect import mode_effect_table
from pipelines.stages.reading import change, drivers, is_compared, plan_table, targets
from pipelines.stages.reports import keep
from pipelines.stages.restating import restated_scores
from pipelines.stages.scoring import RESPONSES
from pipelines.warehouse import Load

Tables = dict[str, pa.Table]
RESTATED = "restated_score"
TABLES = ("change", "share_change", "driver", "plan_progress", "mode_effect", RESTATED)
STAGE = "interpret"


def interpret(context: Context, round_id: str) -> str:
    """Write what follows from the scores of a round to `results/`, a table each (`TABLES`); return the round.

    Raises:
        StateError: the round is not weighed and estimated yet.
    """
    round_ = context.round(round_id)

    def work() -> StageReport:
        tables: Tables = {}
        remarks = []
        for interpretation in (_changes, _importance, _progress, _channels, _new_units):
            found, remark = interpretation(context, round_)
            tables |= found
            remarks += [remark] if remark else []
        paths = [_keep(context, round_id, name, tables.get(name)) for name in TABLES]
        rows = sum(table.num_rows for table in tables.values())
        written = [path for path in paths if context.lake.exists(path)]
        return StageReport(STAGE, Partition(round_id), rows, rows, outputs=written, messages=remarks)

    keep(context, round_id, round_.sha256, work)
    return round_id


def remarks(context: Context, round_id: str) -> list[str]:
    """Return what the last interpretation of a round left out, and why.

    Raises:
        StateError: the round is not interpreted yet.
    """
    path = run_report(round_id, STAGE, round_id)
    if not context.lake.exists(path):
        raise StateError(f"round {round_id} is not interpreted yet", path, f"run `hailong interpret {round_id}` first")
    return list(context.lake.read_json(path)["messages"])


def interpretation_loads(context: Context, round_: Round) -> list[Load]:
    """Return the loads of a round's action plan and of what `interpret` found.

    Raises:
        StateError: the round is not interpreted yet.
    """
    remarks(context, round_.id)
    key, method = {"round_id": round_.id}, context.method(round_)
    plans = {"ref.owner": rounds.load_owners, "ref.target": rounds.load_targets}
    found = {name: plan_table(read(context.lake, round_, method)) for name, read in plans.items()}
    found |= {f"mart.{name}": interpretation(context, round_.id, name) for name in TABLES}
    return [Load(name, key, _of_round(table, round_.id)) for name, table in found.items()]


def interpretation(context: Context, round_id: str, name: str) -> pa.Table:
    """Return one of `TABLES` as `interpret` left it; without rows where there was no ground for it."""
    path = result(round_id, name)
    return context.lake.read_table(path) if context.lake.exists(path) else pa.table({})


def _keep(context: Context, round_id: str, name: str, table: pa.Table | None) -> str:
    """Write a table in the place of the former one; what there is no ground for any more goes."""
    path = result(round_id, name)
    if table is not None and table.num_rows:
        context.lake.write_table(path, table)
    elif context.lake.exists(path):
        context.lake.remove(path)
    return path


def _changes(context: Context, round_: Round) -> tuple[Tables, str]:
    if not round_.previous:
        return {}, "không nêu đợt trước (previous), không so sánh · no round before is named (previous): no change"
    if not is_compared(context, round_):
        before = round_.previous
        return {}, f"đợt trước {before} chưa ước lượng, không so sánh · round {before} is not estimated: no change"
    found = change(context, round_.id)
    return {"change": found.scores, "share_change": found.shares}, ""


def _importance(context: Context, round_: Round) -> tuple[Tables, str]:
    if context.method(round_).input != RESPONSES:
        return {}, "phương pháp không dùng phiếu, không xét mức quan trọng · no responses: no importance of factors"
    return {"driver": drivers(context, round_.id)}, ""


def _progress(context: Context, round_: Round) -> tuple[Tables, str]:
    found = targets(context, round_.id)
    if not found.num_rows:
        return {}, "không có chỉ tiêu (targets.csv), không xét tiến độ · no targets.csv: no progress"
    return {"plan_progress": found}, ""


def _channels(context: Context, round_: Round) -> tuple[Tables, str]:
    found = mode_effect_table(context, round_) if context.method(round_).input == RESPONSES else pa.table({})
    if not found.num_rows:
        return {}, "không có hai kênh để so sánh · no two channels to compare"
    return {"mode_effect": found}, ""


def _new_units(context: Context, round_: Round) -> tuple[Tables, str]:
    """A round is restated on the day that its settings name, else on that of the last `restate`, anew."""
    day = _day_of_units(context, round_)
    if day is None:
        return {}, "không đặt reading.units_at, giữ đơn vị của đợt · reading.units_at is not set: units as they were"
    return {RESTATED: restated_scores(context, round_, day)}, ""


def _day_of_units(context: Context, round_: Round) -> date | None:
    if named := context.thresholds(round_)["reading"]["units_at"]:
        try:
            return date.fromisoformat(named)
        except ValueError:
            where = f"{round_.folder}/round.yml: settings.reading.units_at"
            raise InputError(f"there is no day {named}", where, "write a day such as 2025-07-01") from None
    last = interpretation(context, round_.id, RESTATED)
    return last["units_at"][0].as_py() if last.num_rows else None


def _of_round(table: pa.Table, round_id: str) -> pa.Table:
    if "round_id" in table.column_names or not table.column_names:
        return table
    return table.append_column("round_id", pa.array([round_id] * table.num_rows, pa.string()))
