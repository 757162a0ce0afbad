"""Opens the warehouse: a DuckDB file or a PostgreSQL database behind one SQLAlchemy engine.

DuckDB lets one process hold its file, so a connection is opened for one transaction, waits for its turn and is closed
at once. It must not know any table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from pipelines.model.errors import InputError, WarehouseError

STORAGE_VERSION = "v1.5.0"  # so that BI tools with an older DuckDB can open the file
BUSY = "Could not set lock"  # what DuckDB says while another process holds the file
WRITER = 7_152_023  # any number: the one advisory lock that writers of a PostgreSQL warehouse take


def open_engine(url: str, patience: float = 60.0) -> sa.Engine:
    """Return an engine for a warehouse; nothing is opened until it is used.

    Args:
        url: SQLAlchemy URL, `duckdb:///folder/warehouse.duckdb` or `postgresql://user@host/database`.
        patience: seconds to wait for a DuckDB file that another process holds.

    Raises:
        InputError: the URL names no DuckDB file and no PostgreSQL database.
        WarehouseError: (when used) the warehouse cannot be reached, or stays busy longer than `patience`.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "duckdb":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        config = {
            "storage_compatibility_version": STORAGE_VERSION,
            "autoinstall_known_extensions": "false",
            "TimeZone": "UTC",
        }
        engine = sa.create_engine(parsed, poolclass=NullPool, connect_args={"config": config})
    else:
        engine = sa.create_engine(parsed, poolclass=NullPool, connect_args={"options": "-c timezone=UTC"})
    sa.event.listen(engine, "do_connect", _connector(parsed.render_as_string(), patience))
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction of the only writer: committed at the end, rolled back on any error, on either engine."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:writer)"), {"writer": WRITER})
        yield connection


def _parse(url: str) -> sa.URL:
    remedy = "set HAILONG_WAREHOUSE, e.g. duckdb:////srv/hailong/warehouse.duckdb or postgresql://hailong@db/hailong"
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise InputError("the warehouse's address is no SQLAlchemy URL", "HAILONG_WAREHOUSE", remedy) from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "duckdb":
        raise InputError(f"no warehouse on “{parsed.get_backend_name()}”", "HAILONG_WAREHOUSE", remedy)
    if parsed.database in (None, "", ":memory:"):
        raise InputError("a DuckDB warehouse is a file; in memory it would be lost", "HAILONG_WAREHOUSE", remedy)
    return parsed


def _connector(shown: str, patience: float) -> Any:
    """Return the function that connects, waiting for a busy DuckDB file; `shown` is the URL without its password."""

    def connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        until = time.monotonic() + patience
        while True:
            try:
                return dialect.connect(*arguments, **options)
            except dialect.loaded_dbapi.Error as error:
                if BUSY not in str(error):
                    raise _unreachable(error, shown) from error
                if time.monotonic() > until:
                    remedy = "close the program that the message names, or try again later"
                    raise WarehouseError(f"the warehouse stays busy: {error}", shown, remedy) from error
                time.sleep(random.uniform(0.02, 0.07))  # random, so that waiting processes do not march in step

    return connect


def _unreachable(error: Exception, shown: str) -> WarehouseError:
    return WarehouseError(f"the warehouse cannot be opened: {error}", shown, "check HAILONG_WAREHOUSE and the server")
