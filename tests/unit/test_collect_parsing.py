"""Text to instants, numbers and cells: what is read, and what becomes null for the caller to reject."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.cells import Block, Cells
from pipelines.collect.parsing import local_months, parse_integers, parse_times
from pipelines.model.source import RawRows

VIETNAM = "Asia/Ho_Chi_Minh"


def instant(text, zone=VIETNAM, time_format=""):
    return parse_times(pa.array([text], pa.string()), zone, time_format)[0].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-05-04T08:00:00+07:00", datetime(2023, 5, 4, 1, tzinfo=UTC)),
        ("2023-05-04T08:00:00+0700", datetime(2023, 5, 4, 1, tzinfo=UTC)),
        ("2023-05-04T08:00:00+07", datetime(2023, 5, 4, 1, tzinfo=UTC)),
        ("2023-05-04T08:00:00Z", datetime(2023, 5, 4, 8, tzinfo=UTC)),
        ("2022-05-10T17:00:59.791-00:00", datetime(2022, 5, 10, 17, 0, 59, 791000, tzinfo=UTC)),
        ("2023-05-04T08:00:00", datetime(2023, 5, 4, 1, tzinfo=UTC)),
        ("2023-05-04 08:00", datetime(2023, 5, 4, 1, tzinfo=UTC)),
        ("2023-05-04", datetime(2023, 5, 3, 17, tzinfo=UTC)),
        ("2023-05-04T08:00:00.123456789+07:00", datetime(2023, 5, 4, 1, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_iso_8601_is_read_with_and_without_zone(text, expected):
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "hôm qua", "2023-02-30", "2023-13-01", "2023-05-04T25:00:00", "2023-05-04T08:60", "04/05/2023", "20230504",
     "1999-12-31", "2101-01-02", "0001-01-01T00:00:00Z", "9999-12-31", "2023-05-04T08:00:00+99:00", "45050.5",
     "2023-05-04T08", "２０２３-05-04", "now", "infinity"],
)  # fmt: skip
def test_what_is_no_time_or_an_absurd_one_is_null(text):
    assert instant(text) is None


def test_one_odd_cell_changes_no_other():
    texts = pa.array(["2023-05-04T08:00:00Z", "9999-12-31", None, "2023-05-04T08:00:00.123456789Z", "x"])
    years = [found and found.year for found in parse_times(texts, VIETNAM).to_pylist()]
    assert years == [2023, None, None, 2023, None]


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("4/5/2023 8:05", "%d/%m/%Y %H:%M", datetime(2023, 5, 4, 1, 5, tzinfo=UTC)),
        ("04/05/2023", "%d/%m/%Y", datetime(2023, 5, 3, 17, tzinfo=UTC)),
        ("04/05/2023 08:05 +0000", "%d/%m/%Y %H:%M %z", datetime(2023, 5, 4, 8, 5, tzinfo=UTC)),
        ("2023-05-04 08:05:00", "%d/%m/%Y %H:%M", datetime(2023, 5, 4, 1, 5, tzinfo=UTC)),
        ("4/5/2023 8:05 CH", "%d/%m/%Y %I:%M %p", datetime(2023, 5, 4, 13, 5, tzinfo=UTC)),
        ("4/5/2023 12:05 SA", "%d/%m/%Y %I:%M %p", datetime(2023, 5, 3, 17, 5, tzinfo=UTC)),
        ("4/5/2023 12:05 PM", "%d/%m/%Y %I:%M %p", datetime(2023, 5, 4, 5, 5, tzinfo=UTC)),
        ("31/02/2023", "%d/%m/%Y", None),
        ("05/23/2023", "%d/%m/%Y", None),
    ],
)
def test_a_format_of_ones_own_is_read_beside_iso(text, time_format, expected):
    assert instant(text, VIETNAM, time_format) == expected


def test_local_times_that_a_zone_skips_or_repeats_are_null():
    assert instant("2021-03-28 02:30", "Europe/Berlin") is None
    assert instant("2021-10-31 02:30", "Europe/Berlin") is None


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)),
    st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters))),
)
def test_every_iso_time_with_a_zone_is_read_exactly(moment, zone):
    there = moment.replace(tzinfo=zone)
    assert instant(there.isoformat()) == there


def test_month_is_counted_in_the_zone():
    times = parse_times(pa.array(["2023-04-30T16:59:59Z", "2023-04-30T17:00:00Z"]), VIETNAM)
    assert local_months(times, VIETNAM).to_pylist() == ["2023-04", "2023-05"]
    assert datetime(2023, 4, 30, 17, tzinfo=UTC).astimezone(ZoneInfo(VIETNAM)).month == 5


def test_whole_numbers_are_read_within_their_bounds():
    texts = pa.array(["5", "05", "-5", "+5", "5.0", "x", " 5", None, "10", "11", "9" * 30, "٥"])
    expected = [5, 5, -5, None, None, None, None, None, 10, None, None, None]
    assert parse_integers(texts, -10, 10).to_pylist() == expected


def test_cells_are_trimmed_in_nfc_and_blank_is_null():
    cells = Cells.read([" a ", "", "  ", None, "e\u0302\u0301", "\u00a0b\u3000"])
    assert cells.texts.to_pylist() == ["a", None, None, None, "ế", "b"]
    assert not cells.broken.any()
    assert cells.is_filled.tolist() == [True, False, False, False, True, True]


def test_nul_and_lone_surrogates_break_only_their_own_cell():
    cells = Cells.read(["a\0", "b\udc80", "c", None])
    assert cells.texts.to_pylist() == [None, None, "c", None]
    assert cells.broken.tolist() == [True, True, False, False]
    assert cells.is_filled.tolist() == [True, True, True, False]


@given(st.lists(st.none() | st.text()))
def test_reading_cells_keeps_every_row_in_its_place(raw):
    cells = Cells.read(raw)
    assert len(cells.texts) == len(cells.broken) == len(raw)
    for text, clean, broken in zip(raw, cells.texts.to_pylist(), cells.broken, strict=True):
        assert broken == (text is not None and "\0" in text)
        assert (clean is None) == (text is None or broken or not cells_text(text))


def cells_text(text):
    return Cells.constant(text, 1).texts[0].as_py() or ""


def test_rows_of_a_block_keep_line_and_origin():
    block = Block.read(RawRows({"a": ["1", "2", "3"]}, [4, 5, 9])).take(np.array([False, True, True]))
    assert block.lines.tolist() == [5, 9] and block.cells["a"].texts.to_pylist() == ["2", "3"]
    again = block.take(np.array([False, True]))
    assert again.rows.tolist() == [2] and again.lines.tolist() == [9]
