"""A warehouse on each engine. PostgreSQL is real: a throw-away server of the system's binaries, one a session."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from pipelines.model.table import Table
from pipelines.warehouse import create_all, load_catalogue, open_engine

PROJECT = Path(__file__).resolve().parents[2]
DEBIAN = Path("/usr/lib/postgresql")
OLDEST = 15  # the first with security_invoker views


def postgresql_binaries() -> Path | None:
    """The folder with the newest server's programs, where there is one that is new enough."""
    versions = {int(path.parent.parent.name): path.parent for path in DEBIAN.glob("[0-9]*/bin/initdb")}
    return versions[max(versions)] if versions and max(versions) >= OLDEST else None


@contextmanager
def postgresql_server(binaries: Path) -> Iterator[Path]:
    """A server on a Unix socket in the folder that is given; it and its data are gone at the end.

    It refuses to run as root, so root starts it as the user `postgres`. Its locale sorts text otherwise than by bytes,
    and its clock is in Vietnam, as a real server's would.
    """
    folder = Path(tempfile.mkdtemp(prefix="hailong-pg-"))
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = str(folder / "data")
    locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=vi"]
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c timezone=Asia/Ho_Chi_Minh"

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / program), "-D", data, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--no-sync", *locale)
        run("pg_ctl", "start", "--wait", "--log", str(folder / "log"), "-o", settings)
        try:
            yield folder
        finally:
            run("pg_ctl", "stop", "--mode=immediate", "--wait")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql_folder() -> Iterator[Path]:
    """Where the session's server listens; without server binaries the test is skipped, and says so."""
    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip(f"POSTGRESQL {OLDEST}+ ABSENT: no initdb below {DEBIAN}; nothing was tested on PostgreSQL")
    with postgresql_server(binaries) as folder:
        yield folder


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Table]:
    """The declarations of this project."""
    return load_catalogue(PROJECT)


@pytest.fixture
def duckdb_url(tmp_path: Path) -> str:
    """The URL of a file that is not there yet."""
    return f"duckdb:///{tmp_path}/new/folder/warehouse.duckdb"


@pytest.fixture
def postgresql_url(postgresql_folder: Path, numbers: Iterator[int]) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    with _database(postgresql_folder, f"test_{next(numbers)}", "template1") as url:
        yield url


@pytest.fixture(params=["duckdb", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty warehouse, once on each engine."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(scope="session")
def duckdb_template(tmp_path_factory: pytest.TempPathFactory, catalogue: dict[str, Table]) -> Path:
    """A DuckDB file with every declared table, to be copied."""
    path = tmp_path_factory.mktemp("template") / "warehouse.duckdb"
    create_all(open_engine(f"duckdb:///{path}"), catalogue)
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_folder: Path, catalogue: dict[str, Table]) -> Iterator[str]:
    """The name of a database with every declared table, to be copied."""
    with _database(postgresql_folder, "declared", "template1") as url:
        create_all(open_engine(url), catalogue)
        yield "declared"


@pytest.fixture
def duckdb(duckdb_template: Path, tmp_path: Path) -> sa.Engine:
    """A DuckDB warehouse with every declared table."""
    path = shutil.copy(duckdb_template, tmp_path)
    return open_engine(f"duckdb:///{path}")


@pytest.fixture
def postgresql(postgresql_folder: Path, postgresql_template: str, numbers: Iterator[int]) -> Iterator[sa.Engine]:
    """A PostgreSQL warehouse with every declared table."""
    with _database(postgresql_folder, f"test_{next(numbers)}", postgresql_template) as url:
        yield open_engine(url)


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest) -> sa.Engine:
    """A warehouse with every declared table, once on each engine."""
    return request.getfixturevalue(request.param)


@contextmanager
def _database(server: Path, name: str, template: str) -> Iterator[str]:
    with psycopg.connect(f"host={server} user=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield f"postgresql://postgres@/{name}?host={server}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
