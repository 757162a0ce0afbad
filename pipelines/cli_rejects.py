"""The commands `hailong rejects …`: what was not accepted, why, how it is mended, and once more through the rules.

It only shows what the stages return.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.formats.numbers import show_count

rejects = typer.Typer(
    help="Dòng không được nhận: liệt kê, xem, xử lý lại · rows that were not accepted: list, show, replay.",
    no_args_is_help=True,
)
out = Console()
OUTCOMES = {
    "applied": "đã sửa · applied",
    "other_value": "giá trị khác · other value",
    "no_field": "không sửa được trường này · no such field",
    "no_record": "không thấy bản ghi · no such record",
}

RoundId = Annotated[str, typer.Argument(help="round id, the folder's name under rounds/")]
Source = Annotated[str, typer.Option("--source", help="only this source")]
Stage = Annotated[str, typer.Option("--stage", help="only this stage: conform or screen")]
Code = Annotated[str, typer.Option("--code", help="only this code, or codes that begin so: R203_UNKNOWN_CODE, R2, D")]
Month = Annotated[str, typer.Option("--month", help="only this month, YYYY-MM; known from screening on")]


@rejects.command("list")
def list_(
    round_id: RoundId,
    source: Source = "",
    stage: Stage = "",
    code: Code = "",
    month: Month = "",
    rows: Annotated[bool, typer.Option("--rows", help="row by row instead of counted")] = False,
    limit: Annotated[int, typer.Option(min=1, help="rows to show")] = 50,
) -> None:
    """Count what was not accepted by source, month, stage and code; or list it row by row."""
    from pipelines import stages

    context, chosen = stages.open_context(), stages.Chosen(source, stage, code, month)
    counted = stages.reject_counts(context, round_id, chosen)
    total = sum(count for *_, count in counted)
    if not rows:
        table = _table("Nguồn · source", "Tháng · month", "Bước · stage", "Lý do · reason", right="Dòng · rows")
        for *place, count in counted:
            table.add_row(*place, show_count(count, "vi"))
        table.add_section()
        table.add_row("cộng · total", "", "", "", show_count(total, "vi"))
        out.print(table)
        return
    table = _table("Chỗ · place", "Lý do · reason", "Tệp · file", "Trường · field", "Giá trị · value")
    for row in stages.reject_rows(context, round_id, chosen, limit):
        table.add_row(*(escape(row[name]) for name in ("place", "code", "file", "field", "value")))
    out.print(table)
    if total > limit:
        out.print(f"… và {total - limit} dòng khác · and {total - limit} more: --limit")


@rejects.command()
def show(
    round_id: RoundId,
    place: Annotated[str, typer.Argument(help="place, as `hailong rejects list --rows` shows it: 3fa9b2c14d:17")],
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the audit")],
    person: Annotated[str, typer.Option("--person", help="who looks; default HAILONG_PERSON, else the user")] = "",
) -> None:
    """Show one row in full, noted in the audit first: code, texts, place, what came (identity masked), the remedy."""
    from pipelines import stages

    for detail in stages.reject_details(stages.open_context(), round_id, place, person, reason):
        row, table = detail.row, Table.grid(padding=(0, 2))
        lines = [
            ("mã · code", row["code"]),
            ("lý do", row["message_vi"]),
            ("reason", row["message_en"]),
            ("nguồn · source", row["source"]),
            ("bước · stage", " ".join(filter(None, (str(row["stage"]), str(row["month"] or ""))))),
            ("tệp · file", row["file"]),
            ("dòng · line", row["line"]),
            ("trường · field", row["field"]),
            ("giá trị · value", row["value"]),
            ("băm · sha256", row["landing_sha256"]),
            ("cách sửa", detail.remedy_vi),
            ("remedy", detail.remedy_en),
        ]
        for name, value in lines:
            table.add_row(name, "–" if value in (None, "") else escape(str(value)))
        out.print(table)
        came = _table("Nội dung (đã che danh tính) · what came, identity masked", "")
        for name, value in detail.payload:
            came.add_row(escape(name), escape(value))
        out.print(came)


@rejects.command()
def replay(round_id: RoundId, source: Source = "", stage: Stage = "", code: Code = "", month: Month = "") -> None:
    """Conform and screen again what was refused, after a fix of mapping, method, frame or corrections; tell of it.

    Duplicates are left out unless --code names them. Exit code 4: a gate stopped a month, or a correction is stale.
    """
    from pipelines import stages

    chosen = {"source": source, "stage": stage, "code": code, "month": month}
    with out.status("…") as status:
        outcome = stages.replay(
            stages.open_context(), round_id, chosen, lambda name, what: status.update(f"{name}: {what}")
        )
    table = _table("Nguồn · source", "Lý do · reason", right="Trước · before")
    for heading in ("Hết lỗi · mended", "Vẫn lỗi · as before"):
        table.add_column(heading, justify="right")
    table.add_column("Lý do khác · other reason now")
    for one in outcome:
        other = ", ".join(f"{name}: {count}" for name, count in one.other.items())
        figures = (show_count(count, "vi") for count in (one.before, one.mended, one.still))
        table.add_row(one.source, one.code, *figures, other)
    out.print(table)


@rejects.command()
def corrections(round_id: RoundId) -> None:
    """Show what came of each line of corrections.csv; exit code 4 where one does not fit any more."""
    from pipelines import stages

    context = stages.open_context()
    table = _table("Sửa chữa · correction", "Trường · field", "Từ · from", "Thành · to", "Tệp, dòng · where", "Kết quả")
    for row in stages.corrections_of(context, round_id):
        place = f"{row['landing_sha256'][:10]}:{row['corrected_line']}" if row["corrected_line"] else "–"
        values = (row["before_value"], row["after_value"])
        table.add_row(row["correction"], row["corrected_field"], *map(escape, values), place, OUTCOMES[row["outcome"]])
    out.print(table)
    if stale := stages.stale_corrections(context, round_id):
        for error in stale[1:]:
            out.print(str(error), markup=False, soft_wrap=True)
        raise stale[0]


def _table(*headings: str, right: str = "") -> Table:
    table = Table(header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    if right:
        table.add_column(right, justify="right")
    return table
