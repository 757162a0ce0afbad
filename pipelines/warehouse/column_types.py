"""What each declared column type is in SQL and in Arrow: the one table that all of the warehouse follows.

It must not know any table. Times are kept with their zone and read back as UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa


@dataclass(frozen=True)
class ColumnType:
    """One declared type; `catalogue_names` is what `information_schema` of DuckDB and of PostgreSQL call it."""

    sql: sa.types.TypeEngine
    arrow: pa.DataType
    catalogue_names: tuple[str, str]


TYPES: dict[str, ColumnType] = {
    "text": ColumnType(sa.Text(), pa.string(), ("varchar", "text")),
    "integer": ColumnType(sa.BigInteger(), pa.int64(), ("bigint", "bigint")),
    "double": ColumnType(sa.Double(), pa.float64(), ("double", "double precision")),
    "boolean": ColumnType(sa.Boolean(), pa.bool_(), ("boolean", "boolean")),
    "date": ColumnType(sa.Date(), pa.date32(), ("date", "date")),
    "timestamp": ColumnType(
        sa.TIMESTAMP(timezone=True),
        pa.timestamp("us", tz="UTC"),
        ("timestamp with time zone", "timestamp with time zone"),
    ),
}


def declared_type(arrow: pa.DataType) -> str | None:
    """Return the declared type that holds values of an Arrow type without loss of meaning, or None.

    A time without zone has none: nobody could say which moment it is. Decimals become doubles.
    """
    tests = {
        "text": pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow),
        "integer": pa.types.is_integer(arrow),
        "double": pa.types.is_floating(arrow) or pa.types.is_decimal(arrow),
        "boolean": pa.types.is_boolean(arrow),
        "date": pa.types.is_date(arrow),
        "timestamp": pa.types.is_timestamp(arrow) and arrow.tz is not None,
    }
    return next((name for name, holds in tests.items() if holds), None)
