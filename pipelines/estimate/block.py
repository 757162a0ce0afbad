"""Sums of one block of responses by group: the inner loop of the tally, NumPy on plain arrays.

It must not know how blocks are joined, nor check a design.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from pipelines.estimate.spec import Codes, Floats, Ints, TallySpec
from pipelines.model.errors import InputError

ONE_THREAD = 1 << 18  # multiplications up to which BLAS keeps a product on one thread: tasks share the cores already


@dataclass(frozen=True)
class Block:
    """Responses as arrays: `codes[column]` is code + 1, or 0 where there is no answer; `weight` is None without one."""

    spec: TallySpec
    table: pa.Table
    codes: dict[str, Codes]
    weight: Floats | None

    @classmethod
    def of(cls, table: pa.Table, spec: TallySpec) -> Block:
        """Read the coded columns and the weight; an unknown code or an unusable weight is an InputError."""
        codes = {column: _codes(table[column], column, allowed) for column, allowed in spec.options.items()}
        return cls(spec, table, codes, _weight(table[spec.weight], spec.weight) if spec.weight else None)

    @cached_property
    def item_codes(self) -> Codes:
        """Codes of the items: responses × items."""
        return np.column_stack([self.codes[item] for item in self.spec.items])

    def groups(self, breakdown: str) -> tuple[list[tuple[str, ...]], Ints]:
        """Return the keys of the groups that occur, and the group of each response."""
        columns = [self.table[name] for name in (*((breakdown,) if breakdown else ()), *self.spec.key[2:])]
        combined, parts = np.zeros(self.table.num_rows, dtype=np.int64), []
        for column in columns:
            position, names = _positions(column)
            combined = combined * max(len(names), 1) + position
            parts.append(names)
        encoded = pa.array(combined).dictionary_encode()
        keys = _unravel(encoded.dictionary.to_numpy(), parts)
        if not breakdown:
            keys = [("", *key) for key in keys]
        return [(breakdown, *key) for key in keys], encoded.indices.to_numpy().astype(np.int64)

    def sums(self, group: Ints, groups: int) -> dict[str, np.ndarray]:
        """Return the additive sums by group, except second moments, as `TallySpec.sums` names them."""
        ones, weight = np.ones(len(group)), self.weight
        used = ones if weight is None else weight
        indicator = sparse.csr_matrix((ones, group, np.arange(len(group) + 1)), shape=(len(group), groups)).T
        found: dict[str, np.ndarray] = {
            "n": np.bincount(group, minlength=groups)[:, None],
            "weight": np.bincount(group, used, groups)[:, None],
            "weight2": np.bincount(group, used * used, groups)[:, None],
            "count": self._counts(group, groups, None),
        }
        answered, squares = self._own_totals
        found["answered"] = np.rint(indicator @ answered).astype(np.int64)
        found["squares"] = indicator @ (squares if weight is None else squares * weight[:, None])
        if weight is not None:
            found["count_weight"] = self._counts(group, groups, weight)
            found["count_weight2"] = self._counts(group, groups, weight * weight)
            powers = [answered * weight[:, None], answered * (weight * weight)[:, None]]
            found["answered_weight"] = indicator @ np.hstack(powers)
        return found

    def _counts(self, group: Ints, groups: int, weight: Floats | None) -> np.ndarray:
        kind = np.int64 if weight is None else np.float64
        found = np.empty((groups, self.spec.sums["count"][0]), dtype=kind)
        for column, allowed in self.spec.options.items():
            width = max(allowed, default=-1) + 2
            cells = np.bincount(group * width + self.codes[column], weight, groups * width).reshape(groups, width)
            found[:, self.spec.slots[column]] = cells[:, np.asarray(allowed, dtype=int) + 1]
        return found

    @cached_property
    def _own_totals(self) -> tuple[Floats, Floats]:
        """By response: whether it answered each node, and Y², YD, D² of its own totals; measure by measure."""
        rows, nodes = self.table.num_rows, len(self.spec.nodes)
        step = max(ONE_THREAD // max(self.spec.members.size, 1), 1)
        answered = np.empty((rows, len(self.spec.measures), nodes))
        squares = np.empty((rows, len(self.spec.measures), 3, nodes))
        for number, measure in enumerate(self.spec.measures):
            points, valid = self.spec.scale(measure)
            for start in range(0, rows, step):
                slab = slice(start, start + step)
                codes = self.item_codes[slab]
                y, d = points[codes] @ self.spec.members, valid[codes] @ self.spec.members
                answered[slab, number] = d > 0
                squares[slab, number] = np.stack([y * y, y * d, d * d], axis=1)
        return answered.reshape(rows, -1), squares.reshape(rows, -1)

    def moments(self, group: Ints, groups: int, measure: str) -> Floats:
        """Return Σw²vvᵀ by group, packed: groups × upper triangle, v = (points, validity) of all items."""
        points, valid = self.spec.scale(measure)
        width = 2 * len(self.spec.items)
        upper, step = np.triu_indices(width), max(ONE_THREAD // width**2, 1)
        found = np.empty((groups, len(upper[0])))
        for number, rows in enumerate(_runs(group, groups)):
            total = np.zeros((width, width))
            for start in range(0, len(rows), step):
                some = rows[start : start + step]
                codes = self.item_codes[some]
                v = np.hstack([points[codes], valid[codes]])
                if self.weight is not None:
                    v *= self.weight[some, None]
                total += v.T @ v
            found[number] = total[upper]
        return found


def _runs(group: Ints, groups: int) -> Iterator[Ints]:
    """Yield the rows of each group, in the order of the responses."""
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(group, minlength=groups))[:-1])


def _codes(column: pa.ChunkedArray, name: str, allowed: tuple[int, ...]) -> Codes:
    """Return code + 1, and 0 for no answer."""
    answers = pc.drop_null(pc.unique(column)).to_pylist()
    if unknown := sorted(set(answers) - set(allowed)):
        raise InputError(
            f"code {unknown[0]} is not an option of “{name}” (options: {', '.join(map(str, allowed))})",
            f"column {name}",
            "screen the responses with the instrument of the round before they are tallied",
        )
    shifted = pc.add(pc.cast(column, pa.int16()), pa.scalar(1, pa.int16()))
    return pc.cast(pc.fill_null(shifted, 0), pa.uint8()).to_numpy()


def _weight(column: pa.ChunkedArray, name: str) -> Floats:
    weight = column.cast(pa.float64()).to_numpy()
    bad = ~np.isfinite(weight) | (weight < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{int(bad.sum())} weights are missing, negative or not finite (first: {weight[row]})",
            f"column {name}",
            "every response needs a weight of 0 or more",
        )
    return weight


def _positions(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Return each value's position in the list of distinct texts; a missing value is the empty text."""
    text = pc.fill_null(column.cast(pa.string()), "").combine_chunks()
    encoded = text.dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _unravel(combined: Ints, parts: list[list[str]]) -> list[tuple[str, ...]]:
    shape = tuple(max(len(names), 1) for names in parts)
    positions = np.unravel_index(combined, shape) if parts else ()
    columns = [[names[i] for i in at] for names, at in zip(parts, positions, strict=True)]
    return list(zip(*columns, strict=True))
