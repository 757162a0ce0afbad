"""The containers and `make run` are one set-up: same settings file, same variables, a compose file that is valid."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from pipelines.demo.server import Server, shared_environment
from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "docker" / "compose.yml"
SCHEMA = PROJECT / "tests" / "fixtures" / "compose-spec" / "schema.json"
SECRETS = {"POSTGRES_PASSWORD": "p", "AIRFLOW_FERNET_KEY": "f", "AIRFLOW_JWT_SECRET": "j"}
# What a place of its own kind has: paths of a virtual environment there, executor and key of several processes here.
LOCAL_ONLY = {"PATH"}
COMPOSE_ONLY = {"AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__FERNET_KEY"}


@pytest.fixture
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def has_compose_command() -> bool:
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0


def test_compose_file_is_valid(compose):
    if has_compose_command():
        command = ["docker", "compose", "--file", str(COMPOSE), "config", "--quiet"]
        done = subprocess.run(command, env=os.environ | SECRETS, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:
        jsonschema.validate(compose, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_every_airflow_service_reads_the_shared_settings(compose):
    airflow = [service for service in compose["services"].values() if service["image"] == "hailong"]
    assert len(airflow) == 5
    assert all(service["env_file"] == "airflow.env" for service in airflow)


def test_local_run_and_containers_set_the_same_variables(compose, tmp_path):
    settings = Settings(str(tmp_path), "duckdb:///:memory:", (), PROJECT, "test")
    local = Server(settings).own_environment([1, 2, 3], "http://localhost")
    there = compose["services"]["scheduler"]["environment"]
    assert local.keys() - there.keys() == LOCAL_ONLY
    assert there.keys() - local.keys() == COMPOSE_ONLY
    assert not shared_environment(PROJECT).keys() & there.keys(), "a shared setting is overridden in one place"


def test_local_run_takes_every_shared_setting(tmp_path):
    settings = Settings(str(tmp_path), "duckdb:///:memory:", (), PROJECT, "test")
    environment = Server(settings).environment([1, 2, 3], "http://localhost")
    shared = shared_environment(PROJECT)
    assert shared["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert environment.items() >= shared.items()


def test_image_installs_what_make_setup_installs():
    text = (PROJECT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert "make setup" in text
    for folder in ("pipelines", "dags", "plugins", "expectations", "sql", "docker"):
        assert f"COPY --chown=hailong {folder} {folder}" in text


def test_pool_for_the_single_writer_has_one_slot():
    pools = json.loads((PROJECT / "docker" / "pools.json").read_text(encoding="utf-8"))
    assert pools["warehouse"]["slots"] == 1
