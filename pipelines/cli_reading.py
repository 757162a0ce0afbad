"""The commands that read a result: `hailong change`, `drivers`, `targets`, `restate`; tables in both languages.

It only shows what the stages return.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.formats.numbers import show
from pipelines.model.errors import InputError
from pipelines.model.method import Method

if TYPE_CHECKING:
    from pipelines.stages.context import Context  # the stages take a second to import, which `--help` would wait

reading = typer.Typer()
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]
UnitCode = Annotated[str, typer.Option("--unit", help="only this unit")]
MeasureName = Annotated[str, typer.Option("--measure", help="a measure of the method; default its default")]
YesNo = {True: "có · yes", False: "không · no", None: "–"}
RULES = {"up": "▲ tăng · up", "down": "▼ giảm · down", "steady": "giữ · steady", None: "–"}
QUADRANTS = {
    "concentrate": "ưu tiên cải thiện · mend first",
    "keep": "giữ vững · keep up",
    "low_priority": "chưa cấp bách · low priority",
    "overdone": "duy trì, chưa cần thêm · enough for now",
    None: "chưa rõ · unknown",
}
PROGRESS = {
    "reached": "đạt · reached",
    "moving": "tiến bộ · moving",
    "missed": "không đạt · missed",
    "unknown": "chưa rõ · unknown",
}
SCORE = "score"
P_DECIMALS = 3
MOST_LISTED = 12
GOALS = {SCORE: "điểm · score", "rank": "thứ hạng · rank", "rank_change": "số bậc tăng · places gained"}
REASONS = {
    "another_programme": "chương trình khác · another programme",
    "not_in_previous_method": "phương pháp trước không có · not in the former method",
    "other_composition": "thành phần khác · made of other parts",
    "not_in_previous_round": "đợt trước không có · not in the former round",
    "unit_of_another_extent": "địa giới khác · unit of another extent",
    "suppressed": "không đủ tin cậy · not reliable enough",
    "no_figure": "không có số liệu · no figure",
}


@reading.command()
def change(
    round_id: RoundId,
    against: Annotated[str, typer.Option("--against", help="the round before; default as round.yml says")] = "",
    unit: UnitCode = "",
    measure: MeasureName = "",
) -> None:
    """Show what changed since the round before: by the published rule and by a test, or why it cannot be said."""
    from pipelines import stages

    context = stages.open_context()
    method = _method(context, round_id)
    titles, default = _titles(method)
    lines = [
        (
            row["unit_code"],
            titles.get(row["node_code"], row["node_code"]),
            *(show(row[name], "vi", method.decimals) for name in ("previous_figure", "figure", "change")),
            RULES[row["rule"]],
            show(row["p_value"], "vi", P_DECIMALS),
            YesNo[row["is_significant"]],
            REASONS.get(row["break_reason"], row["break_reason"]),
        )
        for row in _chosen(stages.change(context, round_id, against).scores.to_pylist(), unit, measure or default)
    ]
    figures = ("Trước · before", "Nay · now", "Thay đổi · change")
    tests = ("Quy tắc 5 % · rule", "p", "Có ý nghĩa · significant", "Lý do · reason")
    _show(("Đơn vị · unit", "Chỉ số · node", *figures, *tests), lines, 2)


@reading.command()
def drivers(round_id: RoundId, unit: UnitCode = "", measure: MeasureName = "") -> None:
    """Show how much each factor goes with satisfaction as a whole, how well it is done, and what to mend first."""
    from pipelines import stages

    context = stages.open_context()
    method = _method(context, round_id)
    titles, default = _titles(method)
    lines = [
        (
            row["unit_code"],
            titles[row["node_code"]],
            show(row["score"], "vi", method.decimals),
            *(show(row[name], "vi") for name in ("importance", "se")),
            show(row["potential"], "vi", method.decimals),
            QUADRANTS[row["quadrant"]],
        )
        for row in _chosen(stages.drivers(context, round_id).to_pylist(), unit, measure or default)
    ]
    figures = ("Điểm · score", "Quan trọng · importance", "± se", "Có thể tăng · potential")
    _show(("Đơn vị · unit", "Yếu tố · factor", *figures, "Việc cần làm · what to do"), lines, 2)


@reading.command()
def targets(round_id: RoundId, unit: UnitCode = "") -> None:
    """Show the progress of every target of the action plan, with the lead department."""
    from pipelines import stages

    context = stages.open_context()
    method = _method(context, round_id)
    titles, _ = _titles(method)
    lines = [
        (
            row["unit_code"],
            titles[row["node_code"]],
            " · ".join(name for name in (row["owner_vi"], row["owner_en"]) if name),
            GOALS[row["goal"]],
            *(show(row[name], "vi", _goal_decimals(row["goal"], method)) for name in ("target", "actual", "gap")),
            PROGRESS[row["progress"]],
            YesNo[row["is_certain"]],
        )
        for row in _chosen(stages.targets(context, round_id).to_pylist(), unit)
    ]
    headings = ("Đơn vị · unit", "Chỉ số · node", "Chủ trì · lead", "Loại · goal")
    figures = ("Chỉ tiêu · target", "Kết quả · result", "Vượt, thiếu · gap")
    _show((*headings, *figures, "Tiến độ · progress", "Chắc chắn · certain"), lines, 4)


@reading.command()
def restate(
    round_id: RoundId,
    at: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="day of the list of units, such as 2025-07-01")],
) -> None:
    """Put the scores of an old round on the units of another day; the original scores stay."""
    from pipelines import stages

    day: date = at.date()
    out.print(f"{stages.restate(stages.open_context(), round_id, day)} → mart.restated_score ({day})")


def _method(context: Context, round_id: str) -> Method:
    return context.method(context.round(round_id))


def _goal_decimals(goal: str, method: Method) -> int:
    """Return how many decimals a goal is shown with: a rank is a whole number."""
    return method.decimals if goal == SCORE else 0


def _titles(method: Method) -> tuple[dict[str, str], str]:
    """Return the titles of the nodes in both languages, and the default measure."""
    default = next(measure.name for measure in method.measures if measure.is_default)
    return {code: f"{node.title_vi} · {node.title_en}" for code, node in method.nodes.items()}, default


def _chosen(rows: Iterable[dict[str, Any]], unit: str, measure: str = "") -> list[dict[str, Any]]:
    """Return the rows of a unit and measure; an InputError where one is named that has no row."""
    found = list(rows)
    for option, column, value in (("--unit", "unit_code", unit), ("--measure", "measure", measure)):
        known = sorted({row[column] for row in found if column in row})
        if value and known and value not in known:
            raise InputError(f"nothing is known of {value}", option, f"use one of: {_listed(known)}")
    return [row for row in found if unit in ("", row["unit_code"]) and measure in ("", row.get("measure", ""))]


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(codes[:MOST_LISTED]) + (", …" if len(codes) > MOST_LISTED else "")


def _show(headings: Sequence[str], lines: Iterable[Sequence[str]], left: int) -> None:
    """Print a table; what is said in both languages stands on two lines, so that it fits a narrow window."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for position, heading in enumerate(headings):
        table.add_column(heading.replace(" · ", "\n"), justify="left" if position < left else "right", overflow="fold")
    for line in lines:
        table.add_row(*(cell.replace(" · ", "\n") for cell in line))
    out.print(table)
