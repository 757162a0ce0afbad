"""The daily upkeep through its DAG: a silent source fails the run and is told, everything else is done all the same."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from airflow_kit import ROUND, run, states

from pipelines.stages import alert_lines, open_context
from pipelines.warehouse import open_engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def open_round(make_lake):
    """The small round as if it were open today, for two weeks already."""
    lake, today = make_lake(), datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()  # as the round counts its days
    path = f"rounds/{ROUND}/round.yml"
    said = yaml.safe_load(lake.read_bytes(path))
    window = {"from": today - timedelta(days=14), "to": today + timedelta(days=14)}
    said["window"] = {name: day.isoformat() for name, day in window.items()}
    lake.write_bytes(path, yaml.safe_dump(said, allow_unicode=True).encode())
    return lake


def test_a_silent_source_fails_the_run_and_the_rest_is_done(bag, open_round):
    dag_run = run(bag, "upkeep", round=ROUND)
    found = states(dag_run)
    assert str(dag_run.state) == "failed"
    assert (found.pop("freshness"), found.pop("whole")) == ({"failed"}, {"failed"})
    assert found == {key: {"success"} for key in ("retention", "audit_ledgers", "load", "back_up")}
    context = open_context()
    told = [en for _, _, en in alert_lines(context, ROUND)]
    assert "Source kiosk brought nothing new for 14 days" in told
    (copy,) = open_round.glob("backups/*.duckdb")
    engine = open_engine(f"duckdb:///{open_round.full(copy)}")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT alert, cleared_at FROM ops.alert WHERE source = 'kiosk'").fetchall()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("source_silent", None)]


def test_once_the_source_brings_something_the_alert_is_cleared_and_a_day_has_one_copy(bag, open_round):
    run(bag, "upkeep", round=ROUND)
    for source in ("kiosk", "postal", "kobo"):
        landed = {"sha256": "a" * 64, "path": "p", "name": "n", "size": 1, "source": source, "instance": "i"}
        landed["landed_at"] = datetime.now(UTC).isoformat()
        open_round.write_json(f"receipts/{ROUND}/{source}/{'a' * 64}.json", landed)
    dag_run = run(bag, "upkeep", round=ROUND)
    assert str(dag_run.state) == "success", states(dag_run)
    assert alert_lines(open_context(), ROUND) == []
    assert len(open_round.glob("backups/*.duckdb")) == 1
