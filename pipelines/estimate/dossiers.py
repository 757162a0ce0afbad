"""Scores from the dossiers of a one-stop or portal system: points by dossier and their means, and rates of faults.

All dossiers of a unit are counted, so there is no sampling error and no interval. Everything follows from additive
counts of dossiers by level, which are returned beside the scores. It must not decide which dossiers count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.estimate.rank import with_ranks
from pipelines.estimate.reliability import FULL_COUNT
from pipelines.estimate.scores import SCHEMA, table_of
from pipelines.estimate.shares import SCHEMA as SHARES
from pipelines.estimate.spec import Bools, Floats
from pipelines.estimate.tree import coefficients
from pipelines.model.dossier import DossierRules, Fault, LevelOf, PointRule, RateRule
from pipelines.model.method import Node

if TYPE_CHECKING:
    import pandas as pd  # takes a second, which every other stage would wait

POINTS, RATE = "points", "rate"
WHOLE = ("", "")
Cell = tuple[str, str, str]  # unit, breakdown, category


@dataclass(frozen=True)
class _Cell:
    """Dossiers of one unit and category: how many, and how many at each level of each question."""

    dossiers: int
    levels: Mapping[str, Mapping[int, int]]


def dossier_scores(
    dossiers: pa.Table,
    tree: Node,
    rules: DossierRules,
    units: Sequence[str],
    breakdowns: Sequence[str] = (),
    rollups: Mapping[str, Sequence[str]] | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Return the score table (columns of `index_scores`) and the counts of dossiers (columns of `option_shares`).

    Args:
        dossiers: one row a dossier: the fields of `rules.layout`, typed.
        tree: the index tree; a sum, for which a leaf that does not apply adds nothing.
        rules: the rule of each leaf.
        units: units evaluated; one without dossiers is there, with no score.
        breakdowns: fields of the dossier whose categories are scored besides the whole unit.
        rollups: higher unit → units below, pooled.

    A question of the counts is the code of a leaf, its answers the levels (below 0, equal 1, above 2; the count; the
    code), or `<leaf>:<fault>` with 1 for dossiers that have it. A leaf without any level does not apply: it has no
    score, is flagged `suppress` with the reason `not_applicable`, and the total leaves it out.
    """
    rollups = rollups or {}
    frame = _frame(dossiers)
    questions = _questions(frame, rules)
    cells = dict(_cells(frame, questions, units, breakdowns, rollups))
    parts = [_scores(cell, found, tree, rules) for cell, found in cells.items()]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in SCHEMA.names}
    columns |= with_ranks(columns, np.array([unit in rollups for unit in columns["unit_code"]]))
    if rules.classes:
        columns["group_no"] = _classes(columns, tree, rules)
    return table_of(columns), _counts(cells)


def class_of(total: float, bounds: Sequence[float]) -> int:
    """Return the class of a total, 1 the best: the first whose lower bound it reaches."""
    return 1 + next((at for at, bound in enumerate(bounds) if total >= bound), len(bounds) - 1)


def _questions(frame: pd.DataFrame, rules: DossierRules) -> dict[str, Floats]:
    """Return question → level of every dossier; NaN where it has none."""
    questions = {rule.node: _levels(frame, rule) for rule in rules.points}
    for rate in rules.rates:
        questions |= {rate.question(fault): _has(frame, fault).astype(float) for fault in rate.faults}
    return questions


def _levels(frame: pd.DataFrame, rule: PointRule) -> Floats:
    if rule.level_of is LevelOf.COMPARE:
        taken, limit = (_numbers(frame[name]) for name in rule.fields)
        return np.sign(taken - limit) + 1
    last = max(rule.points)
    return np.minimum(_numbers(frame[rule.fields[0]]), last if rule.level_of is LevelOf.COUNT else np.inf)


def _has(frame: pd.DataFrame, fault: Fault) -> Bools:
    """Return which dossiers have a fault; a blank flag is a no.

    A dossier that is still open is late where its limit lies before the last day on which the data know of a dossier
    that was finished: until then it may still be in time.
    """
    if fault.any_of:
        return np.any([frame[name].fillna(False).astype(bool) for name in fault.any_of], axis=0)
    taken, limit = (_numbers(frame[name]) for name in fault.late)
    known_until = np.max(taken[~np.isnan(taken)], initial=-np.inf)
    return np.where(np.isnan(taken), known_until, taken) > limit


def _frame(dossiers: pa.Table) -> pd.DataFrame:
    """Return the dossiers with days as numbers, so that days and numbers compare alike; NaN where there is none."""
    days = {name for name in dossiers.column_names if pa.types.is_date32(dossiers.schema.field(name).type)}
    columns = {name: column.cast(pa.int32()) if name in days else column for name, column in _named(dossiers)}
    return pa.table(columns).to_pandas()


def _named(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def _numbers(values: pd.Series) -> Floats:
    return values.to_numpy(dtype=float, na_value=np.nan)


def _cells(
    frame: pd.DataFrame,
    questions: Mapping[str, Floats],
    units: Sequence[str],
    breakdowns: Sequence[str],
    rollups: Mapping[str, Sequence[str]],
) -> Iterator[tuple[Cell, _Cell]]:
    """Yield every unit and roll-up as a whole and by category, with its counts."""
    import pandas as pd

    of_unit = frame["unit_code"].to_numpy()
    above = {unit: parent for parent, below in rollups.items() for unit in below}
    parents = np.array([above.get(unit, "") for unit in of_unit], dtype=object)
    for owner, names in ((of_unit, sorted(units)), (parents, sorted(rollups))):
        rows_of = pd.Series(range(len(owner))).groupby(owner).indices
        for unit in names:
            rows = np.asarray(rows_of.get(unit, []), dtype=np.int64)
            yield (unit, *WHOLE), _count(questions, rows)
            for breakdown in breakdowns:
                categories = frame[breakdown].iloc[rows].fillna("").to_numpy()
                for category in sorted(set(categories)):
                    yield (unit, breakdown, category), _count(questions, rows[categories == category])


def _count(questions: Mapping[str, Floats], rows: np.ndarray) -> _Cell:
    levels = {}
    for name, values in questions.items():
        found, counts = np.unique(values[rows][~np.isnan(values[rows])], return_counts=True)
        levels[name] = dict(zip(found.astype(int).tolist(), counts.tolist(), strict=True))
    return _Cell(len(rows), levels)


def _scores(cell: Cell, found: _Cell, tree: Node, rules: DossierRules) -> dict[str, np.ndarray]:
    """Return the columns of one cell: all nodes in points, and the rates where the method has any."""
    points: dict[str, tuple[float, int]] = {}
    rates: dict[str, tuple[float, int]] = {}
    for rule in rules.points:
        points[rule.node] = _mean(found.levels[rule.node], rule.points)
    for rate in rules.rates:
        percent = _rate(found, rate)
        rates[rate.node] = percent, found.dossiers
        points[rate.node] = float(np.clip(percent / rate.full_from, 0, 1)) * rate.full_points, found.dossiers
    rows = [(POINTS, node, *figure) for node, figure in _nodes(points, tree, found.dossiers)]
    rows += [(RATE, node, *rates[node.code]) for node in tree.leaves if node.code in rates]
    return _columns(cell, rows)


def _mean(levels: Mapping[int, int], points: Mapping[int, float]) -> tuple[float, int]:
    n = sum(levels.values())
    total = sum(points[level] * count for level, count in levels.items())
    return (total / n if n else np.nan), n


def _rate(found: _Cell, rate: RateRule) -> float:
    """Return 100 less the percentage of each fault; NaN without a dossier, for which the item does not apply."""
    if not found.dossiers:
        return np.nan
    faults = sum(found.levels[rate.question(fault)].get(1, 0) for fault in rate.faults)
    return 100 * (found.dossiers - faults) / found.dossiers


def _nodes(
    leaves: Mapping[str, tuple[float, int]], tree: Node, dossiers: int
) -> Iterator[tuple[Node, tuple[float, int]]]:
    """Yield every node with score and n; what does not apply is left out of what is above it."""
    codes, matrix = coefficients(tree)
    values = np.array([leaves[leaf.code][0] for leaf in tree.leaves])
    applies = ~np.isnan(values)
    by_code = {node.code: node for node in tree.walk()}
    for code, row in zip(codes, matrix, strict=True):
        used = applies & (row != 0)
        n = leaves[code][1] if code in leaves else dossiers
        yield by_code[code], (float(row[used] @ values[used]) if used.any() else np.nan, n)


def _columns(cell: Cell, rows: Sequence[tuple[str, Node, float, int]]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {name: np.full(len(rows), np.nan) for name in SCHEMA.names}
    for name, value in zip(("unit_code", "breakdown", "category"), cell, strict=True):
        columns[name] = np.full(len(rows), value, dtype=object)
    columns["ci_method"] = np.full(len(rows), None, dtype=object)
    columns["measure"] = np.array([measure for measure, *_ in rows], dtype=object)
    columns["node_code"] = np.array([node.code for _, node, *_ in rows], dtype=object)
    columns["node_level"] = np.array([str(node.level) for _, node, *_ in rows], dtype=object)
    columns["score"] = np.array([score for *_, score, _ in rows], dtype=float)
    columns["n"] = np.array([n for *_, n in rows], dtype=float)
    lacking = np.isnan(columns["score"])
    columns["flag"] = np.where(lacking, "suppress", FULL_COUNT).astype(object)
    columns["flag_reason"] = np.where(lacking, "not_applicable", "all_dossiers").astype(object)
    return columns


def _classes(columns: Mapping[str, np.ndarray], tree: Node, rules: DossierRules) -> np.ndarray:
    """Return the class of every total to which all leaves apply; 0 elsewhere, for bounds are those of all leaves."""
    assert rules.classes is not None
    found = np.zeros(len(columns["score"]), dtype=np.int64)
    maxima = {rule.node: max(rule.points.values()) for rule in rules.points}
    applies: dict[tuple[str, ...], float] = {}
    place = list(zip(*(columns[name] for name in ("measure", "unit_code", "breakdown", "category")), strict=True))
    for row, code in enumerate(columns["node_code"]):
        if code in maxima and not np.isnan(columns["score"][row]):
            applies[place[row]] = applies.get(place[row], 0.0) + maxima[code]
    for row in np.flatnonzero(columns["node_code"] == tree.code).tolist():
        if applies.get(place[row], 0.0) == rules.classes.maximum:
            found[row] = class_of(columns["score"][row], rules.classes.bounds)
    return found


def _counts(cells: Mapping[Cell, _Cell]) -> pa.Table:
    """Return the counts of dossiers by level, with their shares in percent; a full count has no standard error."""
    rows = []
    for (unit, breakdown, category), found in cells.items():
        for question, levels in found.levels.items():
            total = sum(levels.values())
            place = {"unit_code": unit, "breakdown": breakdown, "category": category, "question_code": question}
            rows += [
                place | {"answer_code": level, "n": count, "share": 100 * count / total, "se": None}
                for level, count in sorted(levels.items())
            ]
    return pa.Table.from_pylist(rows, SHARES)
