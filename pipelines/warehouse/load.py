"""Loads rows into the warehouse and reads them back, as Arrow tables.

Loads replace: the partition's old rows go and the new ones come in one transaction, so running twice changes nothing
and a failure leaves everything as it was. It must not create tables or change a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa

from pipelines.model.errors import InputError
from pipelines.model.table import Table
from pipelines.warehouse.column_types import TYPES, declared_type
from pipelines.warehouse.engine import writing
from pipelines.warehouse.rows import conform
from pipelines.warehouse.schema import metadata

Value = str | int
COPY_ROWS = 65_536  # rows turned into text at a time on the way to PostgreSQL
STAGED = "rows_to_load"  # the name under which DuckDB sees the Arrow table
POSTGRESQL_TYPES: dict[Any, str] = {  # object identifier of a type → declared type
    16: "boolean",
    20: "integer",
    21: "integer",
    23: "integer",
    25: "text",
    700: "double",
    701: "double",
    1043: "text",
    1082: "date",
    1184: "timestamp",
    1700: "double",
}


@dataclass(frozen=True)
class Load:
    """The rows that a partition of a table shall have; `key` gives a value to each of the table's partition columns.

    A table without partition columns is replaced as a whole (`key` empty). No rows: the partition is emptied.
    """

    table: str
    key: Mapping[str, Value]
    rows: pa.Table


def replace(engine: sa.Engine, catalogue: Mapping[str, Table], loads: Sequence[Load]) -> None:
    """Replace partitions by new rows: all loads, or none of them.

    Raises:
        InputError: a table is not declared or is a view, columns or values do not fit the declaration, or two loads
            would replace the same partition; names all that is wrong, and nothing was changed.
    """
    checked = [(load, conform(load.rows, _loadable(catalogue, load), load.key)) for load in loads]
    _refuse_twice(loads)
    tables = metadata(catalogue).tables
    with writing(engine) as connection:
        for load, rows in checked:
            table = tables[load.table]
            matches = [table.c[name] == value for name, value in sorted(load.key.items())]
            connection.execute(sa.delete(table).where(*matches))
            _insert(connection, table, rows)


def read(engine: sa.Engine, table: Table, where: Mapping[str, Value] | None = None) -> pa.Table:
    """Return rows of a table or view with the declared types, sorted by its grain.

    Args:
        engine: the warehouse.
        table: the declaration.
        where: column → value that rows must have.

    Raises:
        InputError: `where` names a column that the table does not have.
    """
    source = sa.table(table.name, *(sa.column(column.name) for column in table.columns), schema=table.schema)
    if unknown := sorted(set(where or {}) - set(source.c.keys())):
        raise InputError(f"no column {', '.join(unknown)}", table.full_name, "name a declared column")
    matches = [source.c[name] == value for name, value in (where or {}).items()]
    rows = _fetch(engine, sa.select(source).where(*matches), {})
    schema = pa.schema([(column.name, TYPES[column.type].arrow) for column in table.columns])
    # Sorted here and not by ORDER BY: PostgreSQL sorts text by the rules of its locale, DuckDB by bytes.
    return rows.cast(schema).sort_by([(name, "ascending") for name in table.grain])


def query(engine: sa.Engine, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
    """Return the rows of any SELECT (`:name` for parameters), with the same Arrow types from either engine.

    Whole numbers come as int64, decimals as doubles. The order is that of the query.
    """
    return _fetch(engine, sa.text(sql), params or {})


def _loadable(catalogue: Mapping[str, Table], load: Load) -> Table:
    table = catalogue.get(load.table)
    if table is None:
        raise InputError("the table is not declared", load.table, "declare it under sql/")
    if table.query:
        raise InputError("a view cannot be loaded", load.table, "load the tables that it reads")
    return table


def _refuse_twice(loads: Sequence[Load]) -> None:
    seen: list[tuple[str, dict[str, Value]]] = []
    for load in loads:
        target = (load.table, dict(load.key))
        if target in seen:
            raise InputError(f"two loads replace the same partition {target[1]}", load.table, "put the rows together")
        seen.append(target)


def _insert(connection: sa.Connection, table: sa.Table, rows: pa.Table) -> None:
    if not rows.num_rows:
        return  # DuckDB may wait for ever for the first batch of an Arrow table that has none
    prepare = connection.dialect.identifier_preparer
    target, names = prepare.format_table(table), ", ".join(prepare.quote(name) for name in rows.column_names)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        _copy(driver, f"COPY {target} ({names}) FROM STDIN (FORMAT csv)", rows)
        return
    driver.register(STAGED, rows)
    connection.exec_driver_sql(f"INSERT INTO {target} ({names}) SELECT {names} FROM {STAGED}")
    driver.unregister(STAGED)


def _copy(driver: Any, statement: str, rows: pa.Table) -> None:
    """Send rows as CSV, where a null is an empty field and an empty text is a quoted one."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in rows.to_batches(COPY_ROWS):
            sink = pa.BufferOutputStream()
            pyarrow.csv.write_csv(batch, sink, options)
            copy.write(sink.getvalue().to_pybytes())


def _fetch(engine: sa.Engine, statement: sa.sql.base.Executable, params: Mapping[str, Any]) -> pa.Table:
    with engine.connect() as connection:
        if connection.dialect.name == "duckdb":
            return _fetch_duckdb(connection, statement, params)
        return _fetch_postgresql(connection.execute(statement, params))


def _fetch_duckdb(connection: sa.Connection, statement: Any, params: Mapping[str, Any]) -> pa.Table:
    """Let DuckDB hand over Arrow itself; through rows of Python objects it would take twenty times as long."""
    compiled = statement.compile(connection)
    values = compiled.construct_params(params)
    driver: Any = connection.connection.driver_connection
    rows = driver.sql(str(compiled), params=[values[name] for name in compiled.positiontup or ()]).to_arrow_table()
    kinds = [declared_type(field.type) for field in rows.schema]
    types = [TYPES[kind].arrow if kind else field.type for kind, field in zip(kinds, rows.schema, strict=True)]
    return rows.cast(pa.schema(list(zip(rows.column_names, types, strict=True))))


def _fetch_postgresql(result: sa.CursorResult) -> pa.Table:
    described = list(result.cursor.description) if result.cursor else []
    kinds = [POSTGRESQL_TYPES.get(column[1]) for column in described]
    columns = list(zip(*result.fetchall(), strict=True)) or [()] * len(described)
    arrays = [
        pa.array([float(value) if kind == "double" and value is not None else value for value in values], _arrow(kind))
        for kind, values in zip(kinds, columns, strict=True)
    ]
    return pa.table(arrays, names=[column[0] for column in described])


def _arrow(kind: str | None) -> pa.DataType | None:
    return TYPES[kind].arrow if kind else None
