"""An Airflow home in a temporary folder, the DAGs read from the checkout, and a small simulated round.

Airflow reads its settings when it is imported, so every import of it in this folder is inside a fixture or a test.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from airflow_kit import SPEC, migrated_database

from pipelines.demo.portals import portals
from pipelines.demo.server import PORTAL_TOKEN, shared_environment
from pipelines.demo.standin import Served
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.simulate import simulate_round, write_round

PROJECT = Path(__file__).resolve().parents[2]
PASSWORDS = {"thong-ke": "mot", "lanh-dao": "hai"}


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory):
    """A home with a migrated database, and Airflow's settings in the environment."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "passwords.json").write_text(json.dumps(PASSWORDS), encoding="utf-8")
    settings = shared_environment(PROJECT) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.syspath_prepend(PROJECT / "plugins")
        shutil.copy(migrated_database(tmp_path_factory), home / "airflow.db")
        yield home


@pytest.fixture(scope="session")
def bag(airflow_home):
    """The DAGs as Airflow reads them."""
    from airflow.dag_processing.dagbag import BundleDagBag

    return BundleDagBag(dag_folder=str(PROJECT / "dags"), bundle_path=PROJECT / "dags", bundle_name="dags-folder")


@pytest.fixture(scope="module")
def spec():
    """The round of a test module; another one may be named there."""
    return SPEC


@pytest.fixture(scope="module")
def simulated(spec, tmp_path_factory):
    """A lake with the small round and its source files; to be copied, not changed."""
    root = tmp_path_factory.mktemp("simulated")
    write_round(Lake(str(root)), simulate_round(spec, load_method(spec.programme, spec.method_version), seed=7))
    return root


@pytest.fixture(scope="module")
def make_lake(simulated, tmp_path_factory):
    """Return a function that makes a fresh lake with the small round and names it in the environment."""
    played = portals(simulated / "portal", PORTAL_TOKEN, {})
    with pytest.MonkeyPatch.context() as patch, Served(played) as served:
        patch.setenv("HAILONG_PORTAL_URL", served.url)
        patch.setenv("HAILONG_PORTAL_TOKEN", PORTAL_TOKEN)
        patch.delenv("HAILONG_WAREHOUSE", raising=False)

        def make():
            root = tmp_path_factory.mktemp("lake") / "data"
            shutil.copytree(simulated, root)
            patch.setenv("HAILONG_DATA", str(root))
            return Lake(str(root))

        yield make


@pytest.fixture(scope="session")
def api(airflow_home):
    """Airflow's whole web application without a server; log in with `as_user`."""
    from airflow.api_fastapi.app import create_app

    return create_app()


@pytest.fixture(scope="session")
def as_user(api):
    """Return a function that gives a client of the web application, logged in as a user, for addresses below `base`."""
    from fastapi.testclient import TestClient

    def log_in(user, base=""):
        client = TestClient(api, base_url=f"http://testserver{base}")
        answer = client.post("http://testserver/auth/token", json={"username": user, "password": PASSWORDS[user]})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    return log_in
