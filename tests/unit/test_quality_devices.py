"""What running numbers and times of devices tell, against examples worked out by hand."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.devices import REFUSED, SHOWN_GAPS, add_clock_flag, device_report

NINE = datetime(2023, 5, 4, 9, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")


def records(*rows: tuple[str | None, int | None, int], keys: tuple[str | None, ...] = ()) -> pa.Table:
    """Records of (device, number, minutes after nine)."""
    return pa.table(
        {
            "device_id": pa.array([row[0] for row in rows], pa.string()),
            "sequence": pa.array([row[1] for row in rows], pa.int64()),
            "submitted_at": pa.array([NINE + timedelta(minutes=row[2]) for row in rows], TIME),
            "signing_key": pa.array(keys or [None] * len(rows), pa.string()),
        }
    )


def refused(*rows: tuple[str, int]) -> pa.Table:
    return pa.Table.from_pylist([{"device_id": name, "sequence": number} for name, number in rows], REFUSED)


def test_report_counts_gaps_repeats_unsigned_records_and_a_clock_set_back():
    rows = [("K01", 1, 0), ("K01", 2, 5), ("K01", 2, 6), ("K01", 5, 3), ("K02", 7, 1), ("K02", 8, 2)]
    table = records(*rows, keys=("a", "a", None, "a", None, None))
    columns = {
        "device_id": ["K01", "K02"],
        "records": [4, 2],
        "first_sequence": [1, 7],
        "last_sequence": [5, 8],
        "refused": [0, 0],
        "gaps": [2, 0],
        "missing": ["3–4", ""],
        "repeats": [1, 0],
        "clock_back": [1, 0],
        "unsigned": [1, 2],
        "last_submitted_at": [NINE + timedelta(minutes=6), NINE + timedelta(minutes=2)],
    }
    assert device_report(table).to_pydict() == columns


def test_number_that_came_in_a_refused_row_is_no_gap():
    table = records(("K01", 1, 0), ("K01", 3, 1), ("K01", 6, 2))
    (row,) = device_report(table, refused(("K01", 2), ("K01", 3), ("K01", 7))).to_pylist()
    assert (row["refused"], row["gaps"], row["missing"], row["last_sequence"]) == (2, 2, "4–5", 7)


def test_device_whose_rows_were_all_refused_is_reported():
    (row,) = device_report(records(), refused(("K99", 4), ("K99", 6))).to_pylist()
    assert (row["device_id"], row["records"], row["refused"], row["gaps"], row["missing"]) == ("K99", 0, 2, 1, "5")
    assert row["last_submitted_at"] is None


def test_report_names_a_hundred_runs_of_missing_numbers_and_counts_all():
    rows = [("K01", 2 * number, number) for number in range(SHOWN_GAPS + 5)]
    (row,) = device_report(records(*rows)).to_pylist()
    assert row["gaps"] == SHOWN_GAPS + 4
    assert row["missing"].startswith("1, 3, 5") and row["missing"].endswith(f"{2 * SHOWN_GAPS - 1}, …")


NUMBERS = st.lists(st.tuples(st.sampled_from(["K01", "K02"]), st.integers(1, 30), st.integers(0, 60)), max_size=20)


@settings(deadline=None, max_examples=10)
@given(NUMBERS, st.randoms(use_true_random=False))
def test_report_adds_up_and_does_not_depend_on_the_order_of_rows(rows: list[tuple[str, int, int]], random):
    found = device_report(records(*rows))
    for row in found.to_pylist():
        distinct = row["records"] - row["repeats"]
        assert row["last_sequence"] - row["first_sequence"] + 1 == distinct + row["gaps"]
    random.shuffle(rows)
    assert device_report(records(*rows)).drop_columns("clock_back") == found.drop_columns("clock_back")


def test_records_without_device_or_number_are_left_out():
    table = records((None, 1, 0), ("K01", None, 1))
    assert device_report(table).num_rows == 0
    assert str(device_report(table).schema.field("gaps").type) == "int64"


def test_responses_after_a_clock_was_set_back_are_flagged_until_it_has_caught_up():
    rows = [("K01", 1, 0), ("K01", 2, 30), ("K01", 3, 10), ("K01", 4, 25), ("K01", 5, 31), ("K02", 3, 5)]
    table = add_clock_flag(records(*rows))
    assert table["is_clock_back"].to_pylist() == [False, False, True, True, False, False]
    assert table["clock_behind_s"].to_pylist() == [None, None, 1200.0, 300.0, None, None]


def test_equal_numbers_and_records_of_paper_are_no_sign_of_a_clock_set_back():
    table = add_clock_flag(records(("K01", 1, 9), ("K01", 1, 3), (None, 1, 9), (None, 2, 3), ("NL01", None, 1)))
    assert table["is_clock_back"].to_pylist() == [False] * 5


@given(st.lists(st.tuples(st.sampled_from(["K01", "K02", None]), st.integers(-2, 5), st.integers(0, 20)), max_size=25))
def test_a_clock_is_behind_the_latest_of_all_lower_numbers_of_its_device(rows):
    latest = [
        max((m for d, n, m in rows if d == device and n < number), default=minute) if device else minute
        for device, number, minute in rows
    ]
    expected = [60.0 * (late - row[2]) if late > row[2] else None for row, late in zip(rows, latest, strict=True)]
    assert add_clock_flag(records(*rows))["clock_behind_s"].to_pylist() == expected


def test_no_response_has_no_flag():
    assert add_clock_flag(records())["is_clock_back"].type == pa.bool_()
