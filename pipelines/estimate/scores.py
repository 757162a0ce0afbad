"""The score table: every node of the index tree for every unit, roll-up and category, with all its evidence.

The top of the package for a survey; it must not read responses: a tally is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.estimate.domain import Domain, domains
from pipelines.estimate.estimator import Design, ItemMeans, NodeMeans, average, item_means, node_means
from pipelines.estimate.interval import METHODS
from pipelines.estimate.rank import RANK_COLUMNS, with_ranks
from pipelines.estimate.reliability import flags
from pipelines.estimate.spec import Floats, Ints, TallySpec
from pipelines.estimate.strata import Strata, strata_of, unit_population
from pipelines.estimate.totals import Rows, Totals, totals_of
from pipelines.estimate.tree import TreeMatrix
from pipelines.estimate.variance import Lonely
from pipelines.model.errors import InputError
from pipelines.model.method import Node
from pipelines.model.round import Rollup


@dataclass(frozen=True)
class ScoreOptions:
    """Settings of an estimation.

    `interval` is `t`, or `logit` or `beta` for measures in percent (others keep t). `thresholds` replace those of
    `reliability.THRESHOLDS`. `probability_sample` False marks intervals as resting on a model: whoever answers chose
    to. Units with fewer responses than `breakdown_min_n` are estimated as a whole only.
    """

    level: float = 0.95
    lonely: Lonely | str = Lonely.ADJUST
    interval: str = "t"
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    finite_population: bool = True
    rollup: Rollup | str = Rollup.POOLED
    probability_sample: bool = True
    breakdown_min_n: int = 0


SCHEMA = pa.schema(
    [
        pa.field("measure", pa.string()),
        pa.field("unit_code", pa.string()),
        pa.field("breakdown", pa.string()),
        pa.field("category", pa.string()),
        pa.field("node_code", pa.string()),
        pa.field("node_level", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("score", "se", "ci_low", "ci_high", "ci_level")),
        pa.field("ci_method", pa.string()),
        pa.field("df", pa.int64()),
        pa.field("n", pa.int64()),
        pa.field("n_eff", pa.float64()),
        pa.field("deff", pa.float64()),
        pa.field("flag", pa.string()),
        pa.field("flag_reason", pa.string()),
        *(pa.field(name, pa.int64()) for name in RANK_COLUMNS),
    ]
)


@dataclass(frozen=True)
class _Survey:
    """What all estimates of a call share."""

    spec: TallySpec
    tree: TreeMatrix
    strata: Strata
    rows: Rows
    people: Mapping[str, float] | None
    options: ScoreOptions


def index_scores(
    tally: pa.Table,
    spec: TallySpec,
    tree: Node,
    population: pa.Table | None = None,
    rollups: Mapping[str, tuple[str, ...]] | None = None,
    options: ScoreOptions | None = None,
) -> pa.Table:
    """Return the scores of all nodes, one row by measure, unit, breakdown, category and node (`SCHEMA`).

    Args:
        tally: merged tally of the whole round.
        spec: what it was made with; `spec.nodes` must be `inner_nodes(tree)`.
        tree: the index tree, its leaves the items.
        population: the frame by stratum (see `strata_of`): responses are weighted up to it and the correction for a
            finite population follows. None: all responses count the same.
        rollups: code of a higher unit → units below it.
        options: settings.

    `n` counts respondents with an answer below the node; `deff` is the variance over that of a simple random sample of
    n (without replacement where the population is finite) and `n_eff` n/deff. Rows are ranked within units of one
    level, without those flagged `suppress`; suppressed scores are there: to blank them is the release's part.
    """
    options, rollups = options or ScoreOptions(), rollups or {}
    strata = strata_of(tally, spec, population, options.finite_population)
    people = None if population is None else unit_population(population, spec)
    survey = _Survey(spec, TreeMatrix(tree), strata, Rows.of(tally, spec, strata), people, options)
    nodes = {node.code: node for node in tree.walk()}
    cells = list(domains(survey.rows, strata, rollups, options.breakdown_min_n))
    parts: list[dict[str, np.ndarray]] = []
    for measure in spec.measures:
        totals = totals_of(tally, spec, measure, tuple(nodes), strata.weight[survey.rows.stratum])
        parts += [_estimate(survey, totals, measure, domain) for domain in cells]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    if not columns:
        return SCHEMA.empty_table()
    columns["node_level"] = np.array([str(nodes[code].level) for code in columns["node_code"]], dtype=object)
    return _table(columns, options, set(rollups))


def _estimate(survey: _Survey, totals: Totals, measure: str, domain: Domain) -> dict[str, np.ndarray]:
    """Return the columns of one domain, a value by node."""
    rows = domain.rows
    means, share = _item_means(survey, totals, domain)
    codes, matrix = survey.tree.codes, survey.tree.given(means.available)
    found = node_means(means, matrix, totals, rows, share)
    design = Design.of(survey.rows.stratum[rows], survey.strata, survey.options.lonely)
    members = len(rows) if survey.spec.is_clustered else int(survey.rows.n[rows].sum())
    df = members - len(design.strata)
    census = bool((survey.strata.correction[design.strata] == 0).all())
    se = np.where(np.isnan(found.score) | ((df <= 0) & (not census)), np.nan, found.se)
    filled = np.full(len(codes), "", dtype=object)
    return {
        "measure": filled + measure,
        "unit_code": filled + domain.unit,
        "breakdown": filled + domain.breakdown,
        "category": filled + domain.category,
        "node_code": np.array(codes, dtype=object),
        "percent": np.full(len(codes), float(is_percent(survey.spec.measures[measure]))),
        "score": found.score,
        "se": se,
        "df": np.full(len(codes), float(df)),
        "n": found.n,
        **_effect(found, se, survey),
        "items_without_answers": (np.isnan(matrix) | (matrix != survey.tree.complete)).any(axis=1)
        & ~np.isnan(found.score),
        "no_variation": (se < 1e-9) & (not census) & (df > 0),
        **{name: np.full(len(codes), name in domain.remarks) for name in REMARKS[2:]},
    }


REMARKS = ("items_without_answers", "no_variation", "strata_without_answers", "units_without_answers")


def _item_means(survey: _Survey, totals: Totals, domain: Domain) -> tuple[ItemMeans, Floats]:
    """Return the means of a domain by the rule of roll-ups, and the factor by row that brings units to their share."""
    rule, rows = survey.options.rollup, domain.rows
    if rule == Rollup.POOLED or not domain.is_rollup:
        design = Design.of(survey.rows.stratum[rows], survey.strata, survey.options.lonely)
        return item_means(totals, rows, design), np.ones(len(rows))
    parts = [
        item_means(totals, at, Design.of(survey.rows.stratum[at], survey.strata, survey.options.lonely))
        for at in domain.parts.values()
    ]
    share = np.ones(len(parts))
    if rule == Rollup.POPULATION_WEIGHTED:
        share = np.array([_people(survey, unit) for unit in domain.parts])
    size = [float(totals.scale[at] @ survey.rows.n[at]) for at in domain.parts.values()]
    factor = [np.full(len(at), s / w) for s, w, at in zip(share, size, domain.parts.values(), strict=True)]
    return average(parts, share), np.concatenate(factor)


def _people(survey: _Survey, unit: str) -> float:
    if survey.people is None:
        raise InputError(
            "units are to be weighted by population, but there is no frame",
            f"unit {unit}",
            "give the round a frame, or choose pooled or mean_of_units",
        )
    return survey.people[unit]


def _effect(found: NodeMeans, se: Floats, survey: _Survey) -> dict[str, Floats]:
    """Return design effect and effective n; where answers do not vary, the effective n is that of the weights."""
    size = found.n.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        sampled = size / found.size if survey.people is not None and survey.options.finite_population else 0.0
        simple = found.srs * np.maximum(1 - sampled, 0.0)
        deff = np.where(simple > 0, se**2 / simple, np.nan)
        n_eff = np.where(deff > 0, size / deff, found.kish)
    return {"deff": deff, "n_eff": n_eff}


def is_percent(points: Mapping[int, float]) -> bool:
    """Whether a measure is a percentage: its points go up to 100 and not below 0."""
    return max(points.values()) == 100 and min(points.values()) >= 0


def _table(columns: dict[str, np.ndarray], options: ScoreOptions, rollups: set[str]) -> pa.Table:
    """Return the score table with intervals, flags and ranks."""
    columns = columns | _intervals(columns, options)
    remarks = {name: columns[name] for name in REMARKS}
    flag, reason = flags(columns, remarks, options.thresholds)
    columns |= {"flag": np.array(flag, dtype=object), "flag_reason": np.array(reason, dtype=object)}
    is_rollup = np.array([unit in rollups for unit in columns["unit_code"]])
    columns |= with_ranks(columns, is_rollup)
    return table_of(columns)


def table_of(columns: Mapping[str, np.ndarray]) -> pa.Table:
    """Return columns as a score table; NaN and 0 in rank columns become null."""
    arrays = []
    for entry in SCHEMA:
        values = columns[entry.name]
        if pa.types.is_string(entry.type):
            arrays.append(pa.array(list(values), pa.string()))
        else:
            unknown = values == 0 if entry.name in RANK_COLUMNS else np.isnan(values.astype(float))
            arrays.append(pa.array(values, mask=unknown).cast(entry.type))
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _intervals(columns: Mapping[str, np.ndarray], options: ScoreOptions) -> dict[str, np.ndarray]:
    suffix = "" if options.probability_sample else "_model"
    percent = columns["percent"] > 0
    method = np.where(percent, options.interval, "t")
    low, high = np.full((2, len(method)), np.nan)
    for name in sorted(set(method)):
        at: Ints = np.flatnonzero(method == name)
        estimate, se, df, n = (columns[column][at].astype(float) for column in ("score", "se", "df", "n"))
        low[at], high[at] = METHODS[name](estimate, se, df, n, options.level)
    level = np.full(len(method), options.level)
    return {"ci_low": low, "ci_high": high, "ci_level": level, "ci_method": np.char.add(method, suffix).astype(object)}
