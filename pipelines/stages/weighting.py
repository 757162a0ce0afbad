"""The weights of a round, step by step, and the second tally that a round with weights of its own needs.

Weights are known only when a round is closed: months are tallied without them, and tallied once more here where the
round declares `weighting`. It must not estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import estimate as statistics
from pipelines import rounds
from pipelines.estimate.cells import WEIGHT, CellWeights, Key, Margin, Scheme, cell_weights, keys_of
from pipelines.lake import responses, result, tallies, weighted_tallies
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.stages.context import Context
from pipelines.stages.tallying import ROWS_A_BATCH


def keep_weights(
    context: Context, round_: Round, spec: statistics.TallySpec, merged: pa.Table, population: pa.Table | None
) -> list[str]:
    """Compute the weights of a round, write them with their steps, tally anew where they are its own; return the paths.

    `results/<round>/weight.parquet` has a row a cell, `weight_step.parquet` a row a step.
    """
    scheme = scheme_of(context, round_, spec, population)
    counts = _counts(context, round_, scheme) if scheme.margins else _stratum_counts(merged, spec)
    weights = cell_weights(scheme, counts)
    paths = [result(round_.id, "weight"), result(round_.id, "weight_step")]
    for path, table in zip(paths, (weights.table(), weights.weighting.report()), strict=True):
        context.lake.write_table(path, table)
    return paths + (_tally_again(context, round_, spec, weights) if round_.weighting else [])


def scheme_of(context: Context, round_: Round, spec: statistics.TallySpec, population: pa.Table | None) -> Scheme:
    """Return what the weights of a round follow from: frame, plan, and what its `weighting` declares."""
    people = None
    if population is not None:
        keys = zip(*(pc.fill_null(population[name], "").to_pylist() for name in spec.stratum), strict=True)
        people = dict(zip(keys, map(float, population["population"].to_pylist()), strict=True))
    plan = rounds.load_plan(context.lake, round_)
    issued: Counter[Key] = Counter()
    if set(spec.stratum) <= set(plan.column_names):
        for row in plan.to_pylist():
            forms = row["planned"] if row["issued"] is None else row["issued"]
            issued[tuple(row[name] or "" for name in spec.stratum)] += forms
    weighting = round_.weighting
    return Scheme(
        strata=spec.stratum,
        population=people,
        issued=issued,
        classes=weighting.classes if weighting else (),
        margins=_margins(context, round_) if weighting and weighting.margins else (),
        trim=weighting.trim if weighting else None,
    )


def weighted_tally(
    context: Context, round_: Round, spec: statistics.TallySpec
) -> tuple[pa.Table, statistics.TallySpec] | None:
    """Return the merged tally under the round's own weights and its specification; None where it has none (yet)."""
    paths = context.lake.glob(weighted_tallies(round_.programme, round_.id, "*", "*"))
    if round_.weighting is None or not paths:
        return None
    own = replace(spec, weight=WEIGHT)
    return statistics.merge((context.lake.read_table(path) for path in paths), own), own


def _margins(context: Context, round_: Round) -> tuple[Margin, ...]:
    """Return the declared margins; `margins.csv` must have each, with units everywhere or nowhere."""
    assert round_.weighting is not None
    totals: dict[str, dict[tuple[str, str], float]] = {}
    for row in rounds.load_margins(context.lake, round_).to_pylist():
        totals.setdefault(row["variable"], {})[row["unit_code"] or "", row["category"]] = float(row["total"])
    where = f"{round_.folder}/margins.csv"
    for name in round_.weighting.margins:
        if name not in totals:
            raise InputError(f"there are no totals of {name}", where, "add a line for each of its categories")
        if len({bool(unit) for unit, _ in totals[name]}) > 1:
            remedy = "give unit_code in every line of the variable, or in none"
            raise InputError(f"{name} has totals by unit and of the whole round", where, remedy)
    return tuple(Margin(name, totals[name]) for name in round_.weighting.margins)


def _stratum_counts(merged: pa.Table, spec: statistics.TallySpec) -> Counter[Key]:
    overall = merged.filter(pc.equal(merged["breakdown"], ""))
    found: Counter[Key] = Counter()
    keys = zip(*(overall[name].to_pylist() for name in spec.stratum), strict=True)
    for key, n in zip(keys, overall["n"].to_pylist(), strict=True):
        found[key] += n
    return found


def _counts(context: Context, round_: Round, scheme: Scheme) -> Counter[Key]:
    found: Counter[Key] = Counter()
    for month, source in _tallied(context, round_):
        path = responses(round_.programme, round_.id, month, source)
        for batch in _batches(context, path, scheme.columns, round_):
            found.update(keys_of(batch, scheme.columns))
    return found


def _tally_again(context: Context, round_: Round, spec: statistics.TallySpec, weights: CellWeights) -> list[str]:
    columns = tuple(dict.fromkeys((*spec.columns, *weights.columns)))
    written = []
    for month, source in _tallied(context, round_):
        path = responses(round_.programme, round_.id, month, source)
        batches = (weights.attach(batch) for batch in _batches(context, path, columns, round_))
        written.append(weighted_tallies(round_.programme, round_.id, month, source))
        context.lake.write_table(written[-1], statistics.tally(batches, replace(spec, weight=WEIGHT)))
    return written


def _tallied(context: Context, round_: Round) -> list[tuple[str, str]]:
    """Return month and source of the partitions that passed their gate and were tallied."""
    paths = context.lake.glob(tallies(round_.programme, round_.id, "*", "*"))
    found = [[part.partition("=")[2] for part in path.split("/")[-3:-1]] for path in paths]
    return [(month, source) for month, source in found]


def _batches(context: Context, path: str, columns: tuple[str, ...], round_: Round) -> Iterator[pa.RecordBatch]:
    with context.lake.open(path) as stream:
        file = pq.ParquetFile(stream)
        if missing := [name for name in columns if name not in file.schema_arrow.names]:
            where = f"{round_.folder}/round.yml: weighting.margins"
            raise InputError(f"responses have no {', '.join(missing)}", where, "name a field or question of the form")
        yield from file.iter_batches(ROWS_A_BATCH, columns=list(columns))
