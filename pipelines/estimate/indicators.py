"""Scores of a governance index from values of indicators: scaled to sub-dimensions, summed, with standard errors.

A node is an affine function of its indicators, s = a + C·x, so its variance is C·Σ·Cᵀ. Indicators of one survey are
not independent; where their covariances are not given, Σ is diagonal and the interval is labelled so. It must not fill
in an indicator that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pipelines.estimate.interval import t_interval
from pipelines.estimate.rank import with_ranks
from pipelines.estimate.reliability import flags
from pipelines.estimate.scores import SCHEMA, ScoreOptions, table_of
from pipelines.estimate.spec import Floats
from pipelines.estimate.tree import valid_in
from pipelines.model.errors import InputError
from pipelines.model.method import Combination, Node

MEASURE = "score"
Covariances = Mapping[str, Floats]


def indicator_scores(
    indicators: pa.Table,
    tree: Node,
    year: int,
    options: ScoreOptions | None = None,
    covariances: Covariances | None = None,
) -> pa.Table:
    """Return the scores of all nodes for every unit, in the columns of `index_scores`.

    Args:
        indicators: `unit_code`, `indicator`, `value`, `se`, `n`, `df` (null: not known); one row a unit and indicator.
        tree: the index tree, its leaves the indicators with their scales; only nodes valid in `year` are used.
        year: of the values.
        options: level and thresholds; whether respondents were a probability sample.
        covariances: unit → covariance of its indicators (leaves × leaves in the order of the tree of that year), NaN
            where it is not known. Indicators whose covariance is not known are taken as independent, and labelled so.

    n and df of a node are the smallest below it. Raises InputError for an indicator that the tree does not have in that
    year, one given twice, a value outside its scale, or a negative standard error.
    """
    in_year = valid_in(tree, year)
    if in_year is None:
        raise InputError(f"the index has no node in {year}", tree.code, "choose a year that the method covers")
    options = options or ScoreOptions()
    units, given = _matrices(indicators, in_year, year)
    codes, matrix, offset = affine(in_year)
    below = matrix != 0
    lacking = np.array([(below & np.isnan(row)).any(axis=1) for row in given["value"]]).reshape(len(units), len(codes))
    score = np.where(lacking, np.nan, np.nan_to_num(given["value"]) @ matrix.T + offset)
    together = _covariances(units, given["se"], covariances or {})
    se = np.where(lacking, np.nan, np.sqrt(np.einsum("ki,uij,kj->uk", matrix, np.nan_to_num(together), matrix)))
    n, df = (_smallest(below, given[name]) for name in ("n", "df"))
    known = np.isfinite(df)
    independent = np.einsum("ki,uij,kj->uk", below.astype(float), np.isnan(together).astype(float), below) > 0
    columns = _columns(in_year, units, codes, {"score": score, "se": se, "n": np.where(lacking, np.nan, n)})
    low, high = t_interval(score.ravel(), se.ravel(), df.ravel(), n.ravel(), options.level)
    columns |= {"ci_low": low, "ci_high": high, "ci_level": np.full(low.shape, options.level)}
    columns["df"] = np.where(known & ~lacking, df, np.nan).ravel()
    columns["ci_method"] = _labels(known.ravel(), independent.ravel(), options)
    return _flagged(columns, lacking.ravel(), options)


def affine(tree: Node) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return codes of all nodes, parents before children, with C (nodes × leaves) and a of s = a + C·x.

    A scaled node is minimum + (maximum − minimum) · Σ weight · (child − its minimum) / (its maximum − its minimum).
    """
    leaves = [leaf.code for leaf in tree.leaves]
    rows: dict[str, tuple[Floats, float]] = {}
    for node in reversed(list(tree.walk())):
        if not node.children:
            rows[node.code] = (np.array([float(code == node.code) for code in leaves]), 0.0)
            continue
        factors, constant = _factors(node)
        parts = [rows[child.code] for child in node.children]
        row = sum((factor * part for factor, (part, _) in zip(factors, parts, strict=True)), np.zeros(len(leaves)))
        rows[node.code] = row, constant + sum(f * part for f, (_, part) in zip(factors, parts, strict=True))
    codes = tuple(node.code for node in tree.walk())
    return codes, np.array([rows[code][0] for code in codes]), np.array([rows[code][1] for code in codes])


def _factors(node: Node) -> tuple[list[float], float]:
    """Return the factor of each child and the constant of a node."""
    weights = [child.weight for child in node.children]
    match node.combination:
        case Combination.SCALED:
            low, span = _scale(node)
            scales = [_scale(child) for child in node.children]
            factors = [span * weight / width for weight, (_, width) in zip(weights, scales, strict=True)]
            return factors, low - sum(f * least for f, (least, _) in zip(factors, scales, strict=True))
        case Combination.SUM:
            return weights, 0.0
        case Combination.MEAN:
            return [weight / sum(weights) for weight in weights], 0.0
    raise InputError(f"indicators cannot be {node.combination}", f"node {node.code}", "use scaled, sum or mean")


def _scale(node: Node) -> tuple[float, float]:
    if node.minimum is None or node.maximum is None:
        raise InputError("the node has no scale", f"node {node.code}", "write minimum and maximum")
    return node.minimum, node.maximum - node.minimum


def _covariances(units: list[str], se: Floats, covariances: Covariances) -> Floats:
    """Return the covariances of the indicators by unit, units × leaves × leaves; NaN where they are not known."""
    leaves = se.shape[1]
    found = np.full((len(units), leaves, leaves), np.nan)
    for row, unit in enumerate(units):
        if unit in covariances:
            found[row] = covariances[unit]
    diagonal = np.arange(leaves)
    own = found[:, diagonal, diagonal]
    found[:, diagonal, diagonal] = np.where(np.isnan(own), np.nan_to_num(se) ** 2, own)
    return found


def _smallest(below: np.ndarray, values: Floats) -> Floats:
    """Return the smallest value below each node, units × nodes; infinite where none is known."""
    known = np.where(np.isnan(values), np.inf, values)
    return np.array([np.where(below, row, np.inf).min(axis=1) for row in known]).reshape(len(values), len(below))


def _matrices(table: pa.Table, tree: Node, year: int) -> tuple[list[str], dict[str, Floats]]:
    """Return the units, sorted, and value, se, n and df, each units × leaves; NaN where there is none."""
    leaves = {leaf.code: (at, leaf) for at, leaf in enumerate(tree.leaves)}
    rows = table.select(["unit_code", "indicator", "value", "se", "n", "df"]).to_pylist()
    units = sorted({row["unit_code"] for row in rows})
    place = {unit: at for at, unit in enumerate(units)}
    found = {name: np.full((len(units), len(leaves)), np.nan) for name in ("value", "se", "n", "df")}
    for row in rows:
        where = f"unit {row['unit_code']}, indicator {row['indicator']}"
        if row["indicator"] not in leaves:
            raise InputError(f"the index has no such indicator in {year}", where, "use the codebook of that year")
        column, leaf = leaves[row["indicator"]]
        unit = place[row["unit_code"]]
        if not np.isnan(found["value"][unit, column]):
            raise InputError("the indicator is there twice", where, "keep one")
        _expect_possible(row["value"], row["se"], leaf, where)
        for name, values in found.items():
            values[unit, column] = np.nan if row[name] is None else row[name]
    return units, found


def _expect_possible(value: float, se: float, leaf: Node, where: str) -> None:
    low, high = leaf.minimum, leaf.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise InputError(f"{value:g} is outside the scale {low:g} to {high:g}", where, "correct the value")
    if not se >= 0:
        raise InputError(f"the standard error is {se:g}", where, "give a number from 0 up")


def _columns(tree: Node, units: list[str], codes: tuple[str, ...], figures: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the columns of the score table, still without what follows from the figures."""
    size = len(units) * len(codes)
    levels = {node.code: str(node.level) for node in tree.walk()}
    columns: dict[str, np.ndarray] = {name: np.full(size, np.nan) for name in SCHEMA.names}
    columns |= {name: np.full(size, "", dtype=object) for name in ("breakdown", "category")}
    columns["measure"] = np.full(size, MEASURE, dtype=object)
    columns["unit_code"] = np.repeat(np.array(units, dtype=object), len(codes))
    columns["node_code"] = np.tile(np.array(codes, dtype=object), len(units))
    columns["node_level"] = np.tile(np.array([levels[code] for code in codes], dtype=object), len(units))
    return columns | {name: values.ravel() for name, values in figures.items()}


def _labels(known: np.ndarray, independent: np.ndarray, options: ScoreOptions) -> np.ndarray:
    """Say how each interval was made: t or normal, whether independence or a model was assumed."""
    model = "" if options.probability_sample else "_model"
    words = np.where(known, "t", "normal").astype(object)
    return words + np.where(independent, "_independent", "").astype(object) + model


def _flagged(columns: dict[str, np.ndarray], lacking: np.ndarray, options: ScoreOptions) -> pa.Table:
    """Return the table with flags and ranks; a node without all its indicators is withheld."""
    judged = {name: columns[name] for name in ("score", "se", "ci_low", "ci_high", "df", "n", "n_eff")}
    flag, reason = flags(judged | {"percent": np.zeros(len(lacking))}, {}, options.thresholds)
    columns["flag"] = np.where(lacking, "suppress", np.array(flag, dtype=object)).astype(object)
    columns["flag_reason"] = np.where(lacking, "withheld", np.array(reason, dtype=object)).astype(object)
    freedom = np.nan_to_num(columns["df"], nan=np.inf)
    return table_of(columns | with_ranks(columns | {"df": freedom}, np.zeros(len(lacking))))
