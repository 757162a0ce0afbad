"""The step in which a person decides: Airflow's human-in-the-loop task, in the words of `stages.decide`.

It must not record the decision; that is the next task's work.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param


class Approval(HITLOperator):
    """Waits, without a worker and without a time-out, until a person approves or rejects; returns the decision."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Return who decided what, in the words of `stages.decide`."""
        reply = super().execute_complete(context, event)
        user = reply["responded_by_user"] or {}
        return {
            "approves": reply["chosen_options"] == ["Approve"],
            "person": user.get("name") or user.get("id") or "",
            "comment": (reply["params_input"] or {}).get("comment", ""),
        }


def approval(task_id: str, subject: str, body: str) -> Approval:
    """Return the task in which a person approves or rejects, with two buttons and a comment."""
    comment = Param("", type="string", description_md="Ý kiến · comment, kept with the decision")
    return Approval(
        task_id=task_id, subject=subject, body=body, options=["Approve", "Reject"], params={"comment": comment}
    )
