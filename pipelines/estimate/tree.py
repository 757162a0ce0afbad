"""From an index tree to a matrix of coefficients over its leaves; it must not see an answer.

Every node is a linear combination of its leaves, so estimates of all nodes are one matrix product, and their exact
covariance two: C·mean and C·cov·Cᵀ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.model.method import Combination, Node


def inner_nodes(tree: Node) -> dict[str, dict[str, float]]:
    """Return the nodes above the leaves → leaf below → relative weight, parents before children.

    Weights are 1 where all are equal, so that sums over whole points stay whole and add up exactly.
    """
    codes, matrix = coefficients(tree)
    rows = dict(zip(codes, matrix, strict=True))
    return {node.code: _relative(node, rows[node.code], tree) for node in tree.walk() if node.children}


def _relative(node: Node, row: Floats, tree: Node) -> dict[str, float]:
    weights = {leaf.code: float(weight) for leaf, weight in zip(tree.leaves, row, strict=True) if weight != 0}
    return dict.fromkeys(weights, 1.0) if len(set(weights.values())) == 1 else weights


def valid_in(tree: Node, year: int) -> Node | None:
    """Return the tree as it is in a year; None where nothing of it is valid. A node that loses all children goes."""
    if not tree.valid_in(year):
        return None
    if not tree.children:
        return tree
    children = tuple(kept for child in tree.children if (kept := valid_in(child, year)) is not None)
    return replace(tree, children=children) if children else None


def coefficients(tree: Node, available: Bools | None = None) -> tuple[tuple[str, ...], Floats]:
    """Return the codes of all nodes, parents before children, and their coefficients: nodes × leaves.

    Args:
        tree: POOLED gives every leaf below equal weight; MEAN divides by the sum of the children's weights, SUM does
            not. The weight of a node counts in its parent.
        available: which leaves have a value. POOLED and MEAN are then taken over what is available (the means of
            what was answered); a SUM lacks a part and has no value. A node without value is a row of NaN.
    """
    leaves = {leaf.code: column for column, leaf in enumerate(tree.leaves)}
    has_value = np.ones(len(leaves), dtype=bool) if available is None else available
    rows: dict[str, Floats] = {}
    for node in reversed(list(tree.walk())):
        if node.children:
            rows[node.code] = _combine(node, rows, leaves, has_value)
        else:
            unit = np.full(len(leaves), 0.0 if has_value[leaves[node.code]] else np.nan)
            unit[leaves[node.code]] += 1.0
            rows[node.code] = unit
    codes = tuple(node.code for node in tree.walk())
    return codes, np.array([rows[code] for code in codes])


def _combine(node: Node, rows: dict[str, Floats], leaves: dict[str, int], has_value: Bools) -> Floats:
    if node.combination is Combination.POOLED:
        below = np.isin(np.arange(len(leaves)), [leaves[leaf.code] for leaf in node.leaves]) & has_value
        return below / below.sum() if below.any() else np.full(len(leaves), np.nan)
    parts, weights = np.array([rows[child.code] for child in node.children]), _weights(node)
    missing = np.isnan(parts).any(axis=1)
    if node.combination is Combination.SUM:
        return weights @ parts
    if missing.all():
        return np.full(len(leaves), np.nan)
    return weights[~missing] @ parts[~missing] / weights[~missing].sum()


def _weights(node: Node) -> Floats:
    return np.array([child.weight for child in node.children])


class TreeMatrix:
    """The coefficients of a tree for any set of available leaves, each set worked out once."""

    def __init__(self, tree: Node) -> None:
        """Work out the complete tree."""
        self.tree = tree
        self.codes, self.complete = coefficients(tree)
        self._known: dict[bytes, Floats] = {}

    def given(self, available: Bools) -> Floats:
        """Return `coefficients` for the available leaves."""
        if available.tobytes() not in self._known:
            self._known[available.tobytes()] = coefficients(self.tree, available)[1]
        return self._known[available.tobytes()]

    def patterns(self, available: Bools) -> Patterns:
        """Return the coefficients of many domains, `available` being domains × leaves."""
        known, pattern = np.unique(available, axis=0, return_inverse=True)
        return Patterns(np.array([self.given(one) for one in known]), pattern)


@dataclass(frozen=True)
class Patterns:
    """Coefficients of domains, most of which have the same leaves and so the same matrix.

    Args:
        matrices: patterns × nodes × leaves, NaN where a node has no value.
        pattern: number of each domain's matrix.
    """

    matrices: Floats
    pattern: Ints

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.matrices.shape[1]

    def combine(self, values: Floats, domain: Ints) -> Floats:
        """Return C·x, C the matrix of the domain, for every row x of values (entries × leaves): entries × nodes."""
        found = np.empty((len(values), self.nodes))
        for own, matrix in self._by_pattern(domain):
            found[own] = values[own] @ matrix.T
        return found

    def quadratic(self, values: Floats, domain: Ints) -> Floats:
        """Return the diagonal of C·M·Cᵀ for every matrix M of values (entries × leaves × leaves): entries × nodes."""
        found = np.empty((len(values), self.nodes))
        for own, matrix in self._by_pattern(domain):
            found[own] = ((matrix @ values[own]) * matrix).sum(axis=2)
        return found

    def _by_pattern(self, domain: Ints) -> Iterator[tuple[Ints | slice, Floats]]:
        if len(self.matrices) == 1:
            yield slice(None), self.matrices[0]
            return
        of_entry = self.pattern[domain]
        order = np.argsort(of_entry, kind="stable")
        starts = np.flatnonzero(np.diff(of_entry[order], prepend=-1))
        for own in np.split(order, starts[1:]):
            yield own, self.matrices[of_entry[own[0]]]
