"""What follows from the scores of the unit that stands for a round: change, what to mend first, progress; as text rows.

Reads the tables `change`, `driver` and `plan_progress` of a publication, where it has them. No number is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.formats.labels import Text, label
from pipelines.formats.numbers import NOTHING, show
from pipelines.formats.tables import public_rows
from pipelines.model.method import Node
from pipelines.model.publication import Publication

QUADRANTS: dict[str, Text] = {
    "concentrate": ("Ưu tiên cải thiện", "Mend first"),
    "keep": ("Giữ vững", "Keep up"),
    "low_priority": ("Chưa cấp bách", "Low priority"),
    "overdone": ("Duy trì, chưa cần thêm", "Enough for now"),
}
PROGRESS: dict[str, Text] = {
    "reached": ("Đạt", "Reached"),
    "moving": ("Chưa đạt, có tiến bộ", "Not reached, but better"),
    "missed": ("Không đạt", "Missed"),
    "unknown": ("Chưa rõ", "Unknown"),
}
GOALS: dict[str, Text] = {
    "score": ("điểm từ", "score of at least"),
    "rank": ("hạng không quá", "rank of at worst"),
    "rank_change": ("tăng số bậc", "places gained"),
}
SIGNIFICANT: dict[bool | None, Text] = {
    True: ("Vượt sai số", "Beyond sampling error"),
    False: ("Trong sai số", "Within sampling error"),
    None: ("Không kiểm định được", "Cannot be tested"),
}


@dataclass(frozen=True)
class FollowUp:
    """One row: the node, some cells in both languages, and a verdict."""

    node: Text
    cells: tuple[Text, ...]
    verdict: Text


def changes(publication: Publication, measure: str) -> list[FollowUp]:
    """Return before, now and change of every node above the items whose change is shown."""
    return [
        FollowUp(_title(node), _numbers(row, ("previous_figure", "figure", "change"), places), SIGNIFICANT[verdict])
        for node, row in _rows(publication, "change", measure)
        if node.children and row["change"] is not None
        for places, verdict in [(publication.method.decimals, row["is_significant"])]
    ]


def priorities(publication: Publication, measure: str) -> list[FollowUp]:
    """Return score, importance and possible gain of every factor, those to be mended first at the top."""
    rows = [(node, row) for node, row in _rows(publication, "driver", measure) if row["quadrant"]]
    order = list(QUADRANTS)
    rows.sort(key=lambda pair: (order.index(pair[1]["quadrant"]), -(pair[1]["potential"] or 0.0)))
    places = publication.method.decimals
    return [
        FollowUp(
            _title(node),
            (
                *_numbers(row, ("score",), places),
                *_numbers(row, ("importance",), 2),
                *_numbers(row, ("potential",), places),
            ),
            QUADRANTS[row["quadrant"]],
        )
        for node, row in rows
    ]


def progress(publication: Publication) -> list[FollowUp]:
    """Return lead, target and result of every line of the action plan."""
    found = []
    for node, row in _rows(publication, "plan_progress"):
        places = publication.method.decimals if row["goal"] == "score" else 0
        (goal, english), (target, in_english) = label(GOALS, row["goal"]), _number(row["target"], places)
        aim = f"{goal} {target}", f"{english} {in_english}"
        owner = row["owner_vi"] or NOTHING, row["owner_en"] or row["owner_vi"] or NOTHING
        cells = (owner, aim, _number(row["actual"], places))
        found.append(FollowUp(_title(node), cells, PROGRESS[row["progress"]]))
    return found


def _rows(publication: Publication, table: str, measure: str = "") -> Iterator[tuple[Node, dict[str, Any]]]:
    """Yield the shown rows of the unit that stands for the round, in the order of the tree."""
    if table not in publication.tables:
        return
    rows = public_rows(publication.tables[table]).to_pylist()
    own = [row for row in rows if row["unit_code"] == publication.overall_unit and row["obs_status"] != "S"]
    for node in publication.method.tree.walk():
        for row in own:
            if row["node_code"] == node.code and row.get("measure", "") == measure:
                yield node, row


def _title(node: Node) -> Text:
    return node.title_vi, node.title_en


def _numbers(row: dict[str, Any], names: tuple[str, ...], places: int) -> tuple[Text, ...]:
    return tuple(_number(row[name], places) for name in names)


def _number(value: float | None, places: int) -> Text:
    return show(value, "vi", places), show(value, "en", places)
