"""The months of a source's conformed responses: which there are, which of them new objects touch, and their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.lake import Lake, conformed

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # imports pandas, which takes a second

IDENTITY = pa.schema([pa.field("response_id", pa.string())])
ROW = pa.field("row", pa.int64())
ROWS_A_BLOCK = 65_536
# DuckDB knows no size of a stream, takes it for small and would hold all of it: what is on the right of a join is held.
BUILD_RIGHT = "SET disabled_optimizers = 'build_side_probe_side'"


def all_months(lake: Lake, round_id: str, source: str) -> list[str]:
    """Return every month for which conformed files are there, sorted."""
    return sorted({month_of(path) for path in lake.glob(conformed(round_id, source, "*", "*"))})


def affected_months(lake: Lake, round_id: str, source: str, shas: list[str], known: Collection[str] = ()) -> list[str]:
    """Return the months to screen again once these objects are conformed.

    Those that the objects fall in, and those where another object holds a record that they hold too. `known` months
    are to be screened anyhow and not looked into: many objects one after the other do not cost their square.
    """
    paths = lake.glob(conformed(round_id, source, "*", "*"))
    own = [path for path in paths if PurePosixPath(path).stem in set(shas)]
    months = {month_of(path) for path in own}
    others = [path for path in paths if month_of(path) not in months.union(known)]
    if not own or not others:
        return sorted(months)
    with duckdb.connect() as connection:
        connection.execute(BUILD_RIGHT)
        connection.register("stream", read_blocks(lake, own, IDENTITY, IDENTITY.names))
        connection.execute("CREATE TEMP TABLE own AS SELECT DISTINCT response_id FROM stream")
        for month, files in groupby(others, month_of):
            connection.register("stream", read_blocks(lake, list(files), IDENTITY, IDENTITY.names))
            if connection.execute("SELECT 1 FROM stream SEMI JOIN own USING (response_id) LIMIT 1").fetchone():
                months.add(month)
    return sorted(months)


def month_of(path: str) -> str:
    """Return the month that a conformed file's folder names."""
    return PurePosixPath(path).parent.name.removeprefix("month=")


def dataset(lake: Lake, paths: Iterable[str], schema: pa.Schema) -> ds.Dataset:
    """Return files of the lake as one dataset; what a file lacks is null."""
    import pyarrow.dataset as ds

    return ds.dataset([lake.full(path) for path in paths], schema=schema, filesystem=lake.fs, format="parquet")


def read_blocks(lake: Lake, paths: list[str], schema: pa.Schema, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Return some columns of files, one file after the other, and `row`, which counts all rows from 0."""
    import pyarrow.dataset as ds

    wanted = pa.schema([schema.field(name) for name in columns])
    scanner = dataset(lake, paths, wanted).scanner(
        batch_size=ROWS_A_BLOCK,
        batch_readahead=2,
        fragment_readahead=1,
        fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False),  # it would hold a file's columns whole
    )
    return pa.RecordBatchReader.from_batches(wanted.append(ROW), _numbered(scanner.to_batches()))


def _numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        yield batch.append_column(ROW, pa.array(np.arange(first, first + len(batch))))
        first += len(batch)
