"""Parquet: one file a table with exact types, for analysis; meanings of the columns travel in its metadata."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.formats.tables import public_columns, public_rows
from pipelines.model.publication import Format, Publication, PublishedTable


def _to_parquet(table: PublishedTable) -> bytes:
    fields = [
        field.with_metadata({"meaning_vi": column.meaning_vi, "meaning_en": column.meaning_en, "unit": column.unit})
        for field, column in zip(public_rows(table).schema, public_columns(table), strict=True)
    ]
    rows = public_rows(table).cast(pa.schema(fields))
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _write(publication: Publication) -> dict[str, bytes]:
    return {f"{name}.parquet": _to_parquet(table) for name, table in publication.tables.items()}


FORMAT = Format("parquet", {"vi": "Parquet (dữ liệu cho phân tích)", "en": "Parquet (data for analysis)"}, _write)
