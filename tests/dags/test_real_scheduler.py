"""The round on a real Airflow, by the code of `make run`: killed in the middle, then completed and published."""

import io
import os
import shutil
import signal
import time

import psutil
import pytest
import sqlalchemy as sa
from airflow_kit import ROUND, SOURCES, migrated_database
from rich.console import Console

from pipelines.demo.airflow import Runs
from pipelines.demo.flow import Progress, drive
from pipelines.demo.server import LEADER, STATISTICIAN, Server, session_of
from pipelines.settings import Settings
from pipelines.stages import latest_releases, open_context, verify_release
from pipelines.warehouse import open_engine

DRAFT = f"{ROUND}.1"
TABLES = ("mart.index_score", "mart.answer_count", "ops.batch", "ops.release", "ops.decision", "published.index_score")


@pytest.fixture
def server(simulated, airflow_home, tmp_path, tmp_path_factory, monkeypatch):
    """A server with the small round, an Airflow home of its own and a database that is made already."""
    shutil.copytree(simulated, tmp_path / "data")
    monkeypatch.setenv("HAILONG_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HAILONG_AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.delenv("HAILONG_WAREHOUSE", raising=False)
    server = Server(Settings.from_environment())
    server.template = migrated_database(tmp_path_factory)
    yield server
    server.stop()


def start(server):
    server.clear()
    server.home.mkdir(exist_ok=True)
    shutil.copy(server.template, server.home / "airflow.db")
    server.launch(keep=False)
    server.wait_until_ready()


def kill(server):
    """End every process of Airflow and of the portal at once, as a power cut would."""
    leaders = {server.state.airflow, server.state.portal}
    victims = [process for process in psutil.process_iter() if session_of(process.pid) in leaders]
    for process in victims:
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(victims, timeout=10)


def collect_in_part(server, context):
    """Let one source come to its tally and the others to what they landed."""
    runs, (first, *others) = Runs(server.client(STATISTICIAN)), SOURCES
    runs.wait_for_dags([f"collect__{source}" for source in SOURCES], seconds=300)
    runs.trigger(f"collect__{first}", {})
    wait_for(lambda: context.lake.find("tallies"))
    for source in others:
        runs.trigger(f"collect__{source}", {})
    wait_for(lambda: any(context.lake.find(f"landing/{source}") for source in others))


def wait_for(condition):
    end = time.monotonic() + 300
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)


def counts():
    engine = open_engine(open_context().settings.warehouse)
    with engine.connect() as connection:
        found = {name: connection.execute(sa.text(f"select count(*) from {name}")).scalar() for name in TABLES}
        decided = connection.execute(sa.text("select action, person from ops.decision")).fetchall()
    engine.dispose()
    return found, {tuple(row) for row in decided}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_round_is_completed_published_by_a_second_person_and_never_doubled(server):
    context, progress = open_context(), Progress(Console(file=io.StringIO()))
    start(server)
    collect_in_part(server, context)
    kill(server)
    assert 0 < len(context.lake.find("tallies")) < len(SOURCES), "killed too late to show anything"
    assert not server.is_running()

    start(server)
    drive(server, progress, server.settings)
    assert latest_releases(context) == {ROUND: DRAFT}
    assert verify_release(context, DRAFT) == []
    rows, decided = counts()
    assert {("CHECK", STATISTICIAN), ("APPROVE", LEADER), ("PUBLISH", STATISTICIAN)} == decided
    assert rows["ops.release"] == 1
    assert context.lake.find("stale") == []
