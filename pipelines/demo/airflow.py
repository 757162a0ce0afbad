"""Speaks with a running Airflow through its REST interface: start a DAG, wait for its runs, answer an approval.

It must not know what the DAGs are for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from pipelines.model.errors import HailongError

POLL_SECONDS = 0.7
DONE = ("success", "failed")
WAITING = "awaiting_input"


class Runs:
    """DAG runs of one Airflow, as one user sees them."""

    def __init__(self, client: httpx.Client) -> None:
        """Take a client that is logged in."""
        self.client = client

    def wait_for_dags(self, dag_ids: list[str], seconds: float = 180) -> None:
        """Wait until Airflow has read these DAGs; an import error is told at once."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            errors = self._get("/importErrors")["import_errors"]
            if errors:
                raise HailongError(
                    f"a DAG cannot be read: {errors[0]['stack_trace'].strip().splitlines()[-1]}", errors[0]["filename"]
                )
            if set(dag_ids) <= {dag["dag_id"] for dag in self._get("/dags", limit=100)["dags"]}:
                return
            time.sleep(POLL_SECONDS)
        raise HailongError(f"Airflow did not find the DAGs {', '.join(dag_ids)}", remedy="read .airflow/airflow.log")

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a DAG and return the run's id."""
        answer = self.client.post(f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def wait(self, runs: dict[str, str], tick: Callable[[str], None], seconds: float = 900) -> None:
        """Wait for runs (run id → DAG id) to end well; a failed one raises with its failed tasks."""
        end = time.monotonic() + seconds
        open_runs = dict(runs)
        while open_runs and time.monotonic() < end:
            for run_id, dag_id in list(open_runs.items()):
                state = self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
                if state == "failed":
                    raise self._failure(dag_id, run_id)
                if state in DONE:
                    del open_runs[run_id]
            tick(self.progress())
            time.sleep(POLL_SECONDS)
        if open_runs:
            raise HailongError(
                f"not done in {seconds:.0f} s: {', '.join(open_runs.values())}", remedy="see the Airflow UI"
            )

    def wait_until_quiet(self, dag_id: str, tick: Callable[[str], None], seconds: float = 900) -> None:
        """Wait until no run of a DAG is under way and none is about to be."""
        end, quiet = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            quiet = 0 if self.under_way(dag_id) else quiet + 1
            if quiet > 3:  # an asset event takes the scheduler a moment to turn into a run
                return
            tick(self.progress())
            time.sleep(POLL_SECONDS)
        raise HailongError(f"{dag_id} is still running after {seconds:.0f} s", remedy="see the Airflow UI")

    def under_way(self, dag_id: str) -> int:
        """Return how many runs of a DAG are not done; a failed one raises with its failed tasks."""
        runs = self._get(f"/dags/{dag_id}/dagRuns", limit=500)["dag_runs"]
        for run in runs:
            if run["state"] == "failed":
                raise self._failure(dag_id, run["dag_run_id"])
        return sum(run["state"] not in DONE for run in runs)

    def waiting_approvals(self) -> list[dict[str, Any]]:
        """Return the approvals that nobody has answered yet."""
        details = self._get("/dags/~/dagRuns/~/hitlDetails", limit=100)["hitl_details"]
        return [one for one in details if not one["response_received"] and one["task_instance"]["state"] == WAITING]

    def approve(self, waiting: dict[str, Any], comment: str) -> None:
        """Answer an approval with yes, as this user."""
        task = waiting["task_instance"]
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/-1/hitlDetails"
        self.client.patch(
            path, json={"chosen_options": ["Approve"], "params_input": {"comment": comment}}
        ).raise_for_status()

    def progress(self) -> str:
        """Return how many tasks are done and what runs now, in a few words."""
        path = "/dags/~/dagRuns/~/taskInstances"
        done = sum(self._get(path, state=state, limit=1)["total_entries"] for state in ("success", "skipped"))
        tasks = self._get(path, state="running", limit=100)["task_instances"]
        running = sorted({f"{task['dag_id']}.{task['task_id'].split('.')[-1]}" for task in tasks})
        return f"{done} tasks done" + (f", running {', '.join(running[:3])}" if running else "")

    def _get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def _failure(self, dag_id: str, run_id: str) -> HailongError:
        tasks = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=500)["task_instances"]
        failed = [task for task in tasks if task["state"] == "failed"]
        names = sorted({task["task_id"] for task in failed})
        logs = [self._last_error(dag_id, run_id, task) for task in failed[:1]]
        return HailongError(f"DAG {dag_id} failed in {', '.join(names) or 'no task'}. {' '.join(logs)}", run_id)

    def _last_error(self, dag_id: str, run_id: str, task: dict[str, Any]) -> str:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        lines = self._get(path, map_index=task["map_index"]).get("content", [])
        errors = [line for line in lines if isinstance(line, dict) and line.get("error_detail")]
        if not errors:
            return ""
        detail = errors[-1]["error_detail"][-1]
        return f"{detail['exc_type']}: {detail['exc_value']}"
