"""The action plan of a simulated round: who leads each part of the index, and what is to be reached this year.

Every line says that it is invented. It must not look at an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DOCUMENT = "Kế hoạch mô phỏng · simulated plan"


@dataclass(frozen=True)
class Task:
    """A part of the index with its lead department and a target; an empty `goal` is a part without a target."""

    node_code: str
    owner_vi: str
    owner_en: str
    goal: str = ""
    target: float = 0.0


def owner_rows(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """Return the lines of `owners.csv`, each part once."""
    return [vars(task) | {"document": DOCUMENT} for task in {task.node_code: task for task in tasks}.values()]


def target_rows(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """Return the lines of `targets.csv`."""
    return [vars(task) | {"document": DOCUMENT} for task in tasks if task.goal]
