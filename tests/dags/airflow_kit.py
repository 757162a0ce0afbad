"""What the DAG tests share: a small round (three sources, a month or two, a few faults), a database, running a DAG."""

import fcntl
import os
import subprocess
from dataclasses import replace
from datetime import date

import pytest

from pipelines.demo.server import airflow_command
from pipelines.simulate import Faults, commune_spec

FAULTS = Faults(blanks=0.02, late=1, exact_duplicates=1, unknown_codes=1)
TWO_MONTHS = replace(
    commune_spec(scale=0.2), window_from=date(2023, 9, 15), window_to=date(2023, 10, 20), faults=FAULTS
)
SPEC = replace(TWO_MONTHS, window_from=date(2023, 10, 1))
MONTHS = ("2023-09", "2023-10")
ROUND = SPEC.round_id
SOURCES = tuple(channel.source for channel in SPEC.channels)


def migrated_database(tmp_path_factory):
    """Return Airflow's empty database, made once for all workers of the session: that takes it half a minute."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    database = root / "airflow-template.db"
    with (root / "airflow-template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            place = {"AIRFLOW_HOME": str(root), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{root}/migrating.db"}
            subprocess.run(
                [airflow_command(), "db", "migrate"], env=os.environ | place, check=True, capture_output=True
            )
            (root / "migrating.db").rename(database)
    return database


def run(bag, dag_id, **conf):
    """Run a DAG to its end in this process and return the DAG run.

    `dag.test()` reads and stores every DAG of the folder each time; once is enough, they do not change.
    """
    from airflow.dag_processing import dagbag
    from airflow.models.dag_version import DagVersion

    dag, store = bag.dags[dag_id], dagbag.sync_bag_to_db
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dagbag, "BundleDagBag", lambda **_: bag)
        patch.setattr(dagbag, "sync_bag_to_db", lambda *said: DagVersion.get_version(dag_id) or store(*said))
        patch.setattr(dag, "deadline", [])  # dag.test() of Airflow 3.3.2 raises on a deadline: it seeks a wrong id
        return dag.test(run_conf=conf)


def states(dag_run):
    """Return task id → the states of its instances."""
    found: dict[str, set[str]] = {}
    for one in dag_run.get_task_instances():
        found.setdefault(one.task_id, set()).add(str(one.state))
    return found
