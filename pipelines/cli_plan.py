"""The commands `hailong plan …`: tables in Vietnamese and English of what the planning stages return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.formats.numbers import show, show_count

plan = typer.Typer(
    help="Kế hoạch mẫu: cỡ mẫu, phân bổ, chọn mẫu, tiến độ · sample size, allocation, selection, progress.",
    no_args_is_help=True,
)
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]
Seed = Annotated[int, typer.Option(help="same seed, same sample")]
MARGINS = {
    "": "Cả đợt · round",
    "unit_code": "Đơn vị · unit",
    "procedure_field": "Lĩnh vực · field",
    "channel": "Kênh · channel",
}


@plan.command()
def size(
    round_id: Annotated[str, typer.Argument(help="a round; or give --population")] = "",
    population: Annotated[int | None, typer.Option(min=1, help="people or dossiers")] = None,
    name: Annotated[str, typer.Option(help="name of the unit, for the rule types")] = "",
    rule: Annotated[str, typer.Option(help="yamane, cochran, steps or types")] = "yamane",
    margin: Annotated[float, typer.Option(help="half the width of the interval, as a share")] = 0.05,
    design_effect: Annotated[float, typer.Option(help="for cochran")] = 1.0,
    proportion: Annotated[float, typer.Option(help="for cochran")] = 0.5,
) -> None:
    """Say how many are to be asked: of each unit of a round by its settings, or of a population."""
    from pipelines import stages

    context = stages.open_context()
    if population is not None:
        changes = {"rule": rule, "margin": margin, "design_effect": design_effect, "proportion": proportion}
        lines = [stages.SizeLine("", name, population, stages.size_for(context, population, name, changes))]
    elif round_id:
        lines = stages.plan_sizes(context, round_id)
    else:
        raise typer.BadParameter("a round or --population is needed")
    shown = [(line.unit_code, line.name, _count(line.population), _count(line.size)) for line in lines]
    total = (
        "",
        "cộng · total",
        _count(sum(line.population for line in lines)),
        _count(sum(line.size for line in lines)),
    )
    _show(("Mã · code", "Đơn vị · unit", "Số lượng · population", "Cỡ mẫu · sample"), [*shown, total], 2)


@plan.command()
def allocate(
    round_id: RoundId,
    size: Annotated[int | None, typer.Option(min=1, help="of each unit; default by the round's rule")] = None,
    deviations: Annotated[Path | None, typer.Option(help="CSV of strata with deviation: Neyman's allocation")] = None,
    seed: Seed = 2023,
    replace: Annotated[bool, typer.Option("--replace", help="write over the plan that is there")] = False,
) -> None:
    """Share the sample out over strata (or draw PSUs) and write plan.csv of the round."""
    from pipelines import stages

    found = stages.allocate_plan(stages.open_context(), round_id, size, deviations, seed, replace)
    lines = [(c.unit_code, c.procedure_field, c.psu_code, c.channel, _count(c.planned)) for c in found.cells]
    total = ("", "cộng · total", "", "", _count(sum(cell.planned for cell in found.cells)))
    headings = ("Đơn vị · unit", "Lĩnh vực · field", "Địa bàn · PSU", "Kênh · channel", "Số phiếu · planned")
    _show(headings, [*lines, total], 4)
    for warned in found.warnings:
        _warn(f"{warned.unit_code} {warned.name}: {warned.message_vi} · {warned.message_en}")


@plan.command()
def select(
    round_id: RoundId,
    listing: Annotated[Path, typer.Argument(help="CSV with the columns serial and those of the plan")],
    method: Annotated[str, typer.Option(help="random or systematic")] = "random",
    seed: Seed = 2023,
) -> None:
    """Draw the serials of a list as plan.csv says; the same list, plan and seed draw the same."""
    from pipelines import stages

    if method not in ("random", "systematic"):
        raise typer.BadParameter("random or systematic", param_hint="--method")
    lines = stages.select_sample(stages.open_context(), round_id, listing, method, seed)
    shown = [(line.stratum, _count(line.listed), _count(line.drawn)) for line in lines]
    _show(("Tầng · stratum", "Trong danh sách · listed", "Được chọn · drawn"), shown, 1)


@plan.command()
def progress(round_id: RoundId) -> None:
    """Show how far a round has come against its plan, and which types of procedure have no answer."""
    from pipelines import stages

    found = stages.plan_progress(stages.open_context(), round_id)
    shown = [
        (
            MARGINS[line.margin],
            line.category,
            *map(_count, (line.planned, line.issued, line.collected, line.valid)),
            *(show(rate, "vi") for rate in vars(line.rates).values()),
        )
        for line in found.lines
    ]
    headings = ("", "", "Kế hoạch · planned", "Phát ra · issued", "Thu về · collected", "Hợp lệ · valid")
    rates = ("Thu/phát %", "Hợp lệ/thu %", "Hợp lệ/phát %")
    _show((*headings, *rates), shown, 2)
    for unit, procedure in found.unanswered:
        _warn(f"{unit} {procedure}: chưa có phiếu nào · no answer yet")


def _count(value: int | None) -> str:
    return show_count(value, "vi")


def _show(headings: Sequence[str], lines: Iterable[Sequence[str]], left: int) -> None:
    table = Table(header_style="bold")
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="left" if position < left else "right")
    for line in lines:
        table.add_row(*line)
    out.print(table)


def _warn(text: str) -> None:
    out.print(f"[yellow]chú ý · warning[/] {text}", highlight=False, soft_wrap=True)
