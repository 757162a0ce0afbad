"""The true values: every node of the index tree over the whole finite population, in every measure.

Computed from all potential answers by the definition of each measure and node, and by no estimator, so that it can
judge the estimators.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.model.method import Combination, Measure, Method, Node
from pipelines.simulate.population import Population

Counts = NDArray[np.int64]  # (items, levels)


def true_values(population: Population) -> pa.Table:
    """Return one row for each unit, node and measure.

    Columns: round_id, unit_code, breakdown (empty: all members), node_code, measure, value (unrounded, in the unit of
    the measure) and population. A parent that is listed among the units has the members of
    all its units.
    """
    method, spec = population.method, population.spec
    rows = [
        (spec.round_id, unit, "", node, measure.name, value, int(counts[0].sum()))
        for unit, counts in sorted(count_answers(population).items())
        for measure in method.measures
        for node, value in node_values(method, measure, population.codes, counts).items()
    ]
    names = ("round_id", "unit_code", "breakdown", "node_code", "measure", "value", "population")
    return pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})


def count_answers(population: Population) -> dict[str, Counts]:
    """Return how many members give each code to each item, by unit and by listed parent."""
    counts: dict[str, Counts] = {}
    for index, code in enumerate(population.unit_codes):
        answers = population.answers[population.unit == index]
        counts[code] = np.stack([(answers == level).sum(axis=0) for level in population.codes], axis=1)
    known = {unit.unit_code for unit in population.spec.units}
    parents: dict[str, Counts] = {}
    for unit in population.spec.units:
        if unit.unit_code in counts and unit.parent_code in known:
            parents[unit.parent_code] = parents.get(unit.parent_code, 0) + counts[unit.unit_code]
    return counts | parents


def node_values(method: Method, measure: Measure, codes: NDArray[np.int8], counts: Counts) -> dict[str, float]:
    """Return the value of every node of the tree in one measure, given the answer counts of all items."""
    points = np.array([measure.points[int(code)] for code in codes])
    items = dict(zip(method.items, (counts @ points / counts.sum(axis=1)).tolist(), strict=True))
    return {node.code: _value(node, items) for node in method.tree.walk()}


def _value(node: Node, items: dict[str, float]) -> float:
    if not node.children:
        return items[node.code]
    if node.combination is Combination.POOLED:
        return float(np.mean([items[leaf.code] for leaf in node.leaves]))
    total = sum(child.weight * _value(child, items) for child in node.children)
    if node.combination is Combination.SUM:
        return total
    return total / sum(child.weight for child in node.children)
