"""Flags on how responses were given, against examples worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.devices import device_report
from pipelines.quality.flags import FLAG_RULES_VERSION, add_flags, longest_run, median_by_form, speed_ratio

NINE = datetime(2023, 5, 4, 9, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
THRESHOLDS = {"speeder": 0.5, "straight_line": 1.0, "straight_line_items": 4}
ITEMS = ("a1", "a2", "b1", "b2", "b3")


def responses(seconds, answers=((4, 4, 4, 4, 4),), forms=None):
    count = len(seconds)
    answers = list(answers) * (count if len(answers) == 1 else 1)
    columns = {
        "form": pa.array(forms or ["citizen"] * count),
        "started_at": pa.array([NINE] * count, TIME),
        "submitted_at": pa.array([None if s is None else NINE + timedelta(seconds=s) for s in seconds], TIME),
    }
    items = {name: pa.array([row[at] for row in answers], pa.int8()) for at, name in enumerate(ITEMS)}
    return pa.table(columns | items)


def flagged(table, **thresholds):
    return add_flags(table, ITEMS, THRESHOLDS | thresholds).select(
        ["duration_s", "speed_ratio", "longest_run", "is_straight_line", "is_speeder"]
    )


# Speed


def test_the_speed_ratio_is_median_over_time_capped_at_three():
    table = flagged(responses([100.0, 200.0, 300.0, 20.5, 250.0]))
    assert table["duration_s"].to_pylist() == [100.0, 200.0, 300.0, 20.5, 250.0]
    assert table["speed_ratio"].to_pylist() == pytest.approx([2.0, 1.0, 200 / 300, 3.0, 0.8])


def test_a_speeder_took_less_than_half_the_median_and_not_exactly_half():
    assert flagged(responses([99.9, 100.0, 200.0, 300.0, 400.0]))["is_speeder"].to_pylist() == [
        True,
        False,
        *[False] * 3,
    ]


def test_a_stricter_threshold_below_the_cap_of_the_ratio_still_finds_speeders():
    table = flagged(responses([10.0, 45.0, 200.0, 300.0, 400.0]), speeder=0.1)
    assert table["is_speeder"].to_pylist() == [True, False, False, False, False]


def test_forms_are_timed_apart():
    table = flagged(responses([100.0, 100.0, 40.0, 1000.0, 1000.0], forms=["short"] * 3 + ["long"] * 2))
    assert table["speed_ratio"].to_pylist() == pytest.approx([1.0, 1.0, 2.5, 1.0, 1.0])
    assert table["is_speeder"].to_pylist() == [False, False, True, False, False]


def test_an_unknown_or_negative_time_gives_no_ratio_and_does_not_move_the_median():
    table = flagged(responses([None, -50.0, 100.0, 100.0, 300.0]))
    assert table["duration_s"].to_pylist() == [None, -50.0, 100.0, 100.0, 300.0]
    assert table["speed_ratio"].to_pylist()[:3] == [None, None, 1.0]
    assert table["is_speeder"].to_pylist()[:3] == [None, None, False]


def test_a_response_in_no_time_at_all_has_the_highest_ratio():
    assert speed_ratio(np.array([0.0, 10.0]), np.array([10.0, 10.0])).tolist() == [3.0, 1.0]


def test_a_form_without_any_known_time_has_no_median():
    assert np.isnan(median_by_form(np.array([np.nan, -1.0]), ["paper", "paper"])).all()


# Straight lines


@pytest.mark.parametrize(
    ("answers", "share", "straight"),
    [
        ((4, 4, 4, 4, 4), 1.0, True),
        ((4, 4, 4, 4, 5), 0.8, False),
        ((5, 4, 4, 4, 5), 0.6, False),
        ((1, 2, 1, 2, 1), 0.2, False),
        ((4, None, 4, 4, 4), 1.0, True),  # the blank is passed over
        ((4, None, None, 4, 4), 1.0, False),  # one colour, but only three answers
        ((None, None, None, None, 3), 1.0, False),
        ((None, None, None, None, None), None, False),
    ],
)
def test_the_longest_run_is_a_share_of_the_answered_items(answers, share, straight):
    (row,) = flagged(responses([60.0], [answers])).to_pylist()
    assert row["longest_run"] == pytest.approx(share) if share else row["longest_run"] is None
    assert row["is_straight_line"] is straight


def test_a_lower_share_flags_a_run_that_does_not_cover_everything():
    assert flagged(responses([60.0], [(4, 4, 4, 4, 5)]), straight_line=0.8)["is_straight_line"].to_pylist() == [True]


@given(st.lists(st.lists(st.none() | st.integers(1, 5), min_size=5, max_size=5), min_size=1, max_size=8))
def test_the_longest_run_equals_a_count_by_eye(rows):
    def by_eye(row):
        longest = current = 0
        answers = [code for code in row if code is not None]
        for at, code in enumerate(answers):
            current = current + 1 if at and answers[at - 1] == code else 1
            longest = max(longest, current)
        return longest, len(answers)

    columns = [pa.chunked_array([pa.array([row[at] for row in rows], pa.int8())]) for at in range(5)]
    run, answered = longest_run(columns, len(rows))
    assert list(zip(run.tolist(), answered.tolist(), strict=True)) == [by_eye(row) for row in rows]


# The table


def test_flags_add_columns_of_fixed_types_and_leave_the_rest():
    before = responses([60.0, 70.0])
    after = add_flags(before, ITEMS, THRESHOLDS)
    assert after.select(before.column_names) == before
    types = {name: str(after.schema.field(name).type) for name in after.column_names[len(before.column_names) :]}
    assert types == {
        "duration_s": "double",
        "speed_ratio": "double",
        "longest_run": "double",
        "is_straight_line": "bool",
        "is_speeder": "bool",
    }


def test_a_month_without_responses_has_the_same_columns():
    full, empty = responses([60.0]), responses([60.0])[:0]
    assert add_flags(empty, ITEMS, THRESHOLDS).schema == add_flags(full, ITEMS, THRESHOLDS).schema


def test_the_rules_have_a_version():
    assert FLAG_RULES_VERSION == "1"


# Devices


def records(*rows):
    return pa.table(
        {
            "device_id": pa.array([row[0] for row in rows], pa.string()),
            "sequence": pa.array([row[1] for row in rows], pa.int64()),
            "submitted_at": pa.array([NINE + timedelta(minutes=row[2]) for row in rows], TIME),
        }
    )


def test_a_device_report_counts_gaps_repeats_and_a_clock_set_back():
    table = records(("K01", 1, 0), ("K01", 2, 5), ("K01", 2, 6), ("K01", 5, 3), ("K02", 7, 1), ("K02", 8, 2))
    assert device_report(table).to_pylist() == [
        {
            "device_id": "K01",
            "n": 4,
            "first_sequence": 1,
            "last_sequence": 5,
            "gaps": 2,
            "repeats": 1,
            "clock_back": 1,
        },
        {
            "device_id": "K02",
            "n": 2,
            "first_sequence": 7,
            "last_sequence": 8,
            "gaps": 0,
            "repeats": 0,
            "clock_back": 0,
        },
    ]


def test_a_device_report_does_not_depend_on_the_order_of_rows():
    rows = [("K01", 1, 0), ("K01", 2, 9), ("K01", 4, 4), ("K02", 3, 3)]
    assert device_report(records(*rows)) == device_report(records(*reversed(rows)))


def test_records_without_device_or_number_are_left_out():
    table = records((None, 1, 0), ("K01", None, 1))
    assert device_report(table).num_rows == 0
    assert str(device_report(table).schema.field("gaps").type) == "int64"
