"""The stages that read a result: change since the round before, what moves satisfaction, progress against the plan.

They read results of rounds and, for importance, the responses of one; it must not change a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import rounds
from pipelines.estimate.change import changes
from pipelines.estimate.driver_moments import DriverSpec, driver_moments
from pipelines.estimate.drivers import SCHEMA as DRIVERS
from pipelines.estimate.drivers import drivers as importance
from pipelines.estimate.drivers import factors_of
from pipelines.estimate.targets import Standing, judge
from pipelines.lake import responses, result
from pipelines.methods.comparability import node_breaks, question_breaks, same_measures
from pipelines.model.errors import InputError, StateError
from pipelines.model.instrument import Role
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.stages.context import Context
from pipelines.stages.restating import EXACT, move_of, restated_scores
from pipelines.stages.scoring import RESPONSES, rollups
from pipelines.stages.tallying import ROWS_A_BATCH, counted_questions, tally_spec

if TYPE_CHECKING:
    import pandas as pd  # for signatures alone: importing it takes longer than many a stage

OTHER_EXTENT = "unit_of_another_extent"
OVERALL_QUESTION = "overall_question"  # the rule that names the question on satisfaction as a whole
SCORE_KEY = ("measure", "unit_code", "node_code")
SHARE_KEY = ("unit_code", "question_code", "answer_code")


@dataclass(frozen=True)
class Changes:
    """What changed since the round before: scores of nodes, and shares of answers on perceptions and needs."""

    scores: pa.Table
    shares: pa.Table


@dataclass(frozen=True)
class _Pair:
    """A round, the one it is compared with, and their methods."""

    now: Round
    before: Round
    method: Method
    method_before: Method


def change(context: Context, round_id: str, against: str = "") -> Changes:
    """Return the change of every whole unit since the round before (`against`, else the one that the round names).

    Where units changed in between, the round before is restated on the units of this one; a unit whose extent is
    another all the same, and a node or question whose meaning is another, has a row with the reason and no change.

    Raises:
        InputError: there is no round to compare with.
        StateError: one of the rounds is not estimated yet.
    """
    now = context.round(round_id)
    if not (against or now.previous):
        remedy = "write previous: <round> into round.yml, or say --against ROUND"
        raise InputError(f"round {round_id} names no round before", f"{now.folder}/round.yml", remedy)
    before = context.round(against or now.previous)
    pair = _Pair(now, before, context.method(now), context.method(before))
    scores, shares = _read(context, now, "index_score"), _read(context, now, "answer_count")
    old_scores, units = _comparable_scores(context, pair, scores)
    old_shares = _read(context, before, "answer_count")
    settings = context.thresholds(now)
    options = {"level": settings["confidence_level"], "rule_percent": settings["reading"]["change_percent"]}
    nodes = node_breaks(pair.method, now.year, pair.method_before, before.year)
    questions = question_breaks(pair.method, now.year, pair.method_before, before.year)
    measures = [measure.name for measure in same_measures(pair.method, pair.method_before)]
    old_scores = old_scores[old_scores.measure.isin(measures)]
    breaks = {"node_code": nodes, "unit_code": units}
    found = changes(_figures(scores, "score"), _figures(old_scores, "score"), SCORE_KEY, breaks, **options)
    new_shares, old_shares = (_share_figures(table, pair.method) for table in (shares, old_shares))
    breaks = {"question_code": questions, "unit_code": units}
    of_shares = changes(new_shares, old_shares, SHARE_KEY, breaks, **options)
    return Changes(*(_of_pair(table, pair) for table in (found, of_shares.drop_columns(["rank_change"]))))


def is_compared(context: Context, round_: Round) -> bool:
    """Whether the round names one before it, and that one is estimated."""
    return bool(round_.previous) and context.lake.exists(result(round_.previous, "index_score"))


def parts_before(context: Context, now: Round, before: Round) -> dict[str, set[str]]:
    """Return unit → units of the round before that went into it; a unit that stayed itself is not there."""
    surveyed = set(_read(context, before, "index_score").unit_code) & set(_own_units(context, before))
    move, parts = move_of(context, before, surveyed, now.window_to), dict[str, set[str]]()
    for code, target in move.targets.items():
        parts.setdefault(target, set()).add(code)
    return {} if move.changes_nothing else parts


def drivers(context: Context, round_id: str) -> pa.Table:
    """Return importance and performance of every factor of a survey, under every measure; none for other rounds.

    Raises:
        StateError: the round is not weighed and estimated yet.
    """
    round_ = context.round(round_id)
    method = context.method(round_)
    if method.input != RESPONSES:
        return _of_round(DRIVERS.empty_table(), round_id)
    spec = tally_spec(round_, method)
    cell, weights = _weights(context, round_)
    scores = _read(context, round_, "index_score")
    least = context.thresholds(round_)["reliability"]["min_n"]
    outcome = str(method.rule(OVERALL_QUESTION)) if OVERALL_QUESTION in method.rules else ""
    found = []
    for measure in spec.measures:
        asked = DriverSpec(spec, factors_of(method.tree), measure, cell, outcome)
        moments = driver_moments(_responses(context, round_, asked), asked, weights)
        own = scores[(scores.measure == measure) & (scores.breakdown == "")]
        performance = dict(zip(zip(own.unit_code, own.node_code, strict=True), own.score, strict=True))
        found.append(importance(moments.rolled_up(rollups(context, round_)), method.tree, performance, least))
    return _of_round(pa.concat_tables([DRIVERS.empty_table(), *found]), round_id)


def targets(context: Context, round_id: str) -> pa.Table:
    """Return the progress of every target of a round's action plan, with who leads; no plan: no rows.

    Raises:
        StateError: the round is not estimated yet.
    """
    round_ = context.round(round_id)
    method = context.method(round_)
    wanted = plan_table(rounds.load_targets(context.lake, round_, method)).to_pylist()
    if not wanted:
        return pa.table({})
    owners = _owners(context, round_, method)
    standings = _standings(context, round_, method)
    every = _own_units(context, round_)
    found = []
    for row in wanted:
        for unit in [row["unit_code"]] if row["unit_code"] else every:
            if not row["unit_code"] and _has_own(wanted, row, unit):
                continue
            node = row["node_code"]
            judged = judge(row["goal"], row["target"], standings.get((unit, node), Standing()))
            owner = owners.get((unit, node)) or owners.get(("", node)) or {"owner_vi": "", "owner_en": ""}
            found.append({"round_id": round_id} | row | owner | {"unit_code": unit} | vars(judged))
    return pa.Table.from_pylist(found)


def plan_table(table: pa.Table) -> pa.Table:
    """Return an action plan with empty text instead of null, as its keys need."""
    for name in table.column_names:
        if pa.types.is_string(table.schema.field(name).type):
            table = table.set_column(table.schema.get_field_index(name), name, pc.fill_null(table[name], ""))
    return table


def _owners(context: Context, round_: Round, method: Method) -> dict[tuple[str, str], dict[str, str]]:
    rows = plan_table(rounds.load_owners(context.lake, round_, method)).to_pylist()
    return {
        (row["unit_code"], row["node_code"]): {name: row[name] for name in ("owner_vi", "owner_en")} for row in rows
    }


def _own_units(context: Context, round_: Round) -> list[str]:
    """Return the units that the round evaluates, without those above them."""
    units = rounds.load_units(context.lake, round_).to_pylist()
    return [row["unit_code"] for row in units if row["level"] == round_.unit_level]


def _has_own(wanted: list[dict[str, Any]], row: Mapping[str, Any], unit: str) -> bool:
    """Whether a target for every unit gives way to one for this unit."""
    same = (unit, row["node_code"], row["goal"])
    return any((one["unit_code"], one["node_code"], one["goal"]) == same for one in wanted)


def _standings(context: Context, round_: Round, method: Method) -> dict[tuple[str, str], Standing]:
    """Return (unit, node) → its result under the default measure, and what it was in the round before."""
    default = next(measure.name for measure in method.measures if measure.is_default)
    scores = _read(context, round_, "index_score")
    scores = scores[(scores.measure == default) & (scores.breakdown == "") & (scores.flag != "suppress")]
    before: dict[tuple[str, str], dict[str, Any]] = {}
    if is_compared(context, round_):
        changed = change(context, round_.id).scores.to_pylist()
        before = {(row["unit_code"], row["node_code"]): row for row in changed if row["measure"] == default}
    found = {}
    for row in scores.astype(object).where(scores.notna(), None).to_dict("records"):
        key = (row["unit_code"], row["node_code"])
        old = before.get(key, {})
        places = old.get("rank_change")
        found[key] = Standing(
            score=row["score"],
            ci=None if row["ci_low"] is None else (row["ci_low"], row["ci_high"]),
            rank=row["rank"],
            rank_ci=None if row["rank_low"] is None else (row["rank_low"], row["rank_high"]),
            previous_score=old.get("previous_figure"),
            previous_rank=None if places is None or row["rank"] is None else row["rank"] + places,
        )
    return found


def _comparable_scores(context: Context, pair: _Pair, scores: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the scores of the round before in the units of this one, and the units of another extent."""
    old = _read(context, pair.before, "index_score")
    surveyed = set(old.unit_code) & set(_own_units(context, pair.before))
    move = move_of(context, pair.before, surveyed, pair.now.window_to)
    if move.changes_nothing:
        return old, {}
    others = {unit: OTHER_EXTENT for unit in scores.unit_code if move.fits.get(unit, EXACT) != EXACT}
    if pair.method_before.input == RESPONSES:
        return restated_scores(context, pair.before, pair.now.window_to).to_pandas(), others
    moved = {code for unit, target in move.targets.items() if unit != target for code in (unit, target)}
    return old, others | dict.fromkeys(moved, OTHER_EXTENT)


def _read(context: Context, round_: Round, name: str) -> pd.DataFrame:
    path = result(round_.id, name)
    if not context.lake.exists(path):
        raise StateError(f"round {round_.id} is not estimated yet", path, f"run `hailong estimate {round_.id}` first")
    return context.lake.read_table(path).to_pandas()


def _weights(context: Context, round_: Round) -> tuple[tuple[str, ...], dict[tuple[str, ...], float]]:
    """Return the columns of the cells that the round is weighed by, and the weight of each cell."""
    path = result(round_.id, "weight")
    if not context.lake.exists(path):
        raise StateError(f"round {round_.id} is not weighed yet", path, f"run `hailong weigh {round_.id}` first")
    table = context.lake.read_table(path)
    columns = tuple(name for name in table.column_names if name not in ("n", "weight"))
    keys = zip(*(table[name].to_pylist() for name in columns), strict=True)
    return columns, dict(zip(keys, table["weight"].to_pylist(), strict=True))


def _figures(scores: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the rows of whole units as `changes` reads them."""
    whole = scores[scores.breakdown == ""].rename(columns={figure: "figure"})
    return whole[[*SCORE_KEY, "figure", "se", "df", "rank", "flag"]]


def _share_figures(shares: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Return the shares of whole units for questions on perceptions and needs; items are in the scores already."""
    roles = (Role.PERCEPTION, Role.NEED)
    asked = [column for one in counted_questions(method) if one.role in roles for column in (one.code, *one.columns)]
    whole = shares[(shares.breakdown == "") & shares.question_code.isin(asked)].rename(columns={"share": "figure"})
    whole = whole.assign(df=float("inf"), rank=float("nan"), flag="")
    return whole[[*SHARE_KEY, "figure", "se", "df", "rank", "flag"]]


def _responses(context: Context, round_: Round, spec: DriverSpec) -> Iterator[pa.RecordBatch]:
    for path in context.lake.glob(responses(round_.programme, round_.id, "*", "*")):
        with context.lake.open(path) as stream:
            yield from pq.ParquetFile(stream).iter_batches(ROWS_A_BATCH, columns=list(spec.columns))


def _of_pair(table: pa.Table, pair: _Pair) -> pa.Table:
    table = table.append_column("previous_round_id", pa.array([pair.before.id] * table.num_rows, pa.string()))
    return _of_round(table, pair.now.id)


def _of_round(table: pa.Table, round_id: str) -> pa.Table:
    return table.append_column("round_id", pa.array([round_id] * table.num_rows, pa.string()))
