"""What holds for every DAG without running it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.sources import sources

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"
HEADINGS = ("Does", "Reads", "Writes", "Safe to re-run", "If it fails")
WRITERS = {"load", "freeze", "check", "decide", "publish", "back_up"}
DAG_IDS = (*(f"collect__{name}" for name in sources()), "monthly", "release", "replay", "upkeep", "yearly")


@pytest.fixture(params=DAG_IDS)
def dag(bag, request):
    return bag.dags[request.param]


def test_every_dag_loads_in_seconds_and_there_is_one_for_each_source(bag, airflow_home):
    from airflow.dag_processing.dagbag import BundleDagBag

    assert not bag.import_errors
    assert sorted(bag.dags) == sorted(DAG_IDS)
    started = time.process_time()
    BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")
    assert time.process_time() - started < 5


def test_a_source_added_to_the_registry_has_a_dag(bag, monkeypatch):
    from airflow.dag_processing.dagbag import BundleDagBag

    more = dict(sources()) | {"fax": sources()["kiosk"]}
    monkeypatch.setattr("pipelines.sources.sources", lambda: more)
    found = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")
    assert set(found.dags) - set(bag.dags) == {"collect__fax"}


@pytest.mark.parametrize("path", sorted(DAGS.rglob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


def test_the_documentation_has_its_five_headings_in_order(dag):
    found = [line.removeprefix("### ") for line in dag.doc_md.splitlines() if line.startswith("### ")]
    assert tuple(found) == HEADINGS


def test_every_dag_has_tags_a_deadline_and_forms_for_its_params(dag):
    assert dag.tags
    assert dag.deadline
    for name in dag.params:
        form = dag.params.get_param(name)
        assert form.schema["type"] == "string"
        assert "·" in form.schema["description_md"]


def test_every_task_has_an_owner_and_says_what_an_error_means_for_retries(dag):
    for task in dag.tasks:
        assert task.owner == "thong-ke", task.task_id
        assert task.retry_policy is not None, task.task_id
        assert task.retries == (0 if task.task_id == "whole" else 2), task.task_id


def test_tasks_are_named_after_stages_and_steps(dag):
    from pipelines import stages

    steps = {"plan", "partitions", "announce", "approve", "whole"}
    assert {task.task_id.removeprefix("month.") for task in dag.tasks} <= steps | set(stages.__all__)


def test_a_task_that_writes_the_warehouse_waits_for_its_one_slot(dag):
    for task in dag.tasks:
        assert task.pool == ("warehouse" if task.task_id in WRITERS else "default_pool"), task.task_id


def test_an_error_that_may_pass_is_tried_again_and_bad_input_is_not(dag):
    from airflow.sdk import RetryAction

    from pipelines.model import errors

    policy = dag.tasks[0].retry_policy
    decided = {
        kind: policy.evaluate(kind("what"), try_number=1, max_tries=2).action
        for kind in (errors.SourceError, errors.WarehouseError, errors.GateError, errors.InputError, errors.StateError)
    }
    later = {errors.SourceError, errors.WarehouseError}
    assert decided == {kind: RetryAction.RETRY if kind in later else RetryAction.FAIL for kind in decided}


def test_no_timeout_ever_approves(bag):
    approve = bag.dags["release"].task_dict["approve"]
    assert approve.response_timeout is None
    assert approve.defaults is None


def test_a_missed_deadline_is_told(bag, caplog):
    import asyncio

    from overdue import tell

    assert {alert.callback.path for dag in bag.dags.values() for alert in dag.deadline} == {"overdue.tell"}
    asyncio.run(tell(context={"dag_run": {"dag_id": "monthly", "dag_run_id": "r1"}}))
    assert "DAG monthly, run r1" in caplog.text


def test_a_dag_file_imports_no_heavy_library(airflow_home):
    code = "import sys, orchestration, pipelines.sources; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=DAGS, capture_output=True, text=True, check=True)
    assert not {"pandas", "pyarrow", "duckdb", "great_expectations", "pyxform", "openpyxl"} & set(loaded.stdout.split())
