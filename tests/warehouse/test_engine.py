"""Opening a warehouse: addresses, one writer at a time, and what is said when it cannot be opened."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb as driver
import pytest
from declared_rows import sample

from pipelines.model.errors import InputError, WarehouseError
from pipelines.warehouse import Load, create_all, open_engine, query, read, replace

HERE = Path(__file__).parent
LOADS = 3
EXPECTED = sorted(f"{name}-{number}" for name in ("one", "two") for number in range(LOADS))
WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_engine import loaded_by
from pipelines.warehouse import load_catalogue
loaded_by(sys.argv[1], load_catalogue(Path(sys.argv[3]).parents[1]), sys.argv[2])
"""
HOLDER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def start(script: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def loaded_by(url: str, catalogue: dict, name: str) -> None:
    engine = open_engine(url)
    create_all(engine, catalogue)
    for number in range(LOADS):
        key = {"round_id": f"{name}-{number}"}
        replace(engine, catalogue, [Load("mart.answer_count", key, sample(catalogue["mart.answer_count"], key))])


def rounds_of(url: str, catalogue: dict) -> list[str]:
    rows = read(open_engine(url), catalogue["mart.answer_count"])
    assert rows.num_rows == 2 * LOADS * 10
    return sorted(set(rows["round_id"].to_pylist()))


def test_two_processes_that_create_and_load_one_duckdb_file_at_once_both_succeed(duckdb_url, catalogue):
    writers = [start(WRITER, duckdb_url, name, str(HERE)) for name in ("one", "two")]
    for writer in writers:
        _, said = writer.communicate(timeout=200)
        assert writer.returncode == 0, said
    assert rounds_of(duckdb_url, catalogue) == EXPECTED


def test_two_clients_that_create_and_load_one_postgresql_at_once_both_succeed(postgresql_url, catalogue):
    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(loaded_by, postgresql_url, catalogue, name) for name in ("one", "two")]
        for client in clients:
            client.result(timeout=200)
    assert rounds_of(postgresql_url, catalogue) == EXPECTED


def test_a_writer_waits_for_a_file_that_another_program_holds(duckdb, catalogue):
    path = duckdb.url.database
    holder = start(HOLDER, path, "0.7")
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    rows = sample(catalogue["ref.unit"], {})
    replace(duckdb, catalogue, [Load("ref.unit", {}, rows)])
    assert time.monotonic() - began > 0.3
    assert read(duckdb, catalogue["ref.unit"]).num_rows == rows.num_rows
    holder.communicate(timeout=30)


def test_a_file_held_for_too_long_is_an_error_that_names_it(duckdb):
    path = duckdb.url.database
    holder = start(HOLDER, path, "30")
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseError, match="stays busy") as caught:
            query(open_engine(f"duckdb:///{path}", patience=0.2), "SELECT 1")
        assert "warehouse.duckdb" in caught.value.where and "close the program" in caught.value.remedy
    finally:
        holder.kill()
        holder.communicate()


def test_the_file_is_free_after_each_transaction(duckdb, catalogue):
    read(duckdb, catalogue["ref.unit"])
    path = duckdb.url.database
    holder = start(HOLDER, path, "0")
    _, said = holder.communicate(timeout=30)
    assert holder.returncode == 0, said


def test_a_duckdb_file_keeps_the_storage_version_that_older_readers_know(duckdb, tmp_path):
    tags = query(duckdb, "SELECT tags['storage_version'] AS version FROM duckdb_databases() WHERE NOT internal")
    assert tags["version"].to_pylist() == ["v1.5.0+"]
    with driver.connect(tmp_path / "default.duckdb") as other:
        [[default]] = other.sql("SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert default != "v1.5.0+", "the setting is no longer needed"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "no SQLAlchemy URL"),
        ("sqlite:///warehouse.db", "no warehouse on “sqlite”"),
        ("duckdb://", "in memory it would be lost"),
        ("duckdb:///:memory:", "in memory it would be lost"),
    ],
)
def test_an_address_that_is_no_warehouse_is_refused(url, said):
    with pytest.raises(InputError, match=said) as caught:
        open_engine(url)
    assert caught.value.where == "HAILONG_WAREHOUSE" and caught.value.remedy


def test_a_server_that_does_not_answer_is_an_error_without_the_password(tmp_path):
    engine = open_engine(f"postgresql://someone:hush@/warehouse?host={tmp_path}")
    with pytest.raises(WarehouseError, match="cannot be opened") as caught:
        query(engine, "SELECT 1")
    assert "hush" not in str(caught.value) and "someone" in caught.value.where


def test_a_file_that_is_no_duckdb_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "w.duckdb").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(WarehouseError, match=r"cannot be opened.*w\.duckdb"):
        query(open_engine(f"duckdb:///{tmp_path}/w.duckdb"), "SELECT 1")
