"""Shows a published release and the time each step took, as tables in a terminal; reads and computes nothing else."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.stages import (
    Context,
    account_lines,
    alert_lines,
    closed_lines,
    mode_effect_lines,
    reject_lines,
    release_overview,
    weight_lines,
)


def show_release(console: Console, context: Context, release_id: str) -> None:
    """Print the overall score of each unit with interval, n and flag, and where the release lies."""
    overview = release_overview(context, release_id)
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for heading, justify in (
        ("Đơn vị\nunit", "left"),
        ("Điểm\nscore", "right"),
        ("Khoảng tin cậy\ninterval", "right"),
        ("n\n", "right"),
        ("Cờ\nflag", "left"),
    ):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for line in overview.lines:
        table.add_row(*line)
    console.print(f"\n[bold]{overview.title}[/]")
    console.print(table)
    for note in overview.notes:
        console.print(f"[dim]{note}[/]")
    console.print(f"Bản phát hành · release [bold]{release_id}[/]: {overview.folder}", soft_wrap=True)


def show_account(console: Console, context: Context, round_id: str) -> None:
    """Print rows in, accepted, duplicate and rejected by stage and source, and the reasons."""
    table = Table(title=round_id, title_justify="left", header_style="bold")
    for heading in ("stage", "source"):
        table.add_column(heading)
    for heading in ("vào · in", "nhận · accepted", "trùng · duplicate", "loại · rejected"):
        table.add_column(heading, justify="right")
    for line in account_lines(context, round_id):
        table.add_row(*line)
    console.print(table)
    reasons = Table(header_style="bold")
    for heading in ("source", "lý do · reason"):
        reasons.add_column(heading)
    reasons.add_column("dòng · rows", justify="right")
    for reason in reject_lines(context, round_id):
        reasons.add_row(*reason)
    console.print(reasons)
    for since, vi, en in alert_lines(context, round_id):
        console.print(f"[bold red]Cảnh báo · alert[/] {vi} · {en} ({since})", soft_wrap=True)
    if revisions := closed_lines(context, round_id):
        closed = Table(title="Tháng đã chốt · closed months", title_justify="left", header_style="bold")
        for heading in ("tháng · month", "source"):
            closed.add_column(heading)
        for heading in ("lần · revision", "phiếu · responses", "muộn · late", "thêm · added", "sửa · changed"):
            closed.add_column(heading, justify="right")
        closed.add_column("rút · withdrawn", justify="right")
        closed.add_column("người chốt · closed by")
        for line in revisions:
            closed.add_row(*line)
        console.print(closed)


def show_weights(console: Console, context: Context, round_id: str) -> None:
    """Print what each step did to the weights of a round."""
    table = Table(title=round_id, title_justify="left", header_style="bold")
    for heading in ("Bước · step", "Chi tiết · detail"):
        table.add_column(heading)
    for heading in (
        "n",
        "Tổng · total",
        "Nhỏ nhất · min",
        "Lớn nhất · max",
        "CV",
        "Deff (Kish)",
        "n hiệu dụng · n_eff",
    ):
        table.add_column(heading, justify="right")
    for line in weight_lines(context, round_id):
        table.add_row(*line)
    console.print(table)


def show_mode_effects(console: Console, context: Context, round_id: str, items: bool) -> None:
    """Print the differences between channels, for factors and above or for every item."""
    table = Table(title=round_id, title_justify="left", box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for heading in ("Đơn vị\nunit", "Kênh\nchannels", "Chỉ số\nnode"):
        table.add_column(heading)
    interval, adjusted = "Khoảng tin cậy\ninterval", "Theo tầng\nadjusted"
    for heading in ("Chênh lệch\ndifference", interval, adjusted, interval, "So được %\ncompared", "n"):
        table.add_column(heading, justify="right")
    table.add_column("Cờ\nflag")
    levels = ("index", "domain", "factor", *(("item",) if items else ()))
    for line in mode_effect_lines(context, round_id, levels):
        table.add_row(*line)
    console.print(table)


def show_times(console: Console, times: dict[str, float]) -> None:
    """Print the seconds of each step and their sum."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("Bước · step")
    table.add_column("giây · s", justify="right")
    for title, seconds in times.items():
        table.add_row(title, f"{seconds:.1f}")
    table.add_section()
    table.add_row("cộng · total", f"{sum(times.values()):.1f}")
    console.print()
    console.print(table)
