"""What an estimate of a round starts from: its merged tally, its frame, the units above, the settings.

It must not estimate.
"""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from pipelines import estimate as statistics
from pipelines import rounds
from pipelines.lake import responses, tallies
from pipelines.model.errors import StateError
from pipelines.model.round import Rollup, Round
from pipelines.stages.context import Context

PROBABILITY, SELF_SELECTED = "probability", "self_selected"


def merged_tally(context: Context, round_: Round, spec: statistics.TallySpec) -> pa.Table:
    """Return the tallies of all months and sources of a round, added up."""
    paths = context.lake.glob(tallies(round_.programme, round_.id, "*", "*"))
    if not paths:
        raise StateError(
            f"round {round_.id} has no tally yet",
            responses(round_.programme, round_.id, "*", "*"),
            "collect first, or see `hailong status` for what was rejected",
        )
    return statistics.merge((context.lake.read_table(path) for path in paths), spec)


def stratum_population(context: Context, round_: Round) -> pa.Table | None:
    """Return people or dossiers (and PSUs) of the frame by stratum; None where the round has no frame."""
    frame = rounds.load_frame(context.lake, round_)
    if frame.num_rows == 0:
        return None
    keys = ["unit_code", *round_.design.strata]
    grouped = frame.group_by(keys).aggregate([("population", "sum"), ("psu_code", "count_distinct")])
    columns = {name: grouped[name] for name in keys} | {"population": grouped["population_sum"]}
    if round_.design.is_clustered:
        columns["psu_population"] = grouped["psu_code_count_distinct"]
    return pa.table(columns)


def rollups(context: Context, round_: Round) -> dict[str, tuple[str, ...]]:
    """Return the units above those of the round that are to have a score: code → units below."""
    if round_.rollup is None:
        return {}
    below: dict[str, list[str]] = defaultdict(list)
    for unit in rounds.load_units(context.lake, round_).to_pylist():
        if unit["parent_code"] and unit["level"] == round_.unit_level:
            below[unit["parent_code"]].append(unit["unit_code"])
    return {parent: tuple(sorted(units)) for parent, units in sorted(below.items())}


def score_options(context: Context, round_: Round) -> statistics.ScoreOptions:
    """Return the settings of an estimation as the round and the thresholds give them."""
    thresholds = context.thresholds(round_)
    return statistics.ScoreOptions(
        level=thresholds["confidence_level"],
        interval=thresholds["interval"],
        thresholds=thresholds["reliability"],
        finite_population=round_.design.finite_population,
        rollup=round_.rollup or Rollup.POOLED,
        probability_sample=basis(round_) == PROBABILITY,
        breakdown_min_n=thresholds["breakdown_min_n"],
    )


def basis(round_: Round) -> str:
    """Return what intervals rest on: one self-selected source makes the whole round no probability sample."""
    return SELF_SELECTED if any(config.self_selected for config in round_.sources) else PROBABILITY
