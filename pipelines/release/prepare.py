"""The last door before the files: declared public columns only, in declared types and a fixed order."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from pipelines.model.errors import InputError
from pipelines.model.publication import Publication, PublishedTable
from pipelines.release.rows import fields_of, schema_of


def publishable(publication: Publication) -> Publication:
    """Return the publication with each table in its declared columns, types and order of rows.

    Raises:
        InputError: a table carries a column that is not declared public, or lacks one that is.
    """
    return replace(publication, tables={name: _settled(name, table) for name, table in publication.tables.items()})


def _settled(name: str, table: PublishedTable) -> PublishedTable:
    fields = fields_of(table.declaration.columns)
    public = [field.name for field in fields]
    _refuse(name, "not declared public", set(table.rows.column_names) - set(public))
    _refuse(name, "declared public but absent", set(public) - set(table.rows.column_names))
    rows = table.rows.select(public).cast(schema_of(fields))
    return replace(table, rows=_in_order(rows, table.declaration.grain))


def _refuse(name: str, what: str, columns: set[str]) -> None:
    if columns:
        raise InputError(
            f"columns {', '.join(sorted(columns))} are {what}", name, "cut the rows to the public columns of table.yml"
        )


def _in_order(rows: pa.Table, grain: tuple[str, ...]) -> pa.Table:
    first = [name for name in grain if name in rows.column_names]
    rest = [name for name in rows.column_names if name not in first]
    return rows.sort_by([(name, "ascending") for name in first + rest]).combine_chunks()
