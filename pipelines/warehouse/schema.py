"""Makes the declared schemas, tables and views in a warehouse, and checks that what is there is what is declared.

It must not load rows. No foreign keys: DuckDB refuses to replace a row that another one refers to, and the warehouse
is replaced partition by partition. No keys on DuckDB at all: with one, replacing a partition takes twenty times as
long. There the grain holds because every load is tested for it and replaces whole partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from pipelines.model.errors import InputError
from pipelines.model.table import Column, Table
from pipelines.warehouse.column_types import TYPES
from pipelines.warehouse.engine import writing
from pipelines.warehouse.lineage import views_in_order

Shape = dict[str, dict[str, str]]  # full name → column → type as information_schema says


def metadata(catalogue: Mapping[str, Table]) -> sa.MetaData:
    """Return the declared tables (not the views) as SQLAlchemy knows them."""
    made = sa.MetaData()
    for table in catalogue.values():
        if not table.query:
            columns = [_sql_column(column, table) for column in table.columns]
            sa.Table(table.name, made, *columns, _key(table), schema=table.schema, comment=comment(table))
    return made


def create_all(engine: sa.Engine, catalogue: Mapping[str, Table]) -> None:
    """Make what is declared and not yet there, in one transaction; running it again changes nothing.

    Raises:
        InputError: a table that is there has other columns than declared, or a view's query gives others.
    """
    views = views_in_order(catalogue)
    tables = [table for table in catalogue.values() if not table.query]
    with writing(engine) as connection:
        for schema in sorted({table.schema for table in catalogue.values()}):
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        for made in metadata(catalogue).sorted_tables:
            connection.execute(sa.schema.CreateTable(made, if_not_exists=True))
        _check(connection, tables, "export what is needed, drop the table and load it again")
        _replace_views(connection, views)
        _check(connection, views, "let query.sql and table.yml name the same columns, with CAST where a type differs")
        if connection.dialect.name == "postgresql":
            _write_comments(connection, catalogue.values())


def comment(described: Table | Column) -> str:
    """Return what the warehouse's own catalogue says of a table or column, in both languages."""
    unit = f" [{described.unit}]" if isinstance(described, Column) and described.unit else ""
    return f"{described.meaning_vi} / {described.meaning_en}{unit}"


def is_required(column: Column, table: Table) -> bool:
    """Whether every row must have a value: by its check `not_null`, and without one if it belongs to the grain."""
    return bool(column.checks.get("not_null", column.name in table.grain))


def _sql_column(column: Column, table: Table) -> sa.Column:
    return sa.Column(
        column.name,
        TYPES[column.type].sql,
        nullable=not is_required(column, table),
        autoincrement=False,
        comment=comment(column),
    )


def _key(table: Table) -> sa.Constraint:
    """The grain as primary key of PostgreSQL; where it may hold a null, which no primary key may, as unique."""
    grain = [column for column in table.columns if column.name in table.grain]
    is_primary = all(is_required(column, table) for column in grain)
    constraint = sa.PrimaryKeyConstraint(*table.grain) if is_primary else sa.UniqueConstraint(*table.grain)
    return constraint.ddl_if(dialect="postgresql")


def _replace_views(connection: sa.Connection, views: list[Table]) -> None:
    """Create the views anew. One whose columns changed is dropped first: PostgreSQL would refuse to replace it."""
    there = _shapes(connection)
    if any(view.full_name in there and _difference(view, there) for view in views):
        for view in reversed(views):
            connection.execute(sa.text(f"DROP VIEW IF EXISTS {view.full_name}"))
    # With the reader's own rights: an ordinary view of PostgreSQL would show its owner's rows to anybody.
    rights = " WITH (security_invoker = true)" if connection.dialect.name == "postgresql" else ""
    for view in views:
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {view.full_name}{rights} AS\n{view.query}")


def _check(connection: sa.Connection, tables: Iterable[Table], remedy: str) -> None:
    there = _shapes(connection)
    for table in tables:
        if difference := _difference(table, there):
            where = f"{table.full_name} of the warehouse, sql/{table.schema}/{table.name}/table.yml"
            raise InputError(f"the warehouse differs from the declaration: {difference}", where, remedy)


def _shapes(connection: sa.Connection) -> Shape:
    found = connection.execute(
        sa.text("SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns")
    )
    shapes: Shape = {}
    for schema, table, column, kind in found:
        shapes.setdefault(f"{schema}.{table}", {})[column] = kind.lower()
    return shapes


def _difference(table: Table, there: Shape) -> str:
    """Say in words how the columns that are there differ from the declared ones; empty where they do not."""
    found = there[table.full_name]
    declared = {column.name: column.type for column in table.columns}
    missing = [name for name in declared if name not in found]
    extra = [name for name in found if name not in declared]
    mistyped = [
        f"{name} is {found[name]}, declared {kind}"
        for name, kind in declared.items()
        if name in found and found[name] not in TYPES[kind].catalogue_names
    ]
    parts = {"missing": missing, "not declared": extra, "other type": mistyped}
    return "; ".join(f"{label}: {', '.join(names)}" for label, names in parts.items() if names)


def _write_comments(connection: sa.Connection, tables: Iterable[Table]) -> None:
    """Write the comments of tables and views, changed texts included."""
    for table in tables:
        kind = "VIEW" if table.query else "TABLE"
        _comment(connection, f"{kind} {table.full_name}", comment(table))
        for column in table.columns:
            _comment(connection, f"COLUMN {table.full_name}.{_quoted(connection, column.name)}", comment(column))


def _comment(connection: sa.Connection, subject: str, text: str) -> None:
    literal = sa.literal(text).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    connection.exec_driver_sql(f"COMMENT ON {subject} IS {literal}")


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
