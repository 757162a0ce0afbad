"""The commands on persons: keys, the vault, erasure, and what is due when its time is over. Each asks who and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.model.errors import InputError
from pipelines.settings import Settings

app = typer.Typer(help="Danh tính, tách khỏi câu trả lời · identity, kept apart from answers.", no_args_is_help=True)
persons = typer.Typer()
out = Console()

RoundId = Annotated[str, typer.Argument(help="round id")]
Person = Annotated[str, typer.Option("--person", help="who acts; default HAILONG_PERSON, else the user's name")]
Reason = Annotated[str, typer.Option("--reason", help="why; kept in the audit")]


@app.command()
def key(year: Annotated[int, typer.Argument(help="year of the rounds, such as 2026")]) -> None:
    """Make the key of a year's pseudonyms in the folder that HAILONG_PSEUDONYM_KEYS names; never overwrites one."""
    from pipelines.privacy.pseudonyms import new_key

    folder = Settings.from_environment().pseudonym_keys
    if not folder:
        raise InputError(
            "no folder of keys is named", "HAILONG_PSEUDONYM_KEYS", "name a folder outside the data folder"
        )
    out.print(f"{new_key(folder, year)}: keep a copy apart; without it a year's pseudonyms cannot be made again")


@app.command()
def identity(file: Annotated[Path, typer.Argument(help="where to write the secret key")]) -> None:
    """Make an age key pair; whoever holds the file opens what is encrypted to the recipient that is printed."""
    from pipelines.privacy.age_files import new_identity

    out.print(new_identity(file), highlight=False)


@app.command()
def show(
    round_id: RoundId,
    pseudonym: Annotated[str, typer.Argument(help="of a person or a response")],
    reason: Reason,
    person: Person = "",
) -> None:
    """Show what the vault holds of a person; noted in the audit first."""
    from pipelines import stages

    table = Table("field", "value", header_style="bold")
    for row in stages.read_vault(stages.open_context(), round_id, pseudonym, person, reason):
        table.add_row(row["field"], row["value"])
    out.print(table)


@app.command()
def audit(round_id: RoundId) -> None:
    """Show who saw or erased identity, raw bytes or rejected rows, when and why."""
    from pipelines import stages

    table = Table("UTC", "person", "access", "subject", "reason", header_style="bold")
    for one in stages.access_lines(stages.open_context(), round_id):
        table.add_row(*one)
    out.print(table)


@persons.command()
def erase(
    round_id: RoundId,
    reason: Reason,
    person: Person = "",
    receipt: Annotated[str, typer.Option("--receipt", help="code of the respondent's receipt")] = "",
    pseudonym: Annotated[str, typer.Option("--pseudonym", help="of the person or of a response")] = "",
    phone: Annotated[str, typer.Option("--phone", help="telephone number that was given as identity")] = "",
    citizen_id: Annotated[str, typer.Option("--citizen-id", help="number of CCCD, CMND or passport")] = "",
    email: Annotated[str, typer.Option("--email", help="e-mail address")] = "",
) -> None:
    """Erase a person from a round: identity, free text and raw rows; the coded answer stays and leads to nobody."""
    from pipelines import stages

    fields = {"phone": phone, "citizen_id": citizen_id, "email": email}
    named = [(name, value) for name, value in fields.items() if value]
    if len(named) + bool(receipt) + bool(pseudonym) != 1:
        raise InputError(
            "name the person in one way", "erase", "--receipt, --pseudonym, --phone, --citizen-id, --email"
        )
    field, value = named[0] if named else ("", "")
    whom = stages.Whom(receipt, pseudonym, field, value)
    for line in stages.erase(stages.open_context(), round_id, whom, person, reason):
        out.print(line, highlight=False)


@persons.command()
def retention(round_id: RoundId, person: Person = "") -> None:
    """Remove what is due by settings.retention, and redact erased persons that came in anew."""
    from pipelines import stages

    done = stages.retention(stages.open_context(), round_id, person)
    for line in done or [f"{round_id}: không có gì đến hạn · nothing is due"]:
        out.print(line, highlight=False)


@persons.command()
def freshness(round_id: Annotated[str, typer.Option("--round", help="only this round")] = "") -> None:
    """Tell which sources of open rounds brought nothing new for days."""
    from pipelines import stages

    stages.freshness(stages.open_context(), round_id)
    out.print("mọi nguồn đều có dữ liệu mới · every source is fresh")


@persons.command("back-up")
def back_up(keep: Annotated[str, typer.Option("--keep", help="how many copies; default HAILONG_BACKUPS")] = "") -> None:
    """Copy the warehouse into the lake, one copy a day."""
    from pipelines import stages

    out.print(stages.back_up(stages.open_context(), keep) or "the warehouse is no DuckDB file: use its own tools")
