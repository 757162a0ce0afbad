"""The stage that puts an old round on the units of another day: from its tallies and its frame, with their weights.

The original result stays as it is. It must not average published scores: a round without tallies cannot be restated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import estimate as statistics
from pipelines import geography
from pipelines.estimate.restate import restated
from pipelines.lake import result
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.model.run import Partition, StageReport
from pipelines.model.unit import UNIT_LEVELS, Change
from pipelines.stages.context import Context
from pipelines.stages.reports import keep
from pipelines.stages.scoring import (
    RESPONSES,
    basis,
    labelled,
    merged_tally,
    score_options,
    stratum_population,
)
from pipelines.stages.tallying import tally_spec
from pipelines.stages.weighting import weighted_tally
from pipelines.warehouse import Load, replace

EXACT, APPROXIMATE, PARTIAL = "exact", "approximate", "partial"
DEFAULT_TARGET, PROVINCE = "default_target", "province"
HELD_BACK = "split:"  # before the code of a divided unit that counts in its province alone


@dataclass(frozen=True)
class Move:
    """Unit before → unit that its responses go to, and how well each unit after is covered by them."""

    targets: dict[str, str] = field(default_factory=dict)
    fits: dict[str, str] = field(default_factory=dict)

    @property
    def changes_nothing(self) -> bool:
        """Whether every unit is still itself, with the same extent and code."""
        return all(code == target for code, target in self.targets.items()) and set(self.fits.values()) <= {EXACT}


def restate(context: Context, round_id: str, at: date) -> str:
    """Write and load the scores of a round on the units of a day (`mart.restated_score`); return the round.

    Raises:
        InputError: the day is before the round's end, or the round has published scores only.
    """
    round_ = context.round(round_id)

    def work() -> StageReport:
        table = restated_scores(context, round_, at)
        path = result(round_id, "restated_score")
        context.lake.write_table(path, table)
        with context.warehouse() as engine:
            replace(engine, context.catalogue, [Load("mart.restated_score", {"round_id": round_id}, table)])
        return StageReport("restate", Partition(round_id), table.num_rows, table.num_rows, outputs=[path])

    keep(context, at.isoformat(), round_.sha256, work)
    return round_id


def restated_scores(context: Context, round_: Round, at: date) -> pa.Table:
    """Return the score table of a round on the units of a day, with `units_at`, `restatement` and `status`."""
    method = context.method(round_)
    if method.input != RESPONSES:
        remedy = "compare each vintage by itself: scores alone have no weights to add them up with"
        raise InputError(f"round {round_.id} has no responses to add up", round_.folder, remedy)
    spec = tally_spec(round_, method)
    population = stratum_population(context, round_)
    merged, spec = weighted_tally(context, round_, spec) or (merged_tally(context, round_, spec), spec)
    before = set(merged[spec.unit].to_pylist()) | set(population[spec.unit].to_pylist() if population else ())
    move = move_of(context, round_, before, at)
    moved = restated(merged, spec, population, move.targets)
    scores = statistics.index_scores(
        moved.tally,
        moved.spec,
        method.tree,
        population=moved.population,
        rollups=_rollups(round_, move, at),
        options=score_options(context, round_),
    )
    held_back = pc.starts_with(scores["unit_code"], HELD_BACK)
    return _dated(labelled(scores.filter(pc.invert(held_back)), round_, method, basis(round_)), move, at)


def move_of(context: Context, round_: Round, units: Collection[str], at: date) -> Move:
    """Return where the units of a round go on the list of a day.

    A unit of no official level (an office, an agency) stays itself; so does one that is gone without a successor.
    """
    if at < round_.window_to:
        remedy = "name a day from the end of the round on"
        raise InputError(f"{at} is before the round ended ({round_.window_to})", round_.folder, remedy)
    if round_.unit_level not in UNIT_LEVELS:
        return Move({code: code for code in units}, dict.fromkeys(units, EXACT))
    rule = context.thresholds(round_)["reading"]["split_units"]
    move = Move()
    for code in sorted(units):
        after = geography.successors(code, round_.unit_level, round_.window_to, at)
        is_split = len(after) > 1
        move.targets[code] = after[0].code if after else code
        if is_split and rule != DEFAULT_TARGET:
            move.targets[code] = f"{HELD_BACK}{code}"
        for target in after:
            move.fits[target.code] = _fit(target.code, target.level, round_, units, at)
    provinces = {_province(code, round_) for code in units}
    for province in provinces:
        after = geography.successors(province, PROVINCE, round_.window_to, at)
        move.fits[after[0].code] = _fit(after[0].code, PROVINCE, round_, provinces, at)
    return move


def _province(code: str, round_: Round) -> str:
    """Return the province of a unit at the end of the round."""
    unit = geography.unit(code, round_.unit_level, round_.window_to)
    return (unit, *geography.ancestors(unit, round_.window_to))[-1].code


def _fit(code: str, level: str, round_: Round, units: Collection[str], at: date) -> str:
    """Return how well a unit is covered: all its parts whole, a divided one among them, or one not surveyed."""
    parts = geography.predecessors(code, level, round_.window_to, at)
    if any(part.code not in units for part in parts):
        return PARTIAL
    return APPROXIMATE if any(part.kind is Change.SPLIT for part in parts) else EXACT


def _rollups(round_: Round, move: Move, at: date) -> dict[str, tuple[str, ...]]:
    """Return the provinces of a day with the units of the restated round in them."""
    if round_.rollup is None or round_.unit_level not in UNIT_LEVELS:
        return {}
    below: dict[str, set[str]] = {}
    for code, target in move.targets.items():
        above = geography.successors(_province(code, round_), PROVINCE, round_.window_to, at)[0].code
        below.setdefault(above, set()).add(target)
    return {parent: tuple(sorted(units)) for parent, units in sorted(below.items())}


def _dated(scores: pa.Table, move: Move, at: date) -> pa.Table:
    """Return the rows with the day of the list and the fit of each unit."""
    fits = [move.fits.get(code, EXACT) for code in scores["unit_code"].to_pylist()]
    constants: dict[str, Any] = {"units_at": pa.scalar(at), "status": pa.scalar("final")}
    for name, value in constants.items():
        scores = scores.append_column(name, pa.repeat(value, scores.num_rows))
    return scores.append_column("restatement", pa.array(fits, pa.string()))
