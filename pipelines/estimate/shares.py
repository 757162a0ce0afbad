"""Shares of the options of every coded question, with standard errors; it must not score an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.estimate.domain import Domain, domains
from pipelines.estimate.estimator import Design
from pipelines.estimate.scores import ScoreOptions
from pipelines.estimate.spec import Floats, TallySpec
from pipelines.estimate.strata import Strata, strata_of, unit_population
from pipelines.estimate.tallying import sums_of
from pipelines.estimate.totals import Rows, counts
from pipelines.estimate.variance import variances_of_moments, variances_of_totals
from pipelines.model.errors import InputError
from pipelines.model.round import Rollup

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("unit_code", "breakdown", "category", "question_code")),
        pa.field("answer_code", pa.int64()),
        pa.field("n", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("se", pa.float64()),
    ]
)


@dataclass(frozen=True)
class _Counts:
    """Counts by row of the tally and option: number, Σw and, without clusters, Σw²; `question` groups the options."""

    n: np.ndarray
    weight: Floats
    weight2: Floats | None
    scale: Floats
    question: np.ndarray

    def answers(self, by_option: Floats) -> Floats:
        """Return, at each option, the sum over all options of its question."""
        starts = np.flatnonzero(np.diff(self.question, prepend=-1))
        return np.add.reduceat(by_option, starts, axis=-1)[..., self.question]


def option_shares(
    tally: pa.Table,
    spec: TallySpec,
    population: pa.Table | None = None,
    rollups: Mapping[str, tuple[str, ...]] | None = None,
    options: ScoreOptions | None = None,
) -> pa.Table:
    """Return the weighted share of each option among those who answered its question, in percent (`SCHEMA`).

    Arguments are those of `index_scores`; `n` is the number of responses that chose the option. Where nobody answered,
    share and se are null.
    """
    options = options or ScoreOptions()
    strata = strata_of(tally, spec, population, options.finite_population)
    people = None if population is None else unit_population(population, spec)
    rows = Rows.of(tally, spec, strata)
    read = _read(tally, spec, strata.weight[rows.stratum])
    parts = []
    for domain in domains(rows, strata, rollups or {}, options.breakdown_min_n) if read.n.shape[1] else ():
        share, variance, df = _estimate(domain, read, rows, strata, options, people)
        known = (df > 0) & ~np.isnan(share)
        se = np.where(known, np.sqrt(np.maximum(variance, 0.0)), np.nan)
        parts.append((domain, read.n[domain.rows].sum(axis=0), 100 * share, 100 * se))
    return _table(parts, spec)


def _read(tally: pa.Table, spec: TallySpec, scale: Floats) -> _Counts:
    question = np.repeat(np.arange(len(spec.options)), [len(codes) for codes in spec.options.values()])
    squares = None if spec.is_clustered else counts(tally, spec, 2)
    return _Counts(sums_of(tally, "count"), counts(tally, spec), squares, scale, question)


def _estimate(
    domain: Domain, read: _Counts, rows: Rows, strata: Strata, options: ScoreOptions, people: Mapping[str, float] | None
) -> tuple[Floats, Floats, float]:
    """Return shares (0 to 1), their variances and the degrees of freedom."""
    if options.rollup == Rollup.POOLED or not domain.is_rollup:
        return _pooled(domain.rows, read, rows, strata, options)
    found = [_pooled(at, read, rows, strata, options) for at in domain.parts.values()]
    weight = np.ones(len(found))
    if options.rollup == Rollup.POPULATION_WEIGHTED:
        if people is None:
            raise InputError("units are to be weighted by population, but there is no frame", domain.unit, "give one")
        weight = np.array([people[unit] for unit in domain.parts])
    shares = np.array([share for share, _, _ in found])
    with np.errstate(invalid="ignore"):
        part = weight[:, None] * ~np.isnan(shares)
        part = part / part.sum(axis=0)
    variance = np.nansum(part**2 * np.array([one for _, one, _ in found]), axis=0)
    share = np.where(np.isnan(shares).all(axis=0), np.nan, np.nansum(part * shares, axis=0))
    return share, variance, sum(df for _, _, df in found)


def _pooled(
    at: np.ndarray, read: _Counts, rows: Rows, strata: Strata, options: ScoreOptions
) -> tuple[Floats, Floats, float]:
    design = Design.of(rows.stratum[at], strata, options.lonely)
    scale = read.scale[at]
    chosen = scale @ read.weight[at]
    answered = read.answers(chosen)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(answered > 0, chosen / answered, np.nan)
    p, size = np.nan_to_num(share), np.where(answered > 0, answered, 1.0)
    residual = (read.weight[at] - p * read.answers(read.weight[at])) * scale[:, None] / size
    if read.weight2 is None:
        df = len(at) - len(design.strata)
        return share, variances_of_totals(residual, design.of_row, design.psus, design.how), df
    squares = read.weight2[at]
    second = (squares * (1 - 2 * p) + p**2 * read.answers(squares)) * (scale[:, None] / size) ** 2
    order = np.argsort(design.of_row)
    df = int(rows.n[at].sum()) - len(design.strata)
    return share, variances_of_moments(second[order], residual[order], design.psus, design.how), df


def _table(parts: list[tuple[Domain, np.ndarray, Floats, Floats]], spec: TallySpec) -> pa.Table:
    pairs = [(question, code) for question, codes in spec.options.items() for code in codes]
    columns: dict[str, list] = {field.name: [] for field in SCHEMA}
    for domain, n, share, se in parts:
        for name, value in (("unit_code", domain.unit), ("breakdown", domain.breakdown), ("category", domain.category)):
            columns[name] += [value] * len(pairs)
        columns["question_code"] += [question for question, _ in pairs]
        columns["answer_code"] += [code for _, code in pairs]
        columns["n"] += n.tolist()
        columns["share"] += [None if np.isnan(value) else value for value in share.tolist()]
        columns["se"] += [None if np.isnan(value) else value for value in se.tolist()]
    return pa.table(columns, schema=SCHEMA)
