"""The commands about devices: what a round's devices sent, and the tools with which a kiosk's maker tests its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipelines.model.errors import InputError

app = typer.Typer(
    help="Thiết bị tại quầy: khóa, ký tệp, kiểm tra tệp · keys and files of kiosks.", no_args_is_help=True
)
out = Console()

TEXTS = ("Máy\ndevice", "Đơn vị\nunit", "Số\nnumbers")
COUNTS = ("Bản ghi\nrecords", "Bị loại\nrefused", "Lặp\nrepeats", "Giờ lùi\nset back", "Chưa ký\nunsigned")
MISSING = "Số thiếu\nmissing"
File = Annotated[Path, typer.Argument(help="a file of a kiosk: JSON Lines")]
Device = Annotated[str, typer.Option(help="name of the device, as in devices.csv")]


def devices(round_id: Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]) -> None:
    """Show what each device of a round sent: records, numbers that are missing or repeated, a clock set back."""
    from pipelines import stages

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0, header_style="bold")
    for heading in TEXTS:
        table.add_column(heading, no_wrap=True)
    for heading in COUNTS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(MISSING, min_width=8, overflow="fold")
    for line in stages.device_lines(stages.open_context(), round_id):
        table.add_row(*line)
    out.print(table)


@app.command()
def keygen(file: Annotated[Path, typer.Argument(help="where to write the private key")]) -> None:
    """Make a key for a device; the public key goes into devices.csv, the private one never leaves the device."""
    from pipelines import stages

    out.print(f"public_key: {stages.new_device_key(file)}", highlight=False)


@app.command()
def sign(
    file: File,
    device: Device,
    key: Annotated[Path, typer.Option(help="the device's private key, as `hailong device keygen` writes it")],
) -> None:
    """Write a seal at the end of a file, as a kiosk does after each batch."""
    from pipelines import stages

    stages.seal_file(file, device, key)
    out.print(f"đã ký · sealed: {file}", highlight=False, soft_wrap=True)


@app.command()
def check(
    file: File,
    device: Device = "",
    public_key: Annotated[str, typer.Option(help="its public key, to check the seals with")] = "",
) -> None:
    """Read a file as collecting does, and say what would be refused; answers are not looked up."""
    from pipelines import stages

    found = stages.check_file(file, device, public_key)
    for problem in found.problems:
        out.print(problem, highlight=False, markup=False, soft_wrap=True)
    out.print(f"{found.records} bản ghi · records, {found.signed} đã ký · signed", highlight=False)
    if found.problems:
        remedy = "see pipelines/sources/kiosk.schema.json and docs/guide/sources.md"
        raise InputError(f"{len(found.problems)} lines would be refused", str(file), remedy)
