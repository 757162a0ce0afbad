"""Checks that rows fit the declaration of their table, before a warehouse sees them.

All that is wrong is said at once. It changes the order of columns and the width of types, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.model.errors import InputError
from pipelines.model.table import Column, Table
from pipelines.warehouse.column_types import TYPES, declared_type
from pipelines.warehouse.schema import is_required


def conform(rows: pa.Table, table: Table, key: Mapping[str, str | int]) -> pa.Table:
    """Return the rows with the declared columns in the declared order and types.

    Args:
        rows: the rows; columns may come in any order, a column of nulls may have any type, no row needs no column.
        table: the declaration.
        key: partition column → its value in every row.

    Raises:
        InputError: columns are missing, not declared or of another type; a required value is null; a row is outside
            the partition or there twice; a number is not finite or a text holds NUL.
    """
    if rows.num_rows == 0 and not rows.column_names:
        rows = pa.table({column.name: pa.nulls(0) for column in table.columns})
    _refuse(_wrong_columns(rows, table) + _wrong_key(key, table), table)
    _refuse([fault for column in table.columns if (fault := _wrong_type(rows[column.name].type, column))], table)
    cast = _cast(rows, table)
    faults = [fault for column in table.columns for fault in _wrong_values(cast[column.name], column, table)]
    _refuse(faults + _wrong_partition(cast, key), table)
    _refuse(_twice(cast, table), table)
    return cast


def _refuse(faults: list[str], table: Table) -> None:
    if faults:
        remedy = f"give what sql/{table.schema}/{table.name}/table.yml declares"
        raise InputError("; ".join(faults), table.full_name, remedy)


def _wrong_columns(rows: pa.Table, table: Table) -> list[str]:
    declared = [column.name for column in table.columns]
    missing = [name for name in declared if name not in rows.column_names]
    extra = [name for name in rows.column_names if name not in declared]
    twice = sorted({name for name in rows.column_names if rows.column_names.count(name) > 1})
    parts = {"missing columns": missing, "columns not declared": extra, "columns given twice": twice}
    return [f"{label}: {', '.join(names)}" for label, names in parts.items() if names]


def _wrong_key(key: Mapping[str, str | int], table: Table) -> list[str]:
    if set(key) == set(table.partition):
        return []
    return [f"the key names {', '.join(sorted(key)) or 'nothing'}, the partition is {', '.join(table.partition)}"]


def _wrong_type(given: pa.DataType, column: Column) -> str:
    kind = "null" if pa.types.is_null(given) else declared_type(given)
    if kind in (column.type, "null") or (kind == "integer" and column.type == "double"):
        return ""
    return f"{column.name} is {given}, declared {column.type}"


def _cast(rows: pa.Table, table: Table) -> pa.Table:
    columns = {}
    for column in table.columns:
        try:
            columns[column.name] = rows[column.name].cast(TYPES[column.type].arrow)
        except pa.ArrowInvalid as error:  # e.g. a whole number that no double holds, nanoseconds
            _refuse([f"{column.name} would lose something as {column.type}: {error}"], table)
    return pa.table(columns)


def _wrong_values(values: pa.ChunkedArray, column: Column, table: Table) -> list[str]:
    faults = []
    if is_required(column, table) and values.null_count:
        faults.append(f"{column.name} is null in {values.null_count} rows, and every row must have a value")
    if column.type == "double" and pc.any(pc.invert(pc.is_finite(values))).as_py():
        faults.append(f"{column.name} holds NaN or infinity; null says that there is no value")
    if column.type == "text" and pc.any(pc.match_substring(values, "\0")).as_py():
        faults.append(f"{column.name} holds the character NUL")
    return faults


def _wrong_partition(rows: pa.Table, key: Mapping[str, str | int]) -> list[str]:
    outside = {name: pc.unique(rows[name]).to_pylist() for name in sorted(key)}
    return [
        f"{name} is {', '.join(map(str, values))}, the key says {key[name]}"
        for name, values in outside.items()
        if values not in ([], [key[name]])
    ]


def _twice(rows: pa.Table, table: Table) -> list[str]:
    counted = rows.group_by(list(table.grain)).aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted["count_all"], 1)).select(list(table.grain))
    if not repeated.num_rows:
        return []
    first = repeated.sort_by([(name, "ascending") for name in table.grain]).slice(0, 1).to_pylist()[0]
    return [f"{repeated.num_rows} keys are there more than once, the first: {first}"]
