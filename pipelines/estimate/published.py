"""Scores of an index whose leaves are published by others (PAPI): summed, withheld, ranked and grouped.

Their standard errors are not published, so none is given here; it must not fill in a missing leaf.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.estimate.rank import with_ranks
from pipelines.estimate.reliability import AS_PUBLISHED
from pipelines.estimate.scores import SCHEMA, table_of
from pipelines.estimate.spec import Floats
from pipelines.estimate.tree import coefficients, valid_in
from pipelines.model.errors import InputError
from pipelines.model.method import Node

MEASURE = "score"


def published_scores(leaves: pa.Table, tree: Node, year: int, measure: str = MEASURE) -> pa.Table:
    """Return the scores of all nodes for every unit, in the columns of `index_scores`.

    Args:
        leaves: `unit_code`, `node_code`, `score` (null: not published); one row a unit and leaf.
        tree: the index tree; only nodes valid in `year` are used.
        year: of the scores.
        measure: name of the measure.

    A node lacks a score where a leaf below it has none: it is flagged `suppress` with the reason `withheld` and
    left out of ranks and groups; all others are flagged `as_published`, for nothing tells how reliable they are. Raises
    InputError for a leaf that the tree does not have in that year, a unit and leaf given twice, or a score outside the
    leaf's range.
    """
    in_year = valid_in(tree, year)
    if in_year is None:
        raise InputError(f"the index has no node in {year}", tree.code, "choose a year that the method covers")
    units, values = _matrix(leaves, in_year, year)
    codes, matrix = coefficients(in_year)
    nodes = {node.code: node for node in in_year.walk()}
    scores = np.array([_scores(matrix, row) for row in values]).reshape(-1)
    missing = np.isnan(scores)
    columns: dict[str, np.ndarray] = {name: np.full(len(scores), np.nan) for name in SCHEMA.names}
    columns |= {name: np.full(len(scores), "", dtype=object) for name in ("breakdown", "category")}
    columns["ci_method"] = np.full(len(scores), None, dtype=object)
    columns["measure"] = np.full(len(scores), measure, dtype=object)
    columns["unit_code"] = np.repeat(np.array(units, dtype=object), len(codes))
    columns["node_code"] = np.tile(np.array(codes, dtype=object), len(units))
    columns["node_level"] = np.array([str(nodes[code].level) for code in columns["node_code"]], dtype=object)
    columns["score"] = scores
    columns["flag"] = np.where(missing, "suppress", AS_PUBLISHED).astype(object)
    columns["flag_reason"] = np.where(missing, "withheld", "no_standard_error").astype(object)
    _expect_in_range(columns, nodes)
    columns |= with_ranks(columns, np.zeros(len(scores)))
    return table_of(columns)


def _scores(complete: Floats, row: Floats) -> Floats:
    """Return the scores of one unit; a node without all its leaves has none."""
    known = ~np.isnan(row)
    lacking = (complete[:, ~known] != 0).any(axis=1)
    return np.where(lacking, np.nan, complete @ np.nan_to_num(row))


def _matrix(leaves: pa.Table, tree: Node, year: int) -> tuple[list[str], Floats]:
    """Return the units, sorted, and their leaf scores, units × leaves; NaN where there is none."""
    column = {leaf.code: i for i, leaf in enumerate(tree.leaves)}
    rows = list(zip(*(leaves[name].to_pylist() for name in ("unit_code", "node_code", "score")), strict=True))
    units = sorted({unit for unit, _, _ in rows})
    place = {unit: i for i, unit in enumerate(units)}
    values, seen = np.full((len(units), len(column)), np.nan), set()
    for unit, code, score in rows:
        where = f"unit {unit}, node {code}"
        if code not in column:
            raise InputError(f"the index has no such leaf in {year}", where, "use the codebook of that year")
        if (unit, code) in seen:
            raise InputError("the score is there twice", where, "keep one")
        seen.add((unit, code))
        values[place[unit], column[code]] = np.nan if score is None else score
    return units, values


def _expect_in_range(columns: dict[str, np.ndarray], nodes: dict[str, Node]) -> None:
    for unit, code, score in zip(columns["unit_code"], columns["node_code"], columns["score"], strict=True):
        node = nodes[code]
        low = -np.inf if node.minimum is None else node.minimum
        high = np.inf if node.maximum is None else node.maximum
        if not node.children and (score < low or score > high):
            raise InputError(
                f"{score:g} is outside the range {low:g} to {high:g}",
                f"unit {unit}, node {code}",
                "correct the score; a score that is withheld is left blank, never 0",
            )
