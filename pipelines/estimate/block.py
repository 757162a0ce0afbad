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

from pipelines.estimate.points import Points
from pipelines.estimate.spec import Codes, Floats, Ints, TallySpec
from pipelines.model.errors import InputError

ONE_THREAD = 1 << 18  # multiplications up to which BLAS keeps a product on one thread: tasks share the cores already
SLAB_ROWS = 4096  # responses whose products stay in the processor's cache


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
        """Return the additive sums by group, named as in `TallySpec.sums`, but moments and what follows from them."""
        weight = self.weight
        used = np.ones(len(group)) if weight is None else weight
        found: dict[str, np.ndarray] = {
            "n": np.bincount(group, minlength=groups)[:, None],
            "weight": np.bincount(group, used, groups)[:, None],
            "weight2": np.bincount(group, used * used, groups)[:, None],
            "count": self._counts(group, groups, None),
        }
        if self.spec.has_plain_moments:
            answered = self._answered(group, groups)
        else:
            answered, found["squares"] = self._node_sums(group, groups)
        nodes = len(self.spec.measures) * len(self.spec.nodes)
        found["answered"] = np.rint(answered[:, :nodes]).astype(np.int64)
        if weight is not None:
            found["count_weight"] = self._counts(group, groups, weight)
            found["count_weight2"] = self._counts(group, groups, weight * weight)
            found["answered_weight"] = answered[:, nodes:]
        return found

    def _counts(self, group: Ints, groups: int, weight: Floats | None) -> np.ndarray:
        kind = np.int64 if weight is None else np.float64
        found = np.empty((groups, self.spec.sums["count"][0]), dtype=kind)
        for column, allowed in self.spec.options.items():
            width = max(allowed, default=-1) + 2
            cells = np.bincount(group * width + self.codes[column], weight, groups * width).reshape(groups, width)
            found[:, self.spec.slots[column]] = cells[:, np.asarray(allowed, dtype=int) + 1]
        return found

    def _answered(self, group: Ints, groups: int) -> Floats:
        """Return by group how many answered an item below each node, measure by measure."""
        validity = {measure: self.spec.scale(measure)[1] for measure in self.spec.measures}
        counts = {valid.tobytes(): np.zeros((groups, len(self.spec.nodes))) for valid in validity.values()}
        members = self.spec.members.astype(np.float32)
        for rows, present, starts in _slabs(group, groups):
            by_group = sparse.csr_matrix((np.ones(len(rows)), np.arange(len(rows)), starts))
            codes = self.item_codes[rows]
            for valid, found in counts.items():  # most measures hold the same codes for valid
                d = _product(np.frombuffer(valid).astype(np.float32).take(codes), members)
                found[present] += by_group @ (d > 0).astype(np.float64)
        return np.hstack([counts[valid.tobytes()] for valid in validity.values()])

    def _node_sums(self, group: Ints, groups: int) -> tuple[Floats, Floats]:
        """Return by group how many answered each node (then Σw and Σw² of them), and Y², YD, D² of own totals."""
        nodes = len(self.spec.measures) * len(self.spec.nodes)
        answered = np.zeros((groups, nodes if self.weight is None else 3 * nodes))
        squares = np.zeros((groups, 3 * nodes))
        for rows, present, starts in _slabs(group, groups):
            by_group = sparse.csr_matrix((np.ones(len(rows)), np.arange(len(rows)), starts))
            own = self._own_totals(self.item_codes[rows]).astype(np.float64)
            y, d = own[..., 0], own[..., 1]
            products = np.stack([y * y, y * d, d * d], axis=2).reshape(len(rows), -1)
            counted = (d > 0).reshape(len(rows), -1).astype(np.float64)
            if self.weight is not None:
                w = self.weight[rows, None]
                products *= w
                counted = np.hstack([counted, counted * w, counted * w * w])
            squares[present] += by_group @ products
            answered[present] += by_group @ counted
        return answered, squares

    def _own_totals(self, codes: Codes) -> np.ndarray:
        """Return own totals (Y, D) by the codes of items: responses × measures × nodes × 2."""
        totals = [_product(scale.of_codes(codes), members) for scale, members in self._node_scales]
        return np.stack(totals, axis=1).reshape(len(codes), len(totals), -1, 2)

    @cached_property
    def _node_scales(self) -> list[tuple[Points, np.ndarray]]:
        """By measure the points of an answer and what sums them up by node, in single precision where that is exact."""
        most = max(self.spec.members.sum(axis=0).max(initial=0.0), 1.0)
        scales = [Points.of(self.spec, measure, most) for measure in self.spec.measures]
        is_whole = bool((self.spec.members == np.rint(self.spec.members)).all())
        kind = np.result_type(np.float32 if is_whole else np.float64, *(scale.pairs.real for scale in scales))
        return [(scale, np.kron(self.spec.members, np.diag(scale.units)).astype(kind)) for scale in scales]

    def moments(self, group: Ints, groups: int, measure: str) -> Floats:
        """Return Σw²vvᵀ by group, packed: groups × upper triangle, v = (points, validity) of all items."""
        width = 2 * len(self.spec.items)
        step = max(ONE_THREAD // max(width * (width + 1), 1), 1)
        scale = Points.of(self.spec, measure, step)
        place = np.arange(width).reshape(-1, 2).T.ravel()  # of (points, validity) where both come in turn
        rows, columns = np.triu_indices(width)
        upper, units = place[rows] * width + place[columns], np.repeat(scale.units, width // 2)
        found, total = np.zeros((groups, len(upper))), np.empty((width, width))
        for some, present, starts in _slabs(group, groups):
            v = scale.of_codes(self.item_codes[some])
            if self.weight is not None:
                v = v * self.weight[some, None]
            for number, start, end in zip(present, starts[:-1], starts[1:], strict=True):
                total.fill(0.0)
                for at in range(start, end, step):
                    part = v[at : min(at + step, end)]
                    total += part.T @ part
                found[number] += total.take(upper)
        found *= units[rows] * units[columns]
        return found


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return rows × matrix, so few rows at a time that BLAS keeps to one thread."""
    step = max(ONE_THREAD // max(matrix.size, 1), 1)
    found = np.empty((len(rows), matrix.shape[1]), dtype=np.result_type(rows, matrix))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        np.matmul(rows[some], matrix, out=found[some])
    return found


def _slabs(group: Ints, groups: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield responses in the order of their groups, some at a time: which, their groups, and where each starts."""
    order = np.argsort(group.astype(np.min_scalar_type(groups)), kind="stable")  # 16 bits are sorted by radix
    for start in range(0, len(order), SLAB_ROWS):
        rows = order[start : start + SLAB_ROWS]
        starts = np.flatnonzero(np.diff(group[rows], prepend=-1))
        yield rows, group[rows][starts], np.append(starts, len(rows))


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
