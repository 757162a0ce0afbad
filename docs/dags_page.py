"""The page on the DAGs: their own documentation and, from their structure, tasks, order, pools and stages.

It must hold no text of its own about a DAG. Airflow is imported in a home of its own, which is thrown away.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from pipelines import stages

DAGS = Path(__file__).resolve().parent.parent / "dags"
INTRODUCTION = """# The DAGs · Các DAG

<!-- generated from dags/; do not edit -->

Airflow says what follows what; every task calls the stage of `pipelines.stages` that is named beside it, which the
command line can do too. Arrows are the order; `[ ]` marks tasks that run once for each month or batch.
"""


def dags_markdown() -> str:
    """Return the page; DAGs of one file share a section."""
    by_file: dict[str, list[Any]] = defaultdict(list)
    for dag in load_dags():
        by_file[dag.fileloc].append(dag)
    return "\n".join([INTRODUCTION, *(section(dags) for _, dags in sorted(by_file.items()))])


def load_dags() -> list[Any]:
    """Return the DAGs in the order of their ids, as Airflow reads them."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("AIRFLOW_HOME", home)
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
        from airflow.dag_processing.dagbag import BundleDagBag

        bag = BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="docs")
    if bag.import_errors:
        raise ImportError(str(bag.import_errors))
    return [bag.dags[name] for name in sorted(bag.dags)]


def section(dags: list[Any]) -> str:
    """Return what is to be known of DAGs that differ in their id alone."""
    dag = dags[0]
    title, _, body = dag.doc_md.strip().partition("\n")
    return "\n".join(
        [
            f"## {', '.join(f'`{one.dag_id}`' for one in dags)}",
            "",
            title,
            body,
            "",
            f"- Starts: {schedule(dag)}",
            f"- Deadline: {deadline(dag)}",
            *(f"- Form: `{name}`: {dag.params.get_param(name).schema['description_md']}" for name in dag.params),
            "",
            "```mermaid",
            "flowchart LR",
            *(f"    {arrow}" for arrow in arrows(dag)),
            "```",
            "",
            "| task | calls | what it does | pool | runs when those before |",
            "|---|---|---|---|---|",
            *(row(task) for task in dag.topological_sort()),
            "",
        ]
    )


def schedule(dag: Any) -> str:
    """Return what starts a DAG."""
    condition = getattr(dag.schedule, "asset_condition", None)
    if condition is not None:
        names = sorted(asset.name for asset in getattr(condition, "objects", [condition]))
        return f"when a partition changes of {', '.join(f'`{name}`' for name in names)}"
    return f"`{dag.schedule}`" if dag.schedule else "by hand"


def deadline(dag: Any) -> str:
    """Return how long a run may take before somebody is told."""
    return ", ".join(f"{alert.interval.total_seconds() / 3600:g} h after it was queued" for alert in dag.deadline)


def arrows(dag: Any) -> list[str]:
    """Return the order of the tasks as arrows of a Mermaid flowchart."""
    tasks = list(dag.topological_sort())
    box = {task.task_id: f'{task.task_id.replace(".", "_")}["{label(task)}"]' for task in tasks}
    return [f"{box[task.task_id]} --> {box[after]}" for task in tasks for after in sorted(task.downstream_task_ids)]


def label(task: Any) -> str:
    """Return a task's id, marked where it runs more than once."""
    return f"{task.task_id} [ ]" if task.is_mapped or task.get_closest_mapped_task_group() else task.task_id


def row(task: Any) -> str:
    """Return a task's line: the stage it calls, the first sentence on it, its pool and when it runs."""
    function = getattr(task, "python_callable", None)
    called = getattr(stages, function.__name__, None) if function else None
    documented = inspect.getdoc(called or function or type(task)) or ""
    first = documented.partition("\n\n")[0].replace("\n", " ")
    stage = f"`stages.{function.__name__}`" if function and called else ""
    return f"| `{task.task_id}` | {stage} | {first} | {task.pool} | {task.trigger_rule.value} |"
