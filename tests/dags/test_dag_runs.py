"""A small round through the DAGs, each run by `dag.test()`: what lies in lake and warehouse afterwards."""

import os
import threading
import time

import pytest
import sqlalchemy as sa
from airflow_kit import MONTHS, ROUND, SOURCES, SPEC, run, states

from pipelines.demo.airflow import Runs
from pipelines.lake import Lake, release, result
from pipelines.stages import latest_releases, open_context, run_round, verify_release
from pipelines.warehouse import open_engine

DRAFT = f"{ROUND}.1"
MONTH = MONTHS[-1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def query(sql):
    engine = open_engine(open_context().settings.warehouse)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(sql))]
    engine.dispose()
    return found


def files(lake: Lake, folder):
    """Return path → bytes, but for the DuckDB file, whose bytes vary, and the manifest, which holds their hash."""
    varies = ("release.duckdb", "manifest.json")
    return {path: lake.read_bytes(path) for path in lake.find(folder) if not path.endswith(varies)}


def rows_of_manifest(lake: Lake):
    """Return what the manifest says but for the hashes of files."""
    return {
        name: value for name, value in lake.read_json(f"{release(DRAFT)}/manifest.json").items() if name != "outputs"
    }


def approve_when_asked(client):
    """Answer the next approval through Airflow's REST interface, as the user of a client."""
    runs = Runs(client)
    while not (waiting := runs.waiting_approvals()):
        time.sleep(0.3)
    runs.approve(waiting[0], "đã xem")


@pytest.fixture(scope="module")
def published(bag, make_lake, as_user):
    """The round through every DAG up to its publication: (lake, DAG runs, provisional status of the scores)."""
    lake = make_lake()
    runs = {f"collect__{source}": run(bag, f"collect__{source}", round=ROUND) for source in SOURCES}
    runs["monthly"] = run(bag, "monthly", round=ROUND, month=MONTH)
    provisional = query("select distinct status from mart.index_score")
    runs["yearly"] = run(bag, "yearly", round=ROUND)
    leader = as_user("lanh-dao", "/api/v2")
    threading.Thread(target=approve_when_asked, args=[leader], daemon=True).start()
    runs["release"] = run(bag, "release", release=DRAFT)
    return lake, runs, provisional


def test_every_run_succeeds_and_says_nothing_failed(published):
    _, runs, _ = published
    assert {name: str(one.state) for name, one in runs.items()} == dict.fromkeys(runs, "success")
    for source in SOURCES:
        assert states(runs[f"collect__{source}"])["whole"] == {"skipped"}


def test_collect_leaves_responses_tallies_gates_and_no_stale_month(published):
    lake, _, _ = published
    for source in SOURCES:
        partition = f"programme=tthc/round={ROUND}/month={MONTH}/source={source}"
        assert lake.exists(f"responses/{partition}/responses.parquet")
        assert lake.exists(f"tallies/{partition}/tally.parquet")
        assert lake.exists(f"gates/{ROUND}/responses/{ROUND}~{source}~{MONTH}.json")
        assert lake.exists(f"docs/{ROUND}~{source}~{MONTH}/index.html")
    assert lake.find("stale") == []


def test_monthly_loads_provisional_scores_and_progress_and_yearly_makes_them_final(published):
    _, _, provisional = published
    assert provisional == [("provisional",)]
    assert query("select distinct status from mart.index_score") == [("final",)]
    assert query("select count(*) from mart.sample_progress")[0][0] > 0
    assert query("select count(distinct source) from ops.batch")[0][0] == len(SOURCES)


def test_the_release_is_approved_by_a_second_person_published_and_verifies(published):
    lake, _, _ = published
    assert query("select release_id, state, frozen_by from ops.release") == [(DRAFT, "PUBLISHED", "dag_test")]
    decided = query("select action, person, comment from ops.decision order by decided_at")
    assert ("APPROVE", "lanh-dao", "đã xem") in decided
    assert latest_releases(open_context()) == {ROUND: DRAFT}
    assert verify_release(open_context(), DRAFT) == []
    assert query("select count(*) from published.index_score")[0][0] > 0
    assert lake.exists(f"{release(DRAFT)}/manifest.json")


def test_running_every_dag_again_doubles_nothing(published, bag):
    lake, _, _ = published
    tables = ("mart.index_score", "mart.answer_count", "ops.batch", "ops.release", "ops.decision")
    before = {name: query(f"select count(*) from {name}") for name in tables}
    kept = {folder: files(lake, folder) for folder in ("landing", "responses", "tallies", "results", "releases")}
    again = [run(bag, f"collect__{source}", round=ROUND) for source in SOURCES]
    again += [run(bag, "yearly", round=ROUND)]
    assert {str(one.state) for one in again} == {"success"}
    assert {folder: files(lake, folder) for folder in kept} == kept
    assert {name: query(f"select count(*) from {name}") for name in tables} == before


def test_the_dags_give_the_same_bytes_as_the_command_line(published, make_lake):
    by_dags, _, _ = published
    here = os.environ["HAILONG_DATA"]
    try:
        by_hand = make_lake()
        assert run_round(open_context(), SPEC.programme, ROUND, "thong-ke", lambda stage, what: None) == DRAFT
        for folder in ("responses", "tallies", "results", release(DRAFT)):
            assert files(by_hand, folder) == files(by_dags, folder)
        assert rows_of_manifest(by_hand) == rows_of_manifest(by_dags)
        assert by_hand.exists(result(ROUND, "index_score"))
    finally:
        os.environ["HAILONG_DATA"] = here
