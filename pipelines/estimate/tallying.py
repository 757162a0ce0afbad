"""The tally: one streaming pass from responses to additive sums, and the exact merge of tallies.

Memory depends on the number of cells, never on the number of responses. It must not estimate anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipelines.estimate.block import Block
from pipelines.estimate.moments import squares_of_moments
from pipelines.estimate.spec import TallySpec
from pipelines.model.errors import InputError

BLOCK_ROWS = 1 << 19
ADDED_ROWS = 256


def tally(batches: Iterable[pa.RecordBatch], spec: TallySpec) -> pa.Table:
    """Tally responses in one pass; rows are sorted by key, with the overall cells under breakdown ``""``.

    A missing value of a breakdown or stratum column is the category ``""``. Raises InputError for a missing column,
    unit or PSU, a code that is no option, a negative or missing weight.
    """
    cells = _Cells(spec)
    for table in _blocks(batches, spec):
        block = Block.of(table, spec)
        for breakdown in ("", *spec.breakdowns):
            keys, group = block.groups(breakdown)
            slots = cells.slots(keys)
            cells.add(slots, block.sums(group, len(keys)))
            if not spec.is_clustered:
                for measure in spec.measures:
                    cells.add(slots, {f"moments_{measure}": block.moments(group, len(keys), measure)})
    if spec.has_plain_moments:
        squares = squares_of_moments(spec.members)
        cells.sums["squares"] = np.hstack([cells.sums[f"moments_{measure}"] @ squares for measure in spec.measures])
    return cells.table()


def merge(tables: Iterable[pa.Table], spec: TallySpec) -> pa.Table:
    """Add up tallies of disjoint sets of responses, all made with `spec`.

    The tables are added in an order that depends on their content alone: the same tables in any order give the same
    bytes, also where sums are not whole numbers.
    """
    cells = _Cells(spec)
    for table in sorted(tables, key=_fingerprint):
        _expect_schema(table, spec)
        cells.add(cells.slots(keys_of(table, spec)), {name: sums_of(table, name) for name in spec.sums})
    return cells.table()


def keys_of(table: pa.Table, spec: TallySpec) -> list[tuple[str, ...]]:
    """Return the key of every row of a tally."""
    return list(zip(*(table[name].to_pylist() for name in spec.key), strict=True))


def sums_of(table: pa.Table, name: str) -> np.ndarray:
    """Return one sum column of a tally as a matrix rows × numbers, without a copy where Arrow allows it."""
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy(zero_copy_only=False)[:, None]
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)


class _Cells:
    """Running sums by key, in arrays that grow with the number of keys."""

    def __init__(self, spec: TallySpec) -> None:
        self.spec = spec
        self.index: dict[tuple[str, ...], int] = {}
        self.sums: dict[str, np.ndarray] = {
            name: np.zeros((16, width), dtype=kind) for name, (width, kind) in spec.sums.items()
        }

    def slots(self, keys: list[tuple[str, ...]]) -> np.ndarray:
        """Return the row of each key, making room for new ones."""
        found = np.fromiter((self.index.setdefault(key, len(self.index)) for key in keys), np.int64, len(keys))
        for name, array in self.sums.items():
            if len(self.index) > len(array):
                grown = np.zeros((max(len(self.index), 2 * len(array)), array.shape[1]), dtype=array.dtype)
                grown[: len(array)] = array
                self.sums[name] = grown
        return found

    def add(self, slots: np.ndarray, sums: dict[str, np.ndarray]) -> None:
        """Add sums to distinct rows, some at a time: no whole column is ever copied."""
        for name, values in sums.items():
            for start in range(0, len(slots), ADDED_ROWS):
                some = slice(start, start + ADDED_ROWS)
                self.sums[name][slots[some]] += values[some]

    def table(self) -> pa.Table:
        """Return the tally, sorted by key, and give the running sums up column by column: none is held twice."""
        keys = sorted(self.index)
        order = np.fromiter((self.index[key] for key in keys), np.int64, len(keys))
        texts = list(zip(*keys, strict=True)) if keys else [()] * len(self.spec.key)
        columns = [pa.array(list(column), pa.string()) for column in texts]
        for name in self.spec.sums:
            columns.append(_column(self.sums.pop(name)[order], self.spec.schema.field(name).type))
        return pa.Table.from_arrays(columns, schema=self.spec.schema)


def _column(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).ravel())
    if not pa.types.is_fixed_size_list(kind):
        return flat
    return pa.FixedSizeListArray.from_arrays(flat, type=kind) if kind.list_size else pa.array([[]] * len(values), kind)


def _blocks(batches: Iterable[pa.RecordBatch], spec: TallySpec) -> Iterator[pa.Table]:
    """Yield the columns that are read in blocks of about `BLOCK_ROWS` responses."""
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(_select(batch, spec))
        if sum(part.num_rows for part in pending) >= BLOCK_ROWS:
            yield pa.Table.from_batches(pending)
            pending = []
    if any(part.num_rows for part in pending):
        yield pa.Table.from_batches(pending)


def _select(batch: pa.RecordBatch, spec: TallySpec) -> pa.RecordBatch:
    if missing := [name for name in spec.columns if name not in batch.schema.names]:
        raise InputError(
            f"responses have no column {', '.join(f'“{name}”' for name in missing)}",
            "responses",
            "tally the responses with the method and round that they were screened with",
        )
    for name in (spec.unit, spec.psu):
        if name and (empty := batch[name].null_count):
            raise InputError(
                f"{empty} responses have no “{name}”",
                f"column {name}",
                "reject responses without it when they are conformed",
            )
    return batch.select(list(spec.columns))


def _fingerprint(table: pa.Table) -> bytes:
    digest = hashlib.blake2b()
    for name in table.column_names:
        is_text = pa.types.is_string(table.schema.field(name).type)
        digest.update("\0".join(table[name].to_pylist()).encode() if is_text else sums_of(table, name).tobytes())
    return digest.digest()


def _expect_schema(table: pa.Table, spec: TallySpec) -> None:
    if table.schema.names != spec.schema.names or table.schema.types != spec.schema.types:
        raise InputError(
            "a tally was made with another specification (method, options or design)",
            "tally",
            "tally its partition again, then merge",
        )
