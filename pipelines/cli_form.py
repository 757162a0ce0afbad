"""The commands `hailong form …`: paper printed, read, reviewed, compared, and its serial numbers."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from pipelines.model.errors import InputError

form = typer.Typer(
    help="Phiếu giấy: in, đọc, duyệt, đối chiếu · paper forms: print, read, review, compare.",
    no_args_is_help=True,
)
out = Console()

InRound = Annotated[str, typer.Option("--round", help="round id, the folder's name under rounds/")]
Person = Annotated[str, typer.Option("--person", help="who acts; default HAILONG_PERSON, else the user's name")]
STATES = {
    "issued": "đã phát hành · issued",
    "returned": "đã thu về · returned",
    "waiting": "chờ duyệt · waiting for review",
    "incomplete": "thiếu trang · page missing",
    "keyed": "nhập tay · keyed by hand",
    "valid": "hợp lệ · valid",
    "twice": "vừa quét vừa nhập tay · scanned and keyed",
    "void": "đã hủy · void",
}
COUNTED = ("issued", "returned", "valid")  # of every batch


@form.command("print")
def print_(
    name: Annotated[str, typer.Argument(metavar="METHOD/FORM", help="for example tthc/citizen")],
    round_id: InRound,
    serials: Annotated[str, typer.Option(help="serial numbers, for example 1-100")],
    folder: Annotated[Path, typer.Option("--out", help="folder for the PDF")] = Path(),
    unit: Annotated[str, typer.Option(help="unit that is evaluated; needed where the round has several")] = "",
    procedure: Annotated[str, typer.Option(help="all sheets are about this procedure; else the form asks")] = "",
    psu: Annotated[str, typer.Option(help="village or block, in a household survey")] = "",
    language: Annotated[str, typer.Option(help="vi or en")] = "vi",
) -> None:
    """Print sheets with serial numbers to a PDF (A4), and enter the numbers as issued."""
    from pipelines import stages

    order = stages.PrintOrder(name, serials, unit, procedure, psu, language)
    out.print(str(stages.print_forms(stages.open_context(), round_id, order, folder)), highlight=False)


@form.command()
def read(
    files: Annotated[list[Path], typer.Argument(help="scans: PDF, PNG, JPEG, TIFF")],
    round_id: InRound,
    received: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day on which the forms were handed in")
    ] = None,
) -> None:
    """Read scans; what is doubtful waits for `form review`, whole sheets for `collect scan`."""
    from pipelines import stages

    day: date | None = received.date() if received else None
    report = stages.read_scans(stages.open_context(), round_id, files, day)
    out.print(
        f"{report.rows_in} trang · pages: {report.accepted} đã đọc · read, {report.duplicate} trùng · duplicate, "
        f"{report.rejected} bị từ chối · refused"
    )


@form.command()
def review(round_id: InRound, port: Annotated[int, typer.Option(help="0 takes a free one")] = 0) -> None:
    """Show what is doubtful on a web page of this machine; end with Ctrl+C."""
    from pipelines import stages

    context = stages.open_context()
    server = stages.review_server(context, round_id, port)
    out.print(f"Mở · open  {server.url}", highlight=False, soft_wrap=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    out.print(f"{stages.gather_sheets(context, round_id)} phiếu đã xong · sheets are whole now")


@form.command()
def compare(
    first: Annotated[Path, typer.Argument(help="the first keyer's CSV")],
    second: Annotated[Path, typer.Argument(help="the second keyer's CSV")],
    round_id: Annotated[str, typer.Option("--round", help="send what differs to this round's review")] = "",
    to: Annotated[Path | None, typer.Option("--out", help="CSV of the rows that are done")] = None,
) -> None:
    """Compare what two people keyed from the same forms, cell by cell."""
    from pipelines import stages

    compared = stages.compare_keyed(stages.open_context(), first, second, round_id, to)
    table = Table("Số phiếu · form", "Cột · column", first.name, second.name)
    for one in compared.differences:
        table.add_row(one.record, one.heading or "(chỉ một người nhập · keyed once)", one.first, one.second)
    out.print(table)
    out.print(f"{compared.done} phiếu xong · done; {compared.open} chỗ còn khác · differences open")


@form.command()
def serials(
    round_id: Annotated[str, typer.Argument(help="round id")],
    state: Annotated[str, typer.Option(help=f"list the numbers in one state: {', '.join(STATES)}")] = "",
) -> None:
    """Count a round's serial numbers by state, in all and by batch, with their shares of those issued."""
    from pipelines import stages

    if state and state not in STATES:
        raise InputError(f"there is no state {state!r}", "--state", f"use one of: {', '.join(STATES)}")
    context = stages.open_context()
    found = stages.serial_states(context, round_id)
    if state:
        for serial in found[state]:
            out.print(serial, highlight=False)
        return
    table = Table("Số phiếu · serial numbers", Column(justify="right"), Column("%", justify="right"))
    for name, title in STATES.items():
        table.add_row(title, str(len(found[name])), _share(len(found[name]), len(found["issued"])))
    out.print(table)
    lots = Table("Đợt in · batch", "Mẫu · form", "Đơn vị · unit", *(STATES[name] for name in COUNTED))
    for batch, counts in stages.serial_batches(context, round_id):
        about = " ".join(part for part in (batch.unit, batch.procedure, batch.psu) if part)
        shown = (f"{counts[name]} ({_share(counts[name], counts['issued'])} %)" for name in COUNTED)
        lots.add_row(f"{batch.first}–{batch.last}", f"{batch.form} {batch.version}", about, *shown)
    out.print(lots)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


@form.command()
def void(
    round_id: InRound,
    serial: Annotated[str, typer.Argument(help="six digits")],
    reason: Annotated[str, typer.Option(help="kept with the number")],
    person: Person = "",
) -> None:
    """Take a serial number out of the count, for good."""
    from pipelines import stages

    stages.void_serial(stages.open_context(), round_id, serial, person, reason)
