"""Tells that a DAG run missed its deadline; the triggerer calls it. It must not stop or change the run."""

import logging
from typing import Any

log = logging.getLogger(__name__)


async def tell(context: dict[str, Any]) -> None:
    """Write one warning; the run itself shows as overdue in the UI."""
    run = context.get("dag_run", {})
    log.warning("overdue: DAG %s, run %s has not ended by its deadline", run.get("dag_id"), run.get("dag_run_id"))
