"""The months of a source's conformed responses: which there are, which of them new objects touch, and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.lake import Lake, conformed

if TYPE_CHECKING:
    import pyarrow.dataset as ds  # imports pandas, which takes a second

ROW = pa.field("row", pa.int64())
ROWS_A_BLOCK = 65_536


def all_months(lake: Lake, round_id: str, source: str) -> list[str]:
    """Return every month for which conformed files are there, sorted."""
    return sorted({month_of(path) for path in lake.glob(conformed(round_id, source, "*", "*"))})


def affected_months(lake: Lake, round_id: str, source: str, shas: list[str]) -> list[str]:
    """Return the months to screen again once these objects are conformed.

    Those that the objects fall in, and those where another object holds a record that they hold too.
    """
    paths = lake.glob(conformed(round_id, source, "*", "*"))
    own = [path for path in paths if PurePosixPath(path).stem in set(shas)]
    months = {month_of(path) for path in own}
    others = [path for path in paths if month_of(path) not in months]
    if not own or not others:
        return sorted(months)
    with duckdb.connect() as connection:
        connection.register("own", _identities(lake, own))
        connection.register("other", _identities(lake, others))
        found = connection.sql("SELECT DISTINCT month FROM other SEMI JOIN own USING (response_id)").fetchall()
    return sorted(months | {str(month) for (month,) in found})


def month_of(path: str) -> str:
    """Return the month that a conformed file's folder names."""
    return PurePosixPath(path).parent.name.removeprefix("month=")


def dataset(lake: Lake, paths: Iterable[str], schema: pa.Schema) -> ds.Dataset:
    """Return files of the lake as one dataset; what a file lacks is null."""
    import pyarrow.dataset as ds

    return ds.dataset([lake.full(path) for path in paths], schema=schema, filesystem=lake.fs, format="parquet")


def read_blocks(lake: Lake, paths: list[str], schema: pa.Schema, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Return some columns of files, one file after the other, and `row`, which counts all rows from 0."""
    wanted = pa.schema([schema.field(name) for name in columns])
    scanner = dataset(lake, paths, wanted).scanner(batch_size=ROWS_A_BLOCK, batch_readahead=2, fragment_readahead=1)
    return pa.RecordBatchReader.from_batches(wanted.append(ROW), _numbered(scanner.to_batches()))


def _numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        yield batch.append_column(ROW, pa.array(np.arange(first, first + len(batch))))
        first += len(batch)


def _identities(lake: Lake, paths: list[str]) -> ds.Dataset:
    import pyarrow.dataset as ds

    month = pa.field("month", pa.string())
    return ds.dataset(
        [lake.full(path) for path in paths],
        schema=pa.schema([pa.field("response_id", pa.string()), month]),
        filesystem=lake.fs,
        format="parquet",
        partitioning=ds.HivePartitioning(pa.schema([month])),
    )
