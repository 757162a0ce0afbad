"""The score table: every node of the index tree for every unit, roll-up and category, with all its evidence.

The top of the package for a survey; it must not read responses: a tally is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.estimate.domain import domains
from pipelines.estimate.estimator import NodeMeans, item_means, node_means
from pipelines.estimate.interval import METHODS
from pipelines.estimate.members import Members, in_batches
from pipelines.estimate.rank import RANK_COLUMNS, with_ranks
from pipelines.estimate.reliability import flags
from pipelines.estimate.spec import Bools, Floats, Ints, TallySpec
from pipelines.estimate.strata import Strata, strata_of, unit_population
from pipelines.estimate.totals import Rows, Totals, totals_of
from pipelines.estimate.tree import TreeMatrix
from pipelines.estimate.variance import Lonely
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
    cells = list(domains(survey.rows, strata, rollups, options.breakdown_min_n))
    batches = list(in_batches(cells, survey.rows, strata, options.rollup, options.lonely))
    parts: list[dict[str, np.ndarray]] = []
    for measure in spec.measures:
        totals = totals_of(tally, spec, measure, survey.tree.codes, strata.weight[survey.rows.stratum])
        parts += [_estimate(survey, totals, measure, members) for members in batches]
    if not parts:
        return SCHEMA.empty_table()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    level = {node.code: str(node.level) for node in tree.walk()}
    columns["node_level"] = np.resize([level[code] for code in survey.tree.codes], len(columns["score"])).astype(object)
    return _table(columns, options, set(rollups))


def _estimate(survey: _Survey, totals: Totals, measure: str, members: Members) -> dict[str, np.ndarray]:
    """Return the columns of some domains, a value by domain and node."""
    share = members.shares(survey.options.rollup, survey.people)
    means = item_means(totals, members, share)
    coefficients = survey.tree.patterns(means.available)
    found = node_means(means, coefficients, totals, members, _reweight(survey, totals, members, share))
    df, is_census = _freedom(survey, members)
    is_known = ~np.isnan(found.score) & ((df > 0) | is_census)[:, None]
    se = np.where(is_known, found.se, np.nan)
    matrices = coefficients.matrices
    incomplete = (np.isnan(matrices) | (matrices != survey.tree.complete)).any(axis=2)[coefficients.pattern]
    by_node = {
        "score": found.score,
        "se": se,
        "n": found.n,
        **_effect(found, se, survey),
        "items_without_answers": incomplete & ~np.isnan(found.score),
        "no_variation": (se < 1e-9) & (~is_census & (df > 0))[:, None],
    }
    by_domain = {
        "percent": np.full(len(df), float(is_percent(survey.spec.measures[measure]))),
        "df": df,
        **{name: np.array([name in domain.remarks for domain in members.domains]) for name in REMARKS[2:]},
        **{name: _texts(getattr(domain, key) for domain in members.domains) for name, key in KEY.items()},
        "measure": _texts(measure for _ in members.domains),
    }
    columns = {name: values.ravel() for name, values in by_node.items()}
    columns |= {name: np.repeat(values, coefficients.nodes) for name, values in by_domain.items()}
    return columns | {"node_code": np.tile(_texts(survey.tree.codes), len(df))}


KEY = {"unit_code": "unit", "breakdown": "breakdown", "category": "category"}
REMARKS = ("items_without_answers", "no_variation", "strata_without_answers", "units_without_answers")


def _texts(values: Iterable[str]) -> np.ndarray:
    return np.array(list(values), dtype=object)


def _freedom(survey: _Survey, members: Members) -> tuple[Floats, Bools]:
    """Return by domain the degrees of freedom, PSUs (or responses) less strata, and whether every stratum is whole."""
    n = np.ones(len(members.row)) if survey.spec.is_clustered else survey.rows.n[members.row].astype(float)
    df = members.rows_of_domain.sums(n) - members.strata_of_domain.sizes
    sampled = (survey.strata.correction[members.stratum] != 0).astype(float)
    return df, members.strata_of_domain.sums(sampled) == 0


def _reweight(survey: _Survey, totals: Totals, members: Members, share: Floats) -> Floats:
    """Return the factor by row that brings the rows of a part to the part's share; 1 where nothing is averaged."""
    is_average = members.parts_of_domain.spread(np.array([domain.is_rollup for domain in members.domains]))
    if survey.options.rollup == Rollup.POOLED or not is_average.any():
        return np.ones(len(members.row))
    size = members.rows_of_part.sums(totals.scale[members.row] * survey.rows.n[members.row])
    return members.rows_of_part.spread(np.where(is_average, share / size, 1.0))


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
            arrays.append(pa.array(values, pa.string()))
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
