"""Respondents who answered several times are counted by source, month and over all, and never named."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from desk_kit import ROUND, bring_in, context_of, drop, form, write_round

from pipelines import stages
from pipelines.lake import Lake, responses
from pipelines.quality.repeated import SCHEMA, repeated_respondents
from pipelines.stages.quality_report import quality_loads
from pipelines.stages.repeated import MEANING

START = datetime(2023, 5, 4, 8, tzinfo=UTC)


def answer(source: str, person: str, minutes: float, month: str = "2023-05") -> dict[str, object]:
    return {"source": source, "month": month, "pseudonym": person, "submitted_at": START + timedelta(minutes=minutes)}


def counts(*rows: dict[str, object]) -> dict[tuple[str, str], tuple[int, ...]]:
    found = repeated_respondents(pa.Table.from_pylist(list(rows), SCHEMA))
    names = [name for name in found[0] if not name.startswith("within")] if found else []
    return {(row["within_source"], row["within_month"]): tuple(row[name] for name in names) for row in found}


def test_somebody_who_answers_again_counts_within_a_source_a_month_and_over_all():
    later = "2023-06"
    found = counts(
        answer("kiosk", "a", 0), answer("kiosk", "a", 90), answer("kiosk", "b", 0), answer("postal", "b", 10),
        answer("postal", "c", 0), answer("postal", "c", 45_000, later), answer("kiosk", "d", 46_000, later),
    )  # fmt: skip
    # identified, respondents, repeated, their responses, most of one, most of one within an hour
    assert found == {
        ("kiosk", "2023-05"): (3, 2, 1, 2, 2, 1),
        ("postal", "2023-05"): (2, 2, 0, 0, 1, 1),
        ("kiosk", later): (1, 1, 0, 0, 1, 1),
        ("postal", later): (1, 1, 0, 0, 1, 1),
        ("kiosk", ""): (4, 3, 1, 2, 2, 1),
        ("postal", ""): (3, 2, 1, 2, 2, 1),
        ("", "2023-05"): (5, 3, 2, 4, 2, 2),
        ("", later): (2, 2, 0, 0, 1, 1),
        ("", ""): (7, 4, 3, 6, 2, 2),
    }


def test_burst_of_one_respondent_is_the_most_within_any_hour():
    many = [answer("kiosk", "a", minutes) for minutes in (0, 30, 61, 62, 63, 120, 400)]
    assert counts(*many)["", ""] == (7, 1, 1, 7, 7, 4)  # 61, 62, 63 and 120, though no full hour of the clock has four
    assert counts() == {}


@pytest.fixture
def context(lake: Lake) -> stages.Context:
    """Two months at the desk, in which pseudonyms are put beside the answers by hand: a four times, b twice, c once."""
    write_round(lake)
    drop(lake, "a.csv", *(form(number) for number in range(1, 7)), form(7, submitted_at="06/06/2023 08:00"), form(8))
    context = context_of(lake)
    bring_in(context)
    who = dict(zip((f"P{number:04d}" for number in range(1, 8)), "aaabbca", strict=True))
    for month in ("2023-05", "2023-06"):
        path = responses("tthc", ROUND, month, "postal")
        table = lake.read_table(path)
        names = pa.array([who.get(one) and f"{who[one]:0>32}" for one in table["record_id"].to_pylist()], pa.string())
        lake.write_table(path, table.set_column(table.schema.get_field_index("pseudonym"), "pseudonym", names))
    return context


def test_report_and_warehouse_count_them_and_name_nobody(context: stages.Context):
    load = quality_loads(context, context.round(ROUND))[2]
    rows = {(row["within_source"], row["within_month"]): row for row in load.rows.to_pylist()}
    assert load.table == "mart.repeated_respondent" and len(rows) == 6
    whole, may = rows["postal", ""], rows["", "2023-05"]
    assert (whole["all_responses"], whole["identified_responses"], whole["known_respondents"]) == (8, 7, 3)
    assert (whole["repeated_respondents"], whole["repeated_responses"], whole["most_of_one"]) == (2, 6, 4)
    assert (may["repeated_responses"], may["most_of_one"], may["most_of_one_in_an_hour"]) == (5, 3, 3)
    page = stages.quality_page(context, ROUND)
    assert all(meaning in page for meaning in MEANING)
    assert "| cả đợt · round | postal | 8 | 7 | 3 | 2 | 6 | 4 | 3 |" in page
    assert not any(f"{who:0>32}" in page + str(load.rows.to_pylist()) for who in "abc")
    june = stages.quality_page(context, ROUND, "2023-06")
    assert "| 2023-06 | postal | 1 | 1 | 1 | 0 | 0 | 1 | 1 |" in june and "| cả đợt · round | postal" not in june


def test_round_without_pseudonyms_says_that_nothing_is_known_and_loads(lake: Lake):
    write_round(lake)
    drop(lake, "a.csv", form(1), form(2))
    context = context_of(lake)
    bring_in(context)
    assert "| 2023-05 | postal | 2 | 0 | – | – | – | – | – |" in stages.quality_page(context, ROUND)
    stages.load_month(context, f"{ROUND}|2023-05")
    with context.warehouse() as engine, engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT known_respondents FROM mart.repeated_respondent").fetchall()
    assert found == [(None,)] * 4
