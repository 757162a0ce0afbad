"""Whether channels answer differently: the difference of two channels' scores on the same items, with standard error.

Crude: R_a − R_b of the two domains. Adjusted: Σ_h W_h (R_ah − R_bh) over the strata h in which both channels have
answers to the item, W_h the stratum's share of them: strata that one channel reaches more of no longer count as an
effect of the channel. Either is a sum of ratio means, so one influence value by response gives the covariance of all
items, strata and both channels at once. The question is about channels beyond this population, so there is no finite
population correction. It must not say why channels differ: who chooses a channel differs too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.estimate.domain import domains
from pipelines.estimate.interval import t_interval
from pipelines.estimate.moments import residual_moments
from pipelines.estimate.reliability import flags
from pipelines.estimate.scores import ScoreOptions
from pipelines.estimate.spec import BREAKDOWN, Bools, Floats, Ints, TallySpec
from pipelines.estimate.strata import Strata, strata_of
from pipelines.estimate.tallying import sums_of
from pipelines.estimate.totals import Rows, Totals, totals_of
from pipelines.estimate.tree import TreeMatrix
from pipelines.estimate.variance import Scaling, covariance_of_moments, covariance_of_totals, scaling
from pipelines.model.method import Node

CHANNEL = "channel"
FEWEST = 2  # answers of a channel in a stratum, below which its spread there is unknown
FIGURES = ("difference", "se", "ci_low", "ci_high", "df")
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("measure", "unit_code", "channel", "reference_channel")),
        *(pa.field(name, pa.string()) for name in ("node_code", "node_level")),
        *(pa.field(name, pa.float64()) for name in ("score", "reference_score", *FIGURES)),
        *(pa.field(f"adjusted_{name}", pa.float64()) for name in FIGURES),
        pa.field("ci_level", pa.float64()),
        *(pa.field(name, pa.int64()) for name in ("n", "reference_n", "strata", "strata_compared")),
        pa.field("share_compared", pa.float64()),
        *(pa.field(name, pa.string()) for name in ("flag", "flag_reason")),
    ]
)


@dataclass(frozen=True)
class _Survey:
    """What all comparisons of a measure share; `size` is the weight of all responses by stratum."""

    tree: TreeMatrix
    strata: Strata
    rows: Rows
    size: Floats
    totals: Totals
    psu: list[str] | None
    lonely: str


@dataclass(frozen=True)
class _Pair:
    """Rows of the tally of two channels, +1 for the first and −1 for the second."""

    rows: Ints
    sign: Ints

    @classmethod
    def of(cls, first: Ints, second: Ints) -> _Pair:
        """Put the rows of both together."""
        return cls(np.concatenate([first, second]), np.repeat([1, -1], [len(first), len(second)]))


@dataclass(frozen=True)
class _Design:
    """The strata of a pair: which they are, the stratum of each of its rows, and the factors of the variance."""

    strata: Ints
    of_row: Ints
    psus: Ints
    how: Scaling

    @classmethod
    def of(cls, stratum: Ints, strata: Strata, lonely: str) -> _Design:
        """Take the strata of the rows of a pair."""
        own, of_row = np.unique(stratum, return_inverse=True)
        how = scaling(strata.psus[own], strata.correction[own], lonely, [strata.names[one] for one in own])
        return cls(own, of_row, strata.psus[own], how)


def mode_effects(
    tally: pa.Table,
    spec: TallySpec,
    tree: Node,
    population: pa.Table | None = None,
    rollups: Mapping[str, tuple[str, ...]] | None = None,
    options: ScoreOptions | None = None,
) -> pa.Table:
    """Return every pair of channels of every unit and roll-up, for every measure and node (`SCHEMA`).

    Arguments are those of `index_scores`. A roll-up pools the responses of its units, whatever its rule for scores.
    Without the breakdown `channel` in the tally, or with one channel only, there is no row.
    """
    options = options or ScoreOptions()
    if CHANNEL not in spec.breakdowns:
        return SCHEMA.empty_table()
    strata = strata_of(tally, spec, population, finite=False)
    rows = Rows.of(tally, spec, strata)
    overall = pc.equal(tally[BREAKDOWN], "").to_numpy(zero_copy_only=False)
    weight = sums_of(tally, "weight")[:, 0] * strata.weight[rows.stratum]
    size = np.bincount(rows.stratum[overall], weight[overall], len(strata.keys)).astype(float)
    matrix, found = TreeMatrix(tree), []
    units: dict[str, dict[str, Ints]] = {}
    for domain in domains(rows, strata, rollups or {}):
        if domain.breakdown == CHANNEL and domain.category:
            units.setdefault(domain.unit, {})[domain.category] = domain.rows
    psu = tally[spec.psu].to_pylist() if spec.is_clustered else None
    for measure in spec.measures:
        totals = totals_of(tally, spec, measure, matrix.codes, strata.weight[rows.stratum])
        survey = _Survey(matrix, strata, rows, size, totals, psu, str(options.lonely))
        for unit, channels in units.items():
            for first, second in combinations(sorted(channels), 2):
                names = {"measure": measure, "unit_code": unit, "channel": first, "reference_channel": second}
                found.append(names | _compare(survey, _Pair.of(channels[first], channels[second])))
    return _table(found, matrix, tree, options)


def _compare(survey: _Survey, pair: _Pair) -> dict[str, object]:
    """Return the columns of one pair of channels, a value by node."""
    stratum = survey.rows.stratum[pair.rows]
    own, at = np.unique(stratum, return_inverse=True)
    crude = _difference(survey, pair, np.zeros(len(at), dtype=np.int64), np.ones(1), fewest=1)
    adjusted = _difference(survey, pair, at, survey.size[own], FEWEST)
    n = survey.rows.n[pair.rows][:, None].astype(float)
    count = _by_group(n, (pair.sign < 0).astype(np.int64), at, len(own))[:, :, 0]
    compared: Bools = np.all(count >= FEWEST, axis=0)
    answered = [survey.totals.answered[pair.rows[pair.sign == s]].sum(axis=0) for s in (1, -1)]
    return {
        "score": crude.scores[0],
        "reference_score": crude.scores[1],
        "difference": crude.value,
        "se": crude.se,
        "df": _freedom(survey, pair, np.ones(len(at), dtype=bool)),
        "adjusted_difference": adjusted.value,
        "adjusted_se": adjusted.se,
        "adjusted_df": _freedom(survey, pair, compared[at]),
        "n": answered[0],
        "reference_n": answered[1],
        "strata": len(own),
        "strata_compared": int(compared.sum()),
        "share_compared": float(survey.size[own][compared].sum() / survey.size[own].sum()),
    }


@dataclass(frozen=True)
class _Difference:
    """Differences of all nodes, their standard errors, and the scores of both channels (meaningful with one group)."""

    value: Floats
    se: Floats
    scores: Floats


def _difference(survey: _Survey, pair: _Pair, group: Ints, size: Floats, fewest: int) -> _Difference:
    """Return Σ_g W_g (R_ag − R_bg) by node, over groups in which both channels have `fewest` answers to an item."""
    totals, side = survey.totals, (pair.sign < 0).astype(np.int64)
    weight = totals.scale[pair.rows][:, None]
    y, d = totals.y[pair.rows] * weight, totals.d[pair.rows] * weight
    leaves = [survey.tree.codes.index(leaf.code) for leaf in survey.tree.tree.leaves]
    answered = totals.answered[pair.rows][:, leaves].astype(float)
    sums = [_by_group(values, side, group, len(size)) for values in (y, d, answered)]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = sums[0] / sums[1]
    usable = (sums[2] >= fewest).all(axis=0)
    share = usable * size[:, None]
    held = share.sum(axis=0)
    share = share / np.where(held > 0, held, 1.0)
    known = np.nan_to_num(ratio)
    item = (share * (known[0] - known[1])).sum(axis=0)
    factor = share[group] * pair.sign[:, None] / np.where(sums[1] > 0, sums[1], 1.0)[side, group]
    covariance = _covariance(survey, pair, known[side, group], factor)
    matrix = survey.tree.given(held > 0)
    variance = np.einsum("ki,ij,kj->k", matrix, covariance, matrix)
    scores = (known * share).sum(axis=1) @ matrix.T
    return _Difference(matrix @ item, np.sqrt(np.maximum(variance, 0.0)), scores)


def _covariance(survey: _Survey, pair: _Pair, ratio: Floats, factor: Floats) -> Floats:
    """Return the covariance of the items: influence of a response is factor · w · (p − R·d), rows × J each."""
    totals = survey.totals
    weight = totals.scale[pair.rows]
    residual = (totals.y[pair.rows] - ratio * totals.d[pair.rows]) * weight[:, None] * factor
    design = _Design.of(survey.rows.stratum[pair.rows], survey.strata, survey.lonely)
    if totals.moments is None:
        key = [(int(h), survey.psu[r]) for h, r in zip(design.of_row, pair.rows, strict=True)] if survey.psu else []
        position = {one: number for number, one in enumerate(dict.fromkeys(key))}
        first = np.zeros((len(position), residual.shape[1]))
        np.add.at(first, [position[one] for one in key], residual)
        return covariance_of_totals(first, np.array([h for h, _ in position]), design.psus, design.how)
    second = residual_moments(totals.moments[pair.rows], ratio) * (weight**2)[:, None, None]
    second *= factor[:, :, None] * factor[:, None, :]
    squares = np.zeros((len(design.strata), *second.shape[1:]))
    first = np.zeros((len(design.strata), residual.shape[1]))
    np.add.at(squares, design.of_row, second)
    np.add.at(first, design.of_row, residual)
    return covariance_of_moments(squares, first, design.psus, design.how)


def _by_group(values: Floats, side: Ints, group: Ints, groups: int) -> Floats:
    """Return sums by channel and group: 2 × groups × columns."""
    found = np.zeros((2, groups, values.shape[1]))
    np.add.at(found, (side, group), values)
    return found


def _freedom(survey: _Survey, pair: _Pair, used: Bools) -> int:
    """Return PSUs (or responses) of both channels in the strata used, less the strata."""
    rows = pair.rows[used]
    stratum = survey.rows.stratum[rows]
    if survey.psu is None:
        members = int(survey.rows.n[rows].sum())
    else:
        members = len({(int(h), survey.psu[r]) for h, r in zip(stratum, rows, strict=True)})
    return members - len(set(stratum.tolist()))


def _table(found: list[dict[str, object]], matrix: TreeMatrix, tree: Node, options: ScoreOptions) -> pa.Table:
    if not found:
        return SCHEMA.empty_table()
    level = {node.code: str(node.level) for node in tree.walk()}
    nodes = {"node_code": list(matrix.codes), "node_level": [level[code] for code in matrix.codes]}
    full = [part | nodes for part in found]
    columns = {name: _column([part[name] for part in full], len(matrix.codes)) for name in full[0]}
    for prefix in ("", "adjusted_"):
        value, df = columns[f"{prefix}difference"], columns[f"{prefix}df"].astype(float)
        se = columns[f"{prefix}se"] = np.where((df > 0) & ~np.isnan(value), columns[f"{prefix}se"], np.nan)
        low, high = t_interval(value, se, df, df, options.level)
        columns |= {f"{prefix}ci_low": low, f"{prefix}ci_high": high}
    columns["ci_level"] = np.full(len(columns["df"]), options.level)
    flag, reason = flags(_judged(columns), {}, options.thresholds)
    columns |= {"flag": np.array(flag, dtype=object), "flag_reason": np.array(reason, dtype=object)}
    return pa.Table.from_arrays([_array(columns[entry.name], entry.type) for entry in SCHEMA], schema=SCHEMA)


def _judged(columns: Mapping[str, np.ndarray]) -> dict[str, Floats]:
    """Return what the rules of reliability look at: the smaller of the two channels decides."""
    fewer = np.minimum(columns["n"], columns["reference_n"]).astype(float)
    taken = {name: columns[name].astype(float) for name in ("se", "ci_low", "ci_high", "df")}
    return taken | {"score": columns["difference"], "n": fewer, "n_eff": fewer, "percent": np.zeros(len(fewer))}


def _column(parts: list[object], nodes: int) -> np.ndarray:
    """Return the values of all pairs one after the other; what is one for a pair is repeated for its nodes."""
    return np.concatenate([np.broadcast_to(np.asarray(part), nodes) for part in parts])


def _array(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([str(value) for value in values], kind)
    return pa.array(values, mask=np.isnan(values.astype(float))).cast(kind)
