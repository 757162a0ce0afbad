"""Rows gathered on local disk, block by block, so that memory does not grow with the size of a landed object.

Files of the lake are made from it at the end; it must not write to the lake itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.lake import texts_of


class Spool:
    """Tables of one schema under keys (months); `file` gives all of one key as a single Parquet file."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """Start empty; `folder` is there and belongs to the spool alone."""
        self._folder, self._schema = folder, schema
        self._parts: dict[str, list[Path]] = {}
        self.rows = 0

    @property
    def keys(self) -> list[str]:
        """Keys that hold rows, sorted."""
        return sorted(self._parts)

    def add(self, table: pa.Table, keys: pa.Array) -> None:
        """Take rows, each under its own key."""
        for key in keys.unique().to_pylist():
            rows = table.filter(pc.equal(keys, key))
            parts = self._parts.setdefault(key, [])
            parts.append(self._folder / f"{key}.{len(parts)}.arrow")
            with pa.OSFile(str(parts[-1]), "wb") as sink, pa.ipc.new_file(sink, self._schema) as writer:
                writer.write_table(rows)
        self.rows += len(table)

    def file(self, key: str) -> Path:
        """Write the rows of a key, in the order in which they came, and return the file."""
        path = self._folder / f"{key}.parquet"
        with pq.ParquetWriter(path, self._schema, compression="zstd", use_dictionary=texts_of(self._schema)) as writer:
            for table in self._tables(key):
                writer.write_table(table)
        return path

    def _tables(self, key: str) -> Iterator[pa.Table]:
        for part in self._parts.get(key, []):
            with pa.memory_map(str(part)) as source:
                yield pa.ipc.open_file(source).read_all()
