"""Rows for any declared table, made from its declaration: every type, every language, nulls where they are allowed."""

import datetime as dt

import pyarrow as pa

from pipelines.model.table import Column, Table
from pipelines.warehouse.column_types import TYPES
from pipelines.warehouse.schema import is_required

TEXTS = ("Hòa Thành", "", 'có "nháy", dấu phẩy', "xuống\ndòng", "\\N", "ưỡng ộ 😀", "NULL", " ", "a-b", "aB")
NOON = dt.datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)


def sample(table: Table, key: dict, count: int = 10) -> pa.Table:
    """Return rows of a partition; the grain is unique, every third optional value is null."""
    columns = {
        column.name: pa.array(
            [key.get(column.name, _value(column, table, row)) for row in range(count)], TYPES[column.type].arrow
        )
        for column in table.columns
    }
    return pa.table(columns)


def _value(column: Column, table: Table, row: int):
    if not is_required(column, table) and row % 3 == 2:
        return None
    if "in" in column.checks:
        return column.checks["in"][row % len(column.checks["in"])]
    return {
        "text": TEXTS[row % len(TEXTS)] + ("" if row < len(TEXTS) else str(row)),
        "integer": row + 1,
        "double": [0.1, 1 / 3, 1e-300, 83.94, 100.0, 2**53 + 0.0, -0.0, 5e-324, 1e22, 1.7976931348623157e308][row % 10],
        "boolean": row % 2 == 0,
        "date": dt.date(1900, 1, 1) + dt.timedelta(days=row),
        "timestamp": NOON + dt.timedelta(hours=7 * row),
    }[column.type]
