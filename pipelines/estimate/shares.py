"""Shares of the options of every coded question, with standard errors; it must not score an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.estimate.domain import Domain, domains
from pipelines.estimate.members import Members, in_batches
from pipelines.estimate.scores import ScoreOptions
from pipelines.estimate.spec import Floats, TallySpec
from pipelines.estimate.strata import strata_of, unit_population
from pipelines.estimate.tallying import sums_of
from pipelines.estimate.totals import Rows, counts
from pipelines.estimate.variance import centring, variances_of_totals

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
    cells = list(domains(rows, strata, rollups or {}, options.breakdown_min_n)) if read.n.shape[1] else []
    batches = in_batches(cells, rows, strata, options.rollup, options.lonely)
    parts = [_estimate(members, read, rows, members.shares(options.rollup, people)) for members in batches]
    return _table(cells, parts, spec)


def _read(tally: pa.Table, spec: TallySpec, scale: Floats) -> _Counts:
    question = np.repeat(np.arange(len(spec.options)), [len(codes) for codes in spec.options.values()])
    squares = None if spec.is_clustered else counts(tally, spec, 2)
    return _Counts(sums_of(tally, "count"), counts(tally, spec), squares, scale, question)


def _estimate(members: Members, read: _Counts, rows: Rows, of_part: Floats) -> dict[str, np.ndarray]:
    """Return `n`, `share` and `se` of some domains, in percent: domains × options each."""
    chosen = members.sums(members.rows_of_part, read.weight, read.scale[members.row])
    answered = read.answers(chosen)
    known = np.where(answered > 0, answered, 1.0)
    share, part = members.average(chosen / known, answered > 0, of_part)
    variance = _variances(members, read, chosen / known, part / known)
    n = np.ones(len(members.row)) if read.weight2 is None else rows.n[members.row].astype(float)
    df = members.rows_of_domain.sums(n) - members.strata_of_domain.sizes
    se = np.where((df > 0)[:, None] & ~np.isnan(share), np.sqrt(np.maximum(variance, 0.0)), np.nan)
    count = members.sums(members.rows_of_domain, read.n, np.ones(len(members.row)))
    return {"n": np.rint(count).astype(np.int64), "share": 100 * share, "se": 100 * se}


def _variances(members: Members, read: _Counts, ratio: Floats, lever: Floats) -> Floats:
    """Return the variances of the shares: domains × options; `ratio` is p by part, `lever` as in `ItemMeans`."""
    at, spread = members.row, members.rows_of_part.spread
    p, factor = spread(ratio), spread(lever) * read.scale[at, None]
    influence = (read.weight[at] - p * read.answers(read.weight[at])) * factor
    if read.weight2 is None:
        by_stratum = variances_of_totals(influence, members.rows_of_stratum, members.psus, members.how)
        return members.strata_of_domain.sums(by_stratum)
    squares = read.weight2[at]
    second = (squares * (1 - 2 * p) + p**2 * read.answers(squares)) * factor**2
    about_zero = members.how.factor[:, None] * members.rows_of_stratum.sums(second)
    off = centring(members.rows_of_stratum.sums(influence), members.psus, members.how)
    return members.strata_of_domain.sums(about_zero - off)


def _table(cells: Sequence[Domain], parts: Sequence[Mapping[str, np.ndarray]], spec: TallySpec) -> pa.Table:
    if not cells:
        return SCHEMA.empty_table()
    pairs = [(question, code) for question, codes in spec.options.items() for code in codes]
    domain = pa.array(np.repeat(np.arange(len(cells)), len(pairs)))
    pair = pa.array(np.tile(np.arange(len(pairs)), len(cells)))
    n, share, se = (np.concatenate([part[name].ravel() for part in parts]) for name in ("n", "share", "se"))
    columns = {
        "unit_code": pa.array([cell.unit for cell in cells]).take(domain),
        "breakdown": pa.array([cell.breakdown for cell in cells]).take(domain),
        "category": pa.array([cell.category for cell in cells]).take(domain),
        "question_code": pa.array([question for question, _ in pairs]).take(pair),
        "answer_code": pa.array([code for _, code in pairs]).take(pair),
        "n": pa.array(n),
        "share": pa.array(share, mask=np.isnan(share)),
        "se": pa.array(se, mask=np.isnan(se)),
    }
    return pa.table(columns, schema=SCHEMA)
