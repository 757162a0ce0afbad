"""Respondents who answered several times: counted for the warehouse and the monthly report, and never named.

It must not leave a response out: people decide about exclusions.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.formats.numbers import show_count
from pipelines.lake import responses
from pipelines.model.round import Round
from pipelines.quality.repeated import SCHEMA, repeated_respondents
from pipelines.stages.context import Context

COUNTS = ("known_respondents", "repeated_respondents", "repeated_responses", "most_of_one", "most_of_one_in_an_hour")
MEANING = (
    "Người trả lời nhiều lần: bí danh có từ hai phiếu được nhận trở lên trong nguồn và tháng (hoặc cả đợt) ở dòng đó. "
    "Chỉ tính phiếu có bí danh; “trong 1 giờ” là số phiếu nhiều nhất một người gửi trong vòng một giờ. Một người có "
    "thể làm nhiều thủ tục: số này để người xem xét, không tự loại phiếu nào và không nêu ai.",
    "A repeated respondent is a pseudonym with two accepted responses or more within the source and month (or round) "
    "of the line. Only responses with a pseudonym are counted; “within 1 hour” is the most that one person submitted "
    "within an hour. A person may have had several procedures: the number is for people to look at, excludes nothing "
    "and names nobody.",
)
HEADINGS = (
    "Tháng · month",
    "Nguồn · source",
    "Phiếu · responses",
    "Có bí danh · identified",
    "Người · respondents",
    "Nhiều lần · repeated",
    "Phiếu của họ · their responses",
    "Nhiều nhất · most of one",
    "Trong 1 giờ · within 1 hour",
)


def repeated_rows(context: Context, round_: Round, month: str = "") -> list[dict[str, Any]]:
    """Return the rows of `mart.repeated_respondent`; with a month only what lies within it."""
    received, identified = _read(context, round_, month)
    counted = {(row["within_source"], row["within_month"]): row for row in repeated_respondents(identified)}
    unknown = {"identified_responses": 0} | dict.fromkeys(COUNTS)
    return [
        {"round_id": round_.id, "within_source": source, "within_month": at, "all_responses": count, **unknown}
        | counted.get((source, at), {})
        for (source, at), count in sorted(received.items())
        if not month or at
    ]


def repeated_lines(found: list[dict[str, Any]]) -> list[str]:
    """Return the section of the monthly report, in Markdown."""
    names = ("all_responses", "identified_responses", *COUNTS)
    lines = [
        f"| {row['within_month'] or 'cả đợt · round'} | {row['within_source'] or 'mọi nguồn · all'} "
        f"| {' | '.join(show_count(row[name], 'vi') for name in names)} |"
        for row in found
    ]
    head = [f"| {' | '.join(HEADINGS)} |", f"|---|---|{'--:|' * len(names)}"]
    table = [*head, *lines] if lines else ["Không có · none"]
    return ["## Trả lời nhiều lần · repeated respondents", "", *MEANING, "", *table, ""]


def _read(context: Context, round_: Round, month: str) -> tuple[Counter[tuple[str, str]], pa.Table]:
    """Return how many responses were accepted by source and month, and those that have a pseudonym."""
    received: Counter[tuple[str, str]] = Counter()
    parts = [SCHEMA.empty_table()]
    for path in context.lake.glob(responses(round_.programme, round_.id, month or "*", "*")):
        at, source = (part.partition("=")[2] for part in path.split("/")[3:5])
        table = context.lake.read_table(path, ["pseudonym", "submitted_at"])
        for place in {(source, at), (source, ""), ("", at), ("", "")}:
            received[place] += len(table)
        table = table.filter(pc.is_valid(table["pseudonym"]))
        columns = [pa.array([text] * len(table), pa.string()) for text in (source, at)]
        parts.append(pa.table([*columns, *table.select(SCHEMA.names[2:]).columns], SCHEMA.names).cast(SCHEMA))
    return received, pa.concat_tables(parts)
