"""Weighted second moments of the respondents' factor scores, added up in one pass over the responses.

Like a tally they are additive, and everything that importance needs follows from them: means, covariances, correlations
and the R² of every regression. Memory depends on the number of units alone. It must not judge what is important.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from pipelines.estimate.block import Block
from pipelines.estimate.spec import Floats, Ints, TallySpec
from pipelines.model.errors import InputError

GROUPS = 20  # random groups of PSUs for the jackknife; enough for a standard error, few enough to keep
ROWS = 1 << 16
GLUE = "\x1f"


@dataclass(frozen=True)
class DriverSpec:
    """What is added up.

    Args:
        tally: specification of the round's tally, for its items, points and PSUs.
        factors: inner nodes of `tally.nodes` whose respondents' scores are related.
        measure: of `tally.measures`, gives the points.
        cell: columns of the cells that weights are given for, the unit first.
        outcome: column with an answer on satisfaction as a whole; empty: the instrument does not ask it.
        respondent: column that tells responses apart, the PSU where the design has no clusters.
    """

    tally: TallySpec
    factors: tuple[str, ...]
    measure: str
    cell: tuple[str, ...]
    outcome: str = ""
    respondent: str = "response_id"

    @property
    def cluster(self) -> str:
        """Column of the PSU."""
        return self.tally.psu or self.respondent

    @property
    def width(self) -> int:
        """Length of a respondent's vector: 1, its factor scores, its answer on the whole."""
        return 1 + len(self.factors) + bool(self.outcome)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the responses that are read, each once."""
        outcome = (self.outcome,) if self.outcome else ()
        return tuple(dict.fromkeys((self.tally.unit, *self.cell, self.cluster, *self.tally.items, *outcome)))


@dataclass(frozen=True)
class DriverMoments:
    """By unit and random group: n, and Σw·vvᵀ of v = (1, factor scores, outcome), groups × width × width."""

    spec: DriverSpec
    n: dict[str, Ints] = field(default_factory=dict)
    products: dict[str, Floats] = field(default_factory=dict)

    def add(self, unit: str, n: Ints, products: Floats) -> None:
        """Add the sums of some responses of a unit."""
        width = self.spec.width
        self.n.setdefault(unit, np.zeros(GROUPS, dtype=np.int64))[:] += n
        self.products.setdefault(unit, np.zeros((GROUPS, width, width)))[:] += products

    def rolled_up(self, rollups: Mapping[str, tuple[str, ...]]) -> DriverMoments:
        """Return the same with the units above: their moments are the sums of those below."""
        found = DriverMoments(self.spec, dict(self.n), dict(self.products))
        for above, units in rollups.items():
            for unit in units:
                if unit in self.n:
                    found.add(above, self.n[unit], self.products[unit])
        return found


def driver_moments(
    batches: Iterable[pa.RecordBatch], spec: DriverSpec, weights: Mapping[tuple[str, ...], float]
) -> DriverMoments:
    """Add up the responses that have a score in every factor (and an answer on the whole, where that is asked).

    Args:
        batches: responses.
        spec: what to add up.
        weights: cell → weight of each of its responses; a missing value is the empty text.

    Raises:
        InputError: a code is no option, or a cell has no weight.
    """
    found = DriverMoments(spec)
    for batch in batches:
        table = pa.Table.from_batches([batch]).select(list(spec.columns))
        for start in range(0, table.num_rows, ROWS):
            _add(found, table.slice(start, ROWS), spec, weights)
    return found


def _add(found: DriverMoments, table: pa.Table, spec: DriverSpec, weights: Mapping[tuple[str, ...], float]) -> None:
    vectors = _vectors(table, spec)
    weight = _weights(table, spec, weights)
    units, unit = _encoded(table[spec.tally.unit])
    rows = np.flatnonzero(~np.isnan(vectors).any(axis=1))
    cell = unit[rows] * GROUPS + _groups(table, spec)[rows]
    count = len(units) * GROUPS
    v = vectors[rows]
    outer = (v[:, :, None] * v[:, None, :] * weight[rows, None, None]).reshape(len(rows), -1)
    indicator = sparse.csr_matrix((np.ones(len(rows)), (cell, np.arange(len(rows)))), shape=(count, len(rows)))
    products = (indicator @ outer).reshape(len(units), GROUPS, spec.width, spec.width)
    n = np.bincount(cell, minlength=count).reshape(len(units), GROUPS)
    for number, name in enumerate(units):
        found.add(name, n[number], products[number])


def _vectors(table: pa.Table, spec: DriverSpec) -> Floats:
    """Return (1, factor scores, outcome) by response; NaN where there is no answer."""
    tally = spec.tally
    own = {name: tally.options[name] for name in (*tally.items, *((spec.outcome,) if spec.outcome else ()))}
    codes = Block.of(table, TallySpec(tally.items, tally.measures, own)).codes
    points, valid = tally.scale(spec.measure)
    answers = np.column_stack([codes[item] for item in tally.items])
    members = np.array([[tally.nodes[node].get(item, 0.0) for node in spec.factors] for item in tally.items])
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = (points[answers] @ members) / (valid[answers] @ members)
    parts = [np.ones((table.num_rows, 1)), scores]
    if spec.outcome:
        code = codes[spec.outcome]
        parts.append(np.where(valid[code] > 0, points[code], np.nan)[:, None])
    return np.hstack(parts)


def _weights(table: pa.Table, spec: DriverSpec, weights: Mapping[tuple[str, ...], float]) -> Floats:
    columns = [pc.fill_null(table[name].cast(pa.string()), "") for name in spec.cell]
    names, at = _encoded(pc.binary_join_element_wise(*columns, GLUE))
    if unknown := [name for name in names if weights.get(tuple(name.split(GLUE))) is None]:
        where = f"{', '.join(spec.cell)}: {unknown[0].replace(GLUE, ' / ')}"
        raise InputError("there are responses without a weight", where, "weigh the round again")
    return np.array([weights[tuple(name.split(GLUE))] for name in names], dtype=float)[at]


def _groups(table: pa.Table, spec: DriverSpec) -> Ints:
    """Return the random group of each response: that of its PSU, by a hash of unit and PSU."""
    parts = [table[name].cast(pa.string()) for name in (spec.tally.unit, spec.cluster)]
    names, at = _encoded(pc.binary_join_element_wise(*parts, GLUE))
    return np.array([zlib.crc32(name.encode()) % GROUPS for name in names], dtype=np.int64)[at]


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
