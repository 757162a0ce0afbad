"""The commands `hailong quality …`: calibrate flags, report on them, and record who leaves which responses out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from pipelines.formats.numbers import show, show_count

quality = typer.Typer(
    help="Chất lượng trả lời: cờ, hiệu chỉnh, báo cáo tháng, loại phiếu do hai người quyết định · response quality.",
    no_args_is_help=True,
)
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]
ExclusionId = Annotated[str, typer.Argument(help="number of the decision, such as x001")]
Person = Annotated[str, typer.Option("--person", help="who acts; default HAILONG_PERSON, else the user's name")]
TIMES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]


@quality.command()
def calibrate(
    programme: Annotated[str, typer.Argument(help="programme: tthc, sipas, …")],
    version: Annotated[str, typer.Option("--method", help="version of the method; default its latest")] = "",
    false_alarm: Annotated[
        float | None, typer.Option(min=0.0001, max=0.5, help="rate that a threshold may have; default of the settings")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same rates")] = 2026,
    write: Annotated[bool, typer.Option("--write", help="keep it as quality.yml beside the method")] = False,
) -> None:
    """Simulate honest answers and frauds: rates of false alarms and detection, and the threshold that they propose."""
    from pipelines import stages

    context = stages.open_context()
    found = stages.calibrate_quality(context, programme, version, seed, false_alarm)
    table = Table(title=f"{programme}: ≤ {show(100 * found['wanted_false_alarm'], 'vi')} %", header_style="bold")
    for heading in ("Phiếu · form", "Cờ · flag"):
        table.add_column(heading)
    for heading in ("so với · compared", "Ngưỡng · threshold", "Báo nhầm · false alarms %", "Phát hiện · detection %"):
        table.add_column(heading, justify="right")
    for form, flags in found["forms"].items():
        for flag, entries in flags.items():
            for entry in entries:
                table.add_row(form, flag, show_count(entry["compared_with"] or None, "vi"), *_proposed(entry))
    out.print(table)
    if write:
        out.print(stages.keep_calibration(context, programme, version, found), soft_wrap=True)


@quality.command()
def report(
    round_id: RoundId,
    month: Annotated[str, typer.Option(help="YYYY-MM; default all")] = "",
    to: Annotated[Path | None, typer.Option(help="Markdown file to write instead of showing it")] = None,
) -> None:
    """Show how often each flag is raised, what stands out, and what was left out by decision."""
    from pipelines import stages

    page = stages.quality_page(stages.open_context(), round_id, month)
    if to is None:
        out.print(Markdown(page))
    else:
        to.write_text(page, encoding="utf-8")
        out.print(str(to), soft_wrap=True)


@quality.command()
def exclude(
    round_id: RoundId,
    responses: Annotated[list[str] | None, typer.Argument(help="response ids or receipt codes")] = None,
    reason: Annotated[str, typer.Option(help="why; every reader of the report sees it")] = "",
    device: Annotated[str, typer.Option(help="instead: all that this device submitted …")] = "",
    first: Annotated[
        datetime | None, typer.Option("--from", formats=TIMES, help="… from this time of the round")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=TIMES, help="… to this time")] = None,
    person: Person = "",
) -> None:
    """Propose that accepted responses do not count; nothing changes until somebody else approves."""
    from pipelines import stages

    if device and (responses or first is None or last is None):
        raise typer.BadParameter("--device goes with --from and --to, and without response ids")
    wanted = stages.DeviceTime(device, first, last) if device and first and last else list(responses or ())
    found = stages.propose_exclusion(stages.open_context(), round_id, wanted, reason, person)
    one = found.proposal
    out.print(
        f"{one.exclusion_id}: {len(one.responses)} phiếu · responses. Người khác duyệt · somebody else: "
        f"hailong quality approve {round_id} {one.exclusion_id}",
        highlight=False,
        soft_wrap=True,
    )


@quality.command()
def approve(
    round_id: RoundId,
    exclusion_id: ExclusionId,
    person: Person = "",
    comment: Annotated[str, typer.Option(help="kept with the decision; needed to reject")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="refuse it, or take it back after approval")] = False,
) -> None:
    """Approve an exclusion, as somebody else than who proposed it; or take it back."""
    from pipelines import stages

    keys = stages.decide_exclusion(stages.open_context(), round_id, exclusion_id, not reject, person, comment)
    for key in keys:
        out.print(f"{key}: sẽ sàng lọc lại ở lần chạy sau · screened again by the next run", highlight=False)


@quality.command()
def exclusions(round_id: RoundId) -> None:
    """List every decision to leave responses out: who, why, how many, and where it stands."""
    from pipelines import stages

    table = Table(header_style="bold")
    for heading in (
        "Số · no.",
        "Trạng thái · state",
        "Phiếu · responses",
        "Lý do · reason",
        "Đề nghị",
        "Duyệt",
        "Bác bỏ",
    ):
        table.add_column(heading)
    for one in stages.exclusions(stages.open_context(), round_id):
        verdicts = (said.person if said else "" for said in (one.approval, one.rejection))
        proposal = one.proposal
        count = show_count(len(proposal.responses), "vi")
        table.add_row(proposal.exclusion_id, one.state, count, proposal.reason, proposal.person, *verdicts)
    out.print(table)


def _proposed(entry: dict[str, object]) -> tuple[str, str, str]:
    """Return the proposed threshold with its rates, or the strictest one's where none is strict enough."""
    candidates: list[dict[str, float]] = entry["candidates"]  # type: ignore[assignment]
    strictest = min(candidates, key=lambda one: one["false_alarm"])
    chosen = next((one for one in candidates if one["threshold"] == entry["threshold"]), strictest)
    proposed = "không có · none" if entry["threshold"] is None else show(chosen["threshold"], "vi", 4)
    return proposed, *(show(100 * chosen[name], "vi", 2) for name in ("false_alarm", "detection"))  # type: ignore[return-value]
