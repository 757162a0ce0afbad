"""A part of a collecting run fails: the rest goes on and is announced, and the run ends failed, so that it is seen."""

import json
import shutil

import pytest
from airflow_kit import MONTHS, ROUND, TWO_MONTHS, run, states

from pipelines.stages import months_of, open_context, stale_partitions

BAD, GOOD = MONTHS
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NEVER = {
    "type": "expect_column_min_to_be_between",
    "kwargs": {"column": "submitted_at", "min_value": f"{GOOD}-01T00:00:00+07:00"},
    "severity": "critical",
    "meta": {"rule": "planted", "vi": "Lỗi cố ý", "en": "Planted"},
}


@pytest.fixture(scope="module")
def spec():
    """A round of two months."""
    return TWO_MONTHS


@pytest.fixture
def strict_project(tmp_path, monkeypatch):
    """A project whose gate refuses the bad month."""
    from pipelines.settings import PROJECT

    shutil.copytree(PROJECT / "sql", tmp_path / "sql")
    shutil.copytree(PROJECT / "expectations", tmp_path / "expectations")
    path = tmp_path / "expectations" / "responses.json"
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"].append(NEVER)
    path.write_text(json.dumps(suite), encoding="utf-8")
    monkeypatch.setenv("HAILONG_PROJECT", str(tmp_path))


def announced(dag_run):
    """Return the partitions that a run announced, from Airflow's own events (it adds one without a key an asset)."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        events = session.query(AssetEvent).filter(
            AssetEvent.source_run_id == dag_run.run_id, AssetEvent.source_dag_id == dag_run.dag_id
        )
        return [event.partition_key for event in events if event.partition_key]


def test_when_one_months_gate_stops_the_other_month_is_tallied_and_announced_and_the_run_fails(
    bag, make_lake, strict_project
):
    lake = make_lake()
    dag_run = run(bag, "collect__kiosk", round=ROUND)
    found = states(dag_run)
    assert str(dag_run.state) == "failed"
    assert found["month.gate"] == {"failed", "success"}
    assert found["month.tally"] == {"upstream_failed", "success"}
    assert (found["announce"], found["whole"]) == ({"success"}, {"failed"})
    assert announced(dag_run) == [f"{ROUND}|{GOOD}"]
    context, bad = open_context(), f"{ROUND}~kiosk~{BAD}"
    assert stale_partitions(context, "kiosk") == [bad]
    assert months_of(context, [bad]) == []
    assert lake.exists(f"docs/{bad}/index.html")
    assert str(run(bag, "monthly", round=ROUND, month=GOOD).state) == "success"


def test_when_a_source_does_not_answer_what_had_landed_goes_on_and_the_run_fails(bag, make_lake, monkeypatch):
    lake = make_lake()
    monkeypatch.setenv("HAILONG_PORTAL_URL", "http://127.0.0.1:9")
    dag = bag.dags["collect__kobo"]
    monkeypatch.setattr(dag.task_dict["collect"], "retries", 0)
    dag_run = run(bag, "collect__kobo", round=ROUND)
    found = states(dag_run)
    assert str(dag_run.state) == "failed"
    assert (found["collect"], found["plan"], found["announce"]) == ({"failed"}, {"success"}, {"success"})
    assert lake.find("landing/kobo") == []
