"""Flags on how responses were given, against examples worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from time import perf_counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.flags import FLAG_RULES_VERSION, FLAGS, add_flags, answer_variance, longest_run
from pipelines.quality.likeness import batch_match, item_codes, percent_match
from pipelines.quality.rules import FlagRules, OfficeHours, Threshold
from pipelines.quality.timing import burst_size, median_by_form, speed_ratio

NINE = datetime(2023, 5, 4, 9, tzinfo=UTC)  # 16:00 in Vietnam, a Thursday
TIME = pa.timestamp("us", tz="UTC")
ITEMS = ("a1", "a2", "b1", "b2", "b3")
OFFICE = OfficeHours(time(7), time(17, 30), frozenset({1, 2, 3, 4, 5}), frozenset({"kiosk"}))
LIMITS = {"speeder": 0.5, "straight_line": 1.0, "near_identical": 0.8, "burst": 3, "batch_match": 0.8}


def rules(forms=("citizen", "short", "long"), **limits):
    """Rules for five items: patterns from 4 answers on, batches of 3, bursts in 10 minutes."""
    each = {name: Threshold(((0, value),)) for name, value in (LIMITS | limits).items()}
    return FlagRules(dict.fromkeys(forms, each), 4, 200, 3, 10, frozenset({"kiosk"}), OFFICE)


def responses(seconds, answers=((4, 4, 4, 4, 4),), forms=None, **columns):
    """Responses on kiosk K01 that all began on Thursday at 16:00, local time; `columns` replaces some."""
    count = len(seconds)
    answers = list(answers) * (count if len(answers) == 1 else 1)
    table = {
        "response_id": pa.array([f"{row:032x}" for row in range(count)]),
        "form": pa.array(forms or ["citizen"] * count, pa.string()),
        "unit_code": pa.array(["22243"] * count, pa.string()),
        "channel": pa.array(["kiosk"] * count, pa.string()),
        "device_id": pa.array(["K01"] * count, pa.string()),
        "sequence": pa.array(range(1, count + 1), pa.int64()),
        "line": pa.array(range(1, count + 1), pa.int64()),
        "started_at": pa.array([NINE] * count, TIME),
        "submitted_at": pa.array([None if s is None else NINE + timedelta(seconds=s) for s in seconds], TIME),
    }
    items = {name: pa.array([row[at] for row in answers], pa.int8()) for at, name in enumerate(ITEMS)}
    given = {name: pa.array(values, table[name].type) for name, values in columns.items()}
    return pa.table(table | items | given)


def flagged(table, **limits):
    return add_flags(table, ITEMS, rules(**limits))


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


def codes_of(rows):
    """Answers as an array (items, responses)."""
    columns = [pa.chunked_array([pa.array([row[at] for row in rows], pa.int8())]) for at in range(len(rows[0]))]
    return item_codes(columns)


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
        ((None, None, None, None, None), None, None),
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

    run, answered = longest_run(codes_of(rows))
    assert list(zip(run.tolist(), answered.tolist(), strict=True)) == [by_eye(row) for row in rows]


def test_the_variance_is_that_of_the_answers_given():
    found = answer_variance(codes_of([(4, 4, None, 4, 4), (5, 3, None, None, None), (1, 2, 3, 4, 5), (None,) * 5]))
    assert found[:3].tolist() == [0.0, 1.0, 2.0] and np.isnan(found[3])


def test_zero_variance_needs_as_many_answers_as_a_straight_line():
    table = flagged(responses([60, 60, 60], [(4, 4, 4, 4, None), (4, 4, 4, None, None), (4, 4, 4, 4, 5)]))
    assert table["is_zero_variance"].to_pylist() == [True, False, False]


# Likeness


def like(rows, neighbours=200, groups=None):
    codes = codes_of(rows)
    groups = np.zeros(len(rows), dtype=np.int64) if groups is None else np.array(groups)
    return percent_match(codes, groups, np.lexsort((np.arange(len(rows)), groups)), neighbours)


def test_likeness_is_the_share_of_ones_own_answers_that_the_nearest_other_gives_too():
    found = like([(1, 2, 3, 4, 5), (1, 2, 3, 4, 4), (5, None, 3, 4, 4), (None,) * 5])
    assert found.share[:3] == pytest.approx([4 / 5, 4 / 5, 3 / 4]) and np.isnan(found.share[3])
    assert found.compared.tolist() == [3, 3, 3, 3]


def test_likeness_looks_at_the_own_group_only_and_at_so_many_neighbours_in_time():
    one, other = (1, 2, 3, 4, 5), (5, 4, 1, 2, 3)
    assert like([one, other, one], groups=[0, 1, 0]).share.tolist()[::2] == [1.0, 1.0]
    assert np.isnan(like([one, other, one], groups=[0, 1, 0]).share[1])
    apart = like([one, other, other, one], neighbours=2)
    assert apart.share.tolist() == [0.0, 1.0, 1.0, 0.0] and apart.compared.tolist() == [1, 2, 2, 1]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.none() | st.integers(1, 3), min_size=4, max_size=4)),
        min_size=1,
        max_size=12,
    )
)
def test_likeness_equals_a_comparison_of_every_pair(rows):
    found = like([answers for _, answers in rows], groups=[group for group, _ in rows])
    for at, (group, mine) in enumerate(rows):
        others = [answers for place, (other, answers) in enumerate(rows) if other == group and place != at]
        given = [item for item, answer in enumerate(mine) if answer is not None]
        if given and others:
            best = max(sum(answers[item] == mine[item] for item in given) for answers in others) / len(given)
            assert found.share[at] == pytest.approx(best)
        else:
            assert np.isnan(found.share[at])


def test_a_copy_is_near_identical_and_a_straight_line_never_is():
    rows = [(1, 2, 3, 4, 5), (1, 2, 3, 4, 4), (4, 4, 4, 4, 4), (4, 4, 4, 4, 4), (2, 5, 1, 3, 2)]
    table = flagged(responses([60] * 5, rows))
    assert table["percent_match"].to_pylist() == pytest.approx([0.8, 0.8, 1.0, 1.0, 0.0])
    assert table["is_near_identical"].to_pylist() == [True, True, False, False, False]


def test_the_threshold_of_likeness_follows_the_number_compared_with():
    by_size = Threshold(((50, 0.7), (100, 0.9), (200, np.nan)))
    limits = by_size.for_compared(np.array([1, 50, 51, 100, 101, 900]))
    assert limits[:4].tolist() == [0.7, 0.7, 0.9, 0.9] and np.isnan(limits[4:]).all()
    assert np.isnan(Threshold().for_compared(np.array([5]))).all()


# Batches and bursts


def test_a_batch_is_the_most_alike_succession_on_a_device():
    rows = [(1, 2, 3, 4, 5), (5, 5, 4, 4, 4), (5, 5, 4, 4, 4), (5, 5, 4, 4, 3), (1, 1, 1, 1, 1)]
    found = batch_match(codes_of(rows), np.zeros(5, dtype=np.int64), np.arange(5), 3)
    assert found == pytest.approx([0.6, 0.9, 0.9, 0.9, 0.4])  # pairs: 0.2, 1, 0.8, 0


def test_a_batch_does_not_cross_devices_nor_hold_fewer_than_its_length():
    rows, two = [(1, 2, 3, 4, 5)] * 4, np.array([0, 0, 1, 1])
    assert np.isnan(batch_match(codes_of(rows), two, np.arange(4), 3)).all()
    assert np.isnan(batch_match(codes_of(rows), np.full(4, -1), np.arange(4), 3)).all()
    assert np.isnan(batch_match(codes_of(rows[:2]), two[:2], np.arange(2), 3)).all()


def test_batches_go_by_the_time_on_the_device_and_not_by_the_order_of_rows():
    rows = [(1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (1, 2, 3, 4, 5), (5, 4, 3, 2, 1), (1, 2, 3, 4, 5)]
    devices = ["K01", "K02", "K01", "K02", "K01"]
    table = flagged(responses([60, 70, 80, 90, 100], rows, device_id=devices))
    assert table["batch_match"].to_pylist() == [1.0, None, 1.0, None, 1.0]
    assert table["is_batch"].to_pylist() == [True, None, True, None, True]


def test_a_burst_counts_the_most_responses_of_a_device_in_any_ten_minutes_around():
    table = flagged(responses([0, 300, 600, 1300, 1800]))
    assert table["burst_size"].to_pylist() == [3.0, 3.0, 3.0, 2.0, 2.0]
    assert table["is_burst"].to_pylist() == [True, True, True, False, False]


@given(st.lists(st.tuples(st.sampled_from(["K01", "K02"]), st.integers(0, 40)), max_size=40))
def test_a_burst_is_the_largest_count_from_any_response_on_that_reaches_this_one(rows):
    minutes = [minute for _, minute in rows]
    table = responses([60 * minute for minute in minutes], device_id=[device for device, _ in rows])
    following = [sum(d == device and m <= n <= m + 10 for d, n in rows) for device, m in rows]
    expected = [
        max(count for (d, m), count in zip(rows, following, strict=True) if d == device and m <= minute <= m + 10)
        for device, minute in rows
    ]
    assert burst_size(table, 10, {"kiosk"}).tolist() == expected


def test_bursts_are_not_told_from_times_that_are_not_those_of_a_device():
    table = responses(
        [0, 1, 2, 3], channel=["kiosk", "portal", "kiosk", "kiosk"], device_id=["K01", "K01", None, "K02"]
    )
    assert flagged(table)["burst_size"].to_pylist() == [1.0, None, None, 1.0]
    received = responses([0, 1, 2], started_at=[None, NINE, NINE])
    assert flagged(received)["burst_size"].to_pylist() == [None, 2.0, 2.0]


# Office hours


@pytest.mark.parametrize(
    ("local", "minutes"),
    [
        (datetime(2023, 5, 4, 7, 0), 0),
        (datetime(2023, 5, 4, 17, 30), 0),
        (datetime(2023, 5, 4, 6, 45), 15),
        (datetime(2023, 5, 4, 17, 30, 30), 0.5),
        (datetime(2023, 5, 4, 23, 59), 389),
        (datetime(2023, 5, 6, 9, 0), 1440),  # Saturday
    ],
)
def test_minutes_outside_office_hours_are_those_of_the_rounds_zone(local, minutes):
    at = (local - timedelta(hours=7)).replace(tzinfo=UTC)
    (row,) = flagged(responses([0], submitted_at=[at], started_at=[at])).to_pylist()
    assert row["minutes_outside"] == pytest.approx(minutes) and row["is_out_of_hours"] is (minutes > 0)


def test_channels_without_office_hours_are_never_out_of_hours():
    (row,) = flagged(responses([0], channel=["portal"])).to_pylist()
    assert row["minutes_outside"] is None and row["is_out_of_hours"] is None


# The table


def test_flags_add_columns_of_fixed_types_and_leave_the_rest():
    before = responses([60.0, 70.0])
    after = add_flags(before, ITEMS, rules())
    assert after.select(before.column_names) == before
    types = {name: str(after.schema.field(name).type) for name in after.column_names[len(before.column_names) :]}
    expected = {"duration_s": "double", "flag_rules": "string"}
    expected |= dict.fromkeys(FLAGS, "bool") | {score: "double" for score, _ in FLAGS.values()}
    assert types == expected
    assert after["flag_rules"].to_pylist() == [FLAG_RULES_VERSION] * 2


def test_a_month_without_responses_has_the_same_columns():
    full, empty = responses([60.0]), responses([60.0])[:0]
    assert add_flags(empty, ITEMS, rules()).schema == add_flags(full, ITEMS, rules()).schema


def test_a_form_without_thresholds_has_scores_but_is_not_judged():
    (row,) = add_flags(responses([60.0]), ITEMS, replace(rules(), forms={})).to_pylist()
    assert row["longest_run"] == 1.0 and row["speed_ratio"] == 1.0
    assert [row[name] for name, (_, threshold) in FLAGS.items() if threshold] == [None] * 5


def test_a_hundred_thousand_responses_of_one_month_take_seconds_and_no_square_of_memory():
    codes = np.random.default_rng(1).integers(1, 6, (22, 100_000)).astype(np.int8)
    started = perf_counter()
    found = percent_match(codes, np.zeros(100_000, dtype=np.int64), np.arange(100_000), 200)
    assert perf_counter() - started < 20  # about 0.2 on a quiet machine
    assert found.compared.max() == 200
