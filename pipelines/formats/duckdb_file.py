"""A DuckDB file for BI tools: the tables with comments on every table and column, and the facts of the release.

Written in storage version v1.5.0, so that DuckDB 1.5 and later can open it. DuckDB puts a random identifier into each
new file: its bytes differ from one writing to the next, its rows do not (the manifest holds their hashes).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.formats.dictionary import COLUMNS, entries
from pipelines.formats.tables import public_columns, public_rows
from pipelines.model.publication import Format, Publication, PublishedTable

FILE = "release.duckdb"


def _write(publication: Publication) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_text(str(path))} AS file (STORAGE_VERSION 'v1.5.0', BLOCK_SIZE 16384)")
            connection.execute("USE file")
            _fill(connection, publication)
            connection.execute("USE memory")
            connection.execute("DETACH file")
        return {FILE: path.read_bytes()}


def _fill(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    for name, table in publication.tables.items():
        _create(connection, name, public_rows(table))
        _comment(connection, name, table)
    dictionary = {name: [entry[name] for entry in entries(publication)] for name in COLUMNS}
    _create(connection, "dictionary", pa.table(dictionary))
    _create(connection, "release", pa.table({key: [value] for key, value in _facts(publication).items()}))


def _create(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("incoming", rows)
    connection.execute(f"CREATE TABLE {_name(name)} AS SELECT * FROM incoming")
    connection.unregister("incoming")


def _comment(connection: duckdb.DuckDBPyConnection, name: str, table: PublishedTable) -> None:
    about = f"{table.declaration.meaning_vi} | {table.declaration.meaning_en}"
    connection.execute(f"COMMENT ON TABLE {_name(name)} IS {_text(about)}")
    for column in public_columns(table):
        meaning = f"{column.meaning_vi} | {column.meaning_en}"
        connection.execute(f"COMMENT ON COLUMN {_name(name)}.{_name(column.name)} IS {_text(meaning)}")


def _facts(publication: Publication) -> dict[str, str]:
    return {
        "release_id": publication.release_id,
        "round_id": publication.round.id,
        "title_vi": publication.round.title_vi,
        "title_en": publication.round.title_en,
        "method": publication.method.id,
        "frozen_on": publication.frozen_on,
    }


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


FORMAT = Format("duckdb", {"vi": "Tệp DuckDB cho công cụ BI", "en": "DuckDB file for BI tools"}, _write)
