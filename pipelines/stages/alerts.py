"""Alerts: what somebody should look at in a round, each with its last state in the lake. It decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.lake import Lake, alert
from pipelines.model.round import Round
from pipelines.privacy.access import accesses
from pipelines.stages.context import Context
from pipelines.stages.reference import rows
from pipelines.warehouse import Load


def alerts(lake: Lake, round_id: str) -> list[dict[str, Any]]:
    """Return the alerts of a round, open (`cleared_at` empty) and cleared."""
    return [lake.read_json(path) for path in lake.glob(alert(round_id, "*", "*"))]


def tell(context: Context, round_id: str, name: str, source: str, said: tuple[str, str] | None) -> None:
    """Open an alert on a source (empty: on the round) with a text in both languages; without a text, clear it."""
    path, now = alert(round_id, name, source), context.now().isoformat(timespec="seconds")
    before = context.lake.read_json(path) if context.lake.exists(path) else {}
    is_open = bool(before) and not before["cleared_at"]
    if said is not None:
        place = {"round_id": round_id, "alert": name, "source": source}
        raised = {"raised_at": before["raised_at"] if is_open else now, "cleared_at": ""}
        context.lake.write_json(path, place | raised | {"message_vi": said[0], "message_en": said[1]})
    elif is_open:
        context.lake.write_json(path, before | {"cleared_at": now})


def upkeep_loads(context: Context, round_: Round) -> list[Load]:
    """Return the loads of a round's accesses and alerts."""
    key = {"round_id": round_.id}
    return [
        Load("ops.access", key, rows([one.as_row() for one in accesses(context.lake, round_.id)])),
        Load("ops.alert", key, rows([_row(one) for one in alerts(context.lake, round_.id)])),
    ]


def _row(values: dict[str, Any]) -> dict[str, Any]:
    times = {name: values[name] and datetime.fromisoformat(values[name]) for name in ("raised_at", "cleared_at")}
    return values | {name: time or None for name, time in times.items()}
