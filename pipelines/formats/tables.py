"""Cutting a published table to what its declaration makes public; every format takes its rows from here."""

from __future__ import annotations

import pyarrow as pa

from pipelines.model.publication import PublishedTable
from pipelines.model.table import Column


def public_columns(table: PublishedTable) -> tuple[Column, ...]:
    """Return the declarations of the public columns, in order."""
    return tuple(column for column in table.declaration.columns if column.public)


def public_rows(table: PublishedTable) -> pa.Table:
    """Return the rows with the public columns only, in declared order."""
    return table.rows.select([column.name for column in public_columns(table)])
