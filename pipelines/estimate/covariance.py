"""Covariances of scores of one survey, for indices that are made of several of them; it must not read a response.

A covariance follows from three variances: Cov(a, b) = (V(a + b) − V(a) − V(b)) / 2, and the variance of the sum of two
nodes is that of one more composite of the items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa

from pipelines.estimate.domain import domains
from pipelines.estimate.estimator import item_means, node_variances
from pipelines.estimate.members import in_batches
from pipelines.estimate.scores import ScoreOptions
from pipelines.estimate.spec import Floats, TallySpec
from pipelines.estimate.strata import strata_of, unit_population
from pipelines.estimate.totals import Rows, totals_of
from pipelines.estimate.tree import Patterns, TreeMatrix
from pipelines.model.method import Node


def node_covariances(
    tally: pa.Table,
    spec: TallySpec,
    tree: Node,
    measure: str,
    nodes: Sequence[str],
    population: pa.Table | None = None,
    rollups: Mapping[str, tuple[str, ...]] | None = None,
    options: ScoreOptions | None = None,
) -> dict[str, Floats]:
    """Return unit → covariance matrix of the scores of some nodes, in their order; NaN where a node has no score.

    Arguments as in `index_scores`; `measure` is the one measure of all the scores.
    """
    options, rollups = options or ScoreOptions(), rollups or {}
    strata = strata_of(tally, spec, population, options.finite_population)
    rows, matrix = Rows.of(tally, spec, strata), TreeMatrix(tree)
    people = None if population is None else unit_population(population, spec)
    totals = totals_of(tally, spec, measure, matrix.codes, strata.weight[rows.stratum])
    place = [list(matrix.codes).index(node) for node in nodes]
    whole = [domain for domain in domains(rows, strata, rollups) if not domain.breakdown]
    found: dict[str, Floats] = {}
    for members in in_batches(whole, rows, strata, options.rollup, options.lonely):
        means = item_means(totals, members, members.shares(options.rollup, people))
        patterns = matrix.patterns(means.available)
        sums = Patterns(_with_sums(patterns.matrices[:, place]), patterns.pattern)
        variances = node_variances(means, sums, totals, members)
        units = (domain.unit for domain in members.domains)
        found |= {unit: _covariance(row, len(nodes)) for unit, row in zip(units, variances, strict=True)}
    return found


def _with_sums(matrices: Floats) -> Floats:
    """Return the nodes' coefficients with those of the sums of every two of them below (patterns × … × leaves)."""
    pairs = [matrices[:, first] + matrices[:, second] for first, second in combinations(range(matrices.shape[1]), 2)]
    return np.concatenate([matrices, *(pair[:, None] for pair in pairs)], axis=1)


def _covariance(variances: Floats, nodes: int) -> Floats:
    """Return the matrix from the variances of the nodes and of the sums of every two."""
    found = np.diag(variances[:nodes])
    for (first, second), of_sum in zip(combinations(range(nodes), 2), variances[nodes:], strict=True):
        found[first, second] = found[second, first] = (of_sum - variances[first] - variances[second]) / 2
    return found
