"""Kiosk files: the published schema, what a line becomes, and what a bad line costs."""

import json
from io import BytesIO

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.model.source import RawRows
from pipelines.sources import blocks, source
from pipelines.sources.kiosk import mappings
from pipelines.sources.kiosk_events import SCHEMA, problem_of

EVENT = {
    "event_id": "7f0c2c5e-0000-4000-8000-000000000001",
    "device": "K01",
    "sequence": 17,
    "unit": "22243",
    "procedure": "1.001193",
    "instrument": "citizen",
    "instrument_version": "2017.1",
    "started_at": "2023-05-04T08:15:00+07:00",
    "submitted_at": "2023-05-04T08:17:30.25Z",
    "respondent": "citizen",
    "answers": {"A1": 5, "A2": None},
    "comment": "Cán bộ nhiệt tình, hài lòng",
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def lines(*events: object) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in EVENT.items() if key != name}


def test_schema_is_valid_and_explains_every_field_in_both_languages():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for kind in ("event", "seal"):
        for name, rule in SCHEMA["$defs"][kind]["properties"].items():
            assert rule["description"] and rule["description_vi"], name
        assert SCHEMA["$defs"][kind]["additionalProperties"] is False
    VALIDATOR.validate(EVENT)


def test_record_becomes_a_row_with_an_answer_a_heading():
    reading = read("kiosk", lines(EVENT))
    assert reading.faults == [] and reading.lines == [1]
    assert reading.rows[0] == {
        **{key: str(value) for key, value in EVENT.items() if key != "answers"},
        "answers/A1": "5",
        "answers/A2": None,
        "signing_key": None,
    }


def test_default_mapping_covers_all_headings_of_a_record_and_chooses_by_version():
    (mapping,) = mappings(config("kiosk"), [form()])
    headings = set(read("kiosk", lines(EVENT)).rows[0])
    assert headings == {*mapping.headings, *mapping.when}
    assert mapping.when == {"instrument": ("citizen",), "instrument_version": ("2017.1",)}
    assert mapping.headings["answers/A1"] == "A1" and mapping.headings["unit"] == "unit_code"


def test_key_that_the_schema_does_not_know_stays_a_heading():
    (row,) = read("kiosk", lines(EVENT | {"battery": 71, "gps": {"lat": 13.0}})).rows
    assert (row["battery"], row["gps"]) == ("71", '{"lat":13.0}')


def test_rows_with_different_answers_share_a_block():
    reading = read("kiosk", lines(EVENT | {"answers": {"A1": 1}}, EVENT | {"answers": {"A2": 2}}))
    assert [(row["answers/A1"], row["answers/A2"]) for row in reading.rows] == [("1", None), (None, "2")]


@pytest.mark.parametrize(
    ("event", "code", "field"),
    [
        (without("unit"), "R201_MISSING_FIELD", "unit"),
        (EVENT | {"unit": ""}, "R201_MISSING_FIELD", "unit"),
        (EVENT | {"event_id": None}, "R201_MISSING_FIELD", "event_id"),
        (EVENT | {"unit": 22243}, "R107_BROKEN_LINE", "unit"),
        (EVENT | {"sequence": "17"}, "R107_BROKEN_LINE", "sequence"),
        (EVENT | {"sequence": True}, "R107_BROKEN_LINE", "sequence"),
        (EVENT | {"sequence": 0}, "R207_BAD_NUMBER", "sequence"),
        (EVENT | {"answers": [5, 4]}, "R107_BROKEN_LINE", "answers"),
        (EVENT | {"answers": {"A1": "5"}}, "R107_BROKEN_LINE", "answers/A1"),
        (EVENT | {"answers": {"A1": 4.5}}, "R107_BROKEN_LINE", "answers/A1"),
        (EVENT | {"answers/A1": 1}, "R107_BROKEN_LINE", "answers"),
        (EVENT | {"submitted_at": "2023-05-04T08:15:00"}, "R204_BAD_TIME", "submitted_at"),
        (EVENT | {"submitted_at": "04/05/2023 08:15"}, "R204_BAD_TIME", "submitted_at"),
        ([EVENT], "R107_BROKEN_LINE", ""),
        (5, "R107_BROKEN_LINE", ""),
    ],
)
def test_record_against_the_schema_is_a_fault_that_names_the_field(event: object, code: str, field: str):
    reading = read("kiosk", lines(EVENT, event, EVENT))
    (fault,) = reading.faults
    assert (fault.code.name, fault.line, fault.field) == (code, 2, field)
    assert json.loads(fault.payload) == event
    assert reading.lines == [1, 3]


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TIMES = st.sampled_from([EVENT["started_at"], "2023-05-04T08:15:00", "2023-05-04T08:15:00.1234567Z", "", "T"])
ANSWERS = st.dictionaries(st.text(max_size=3), VALUES | st.lists(st.integers(), max_size=2), max_size=3)


@st.composite
def events(draw: st.DrawFn) -> object:
    changed = draw(st.dictionaries(st.sampled_from(sorted(EVENT)), VALUES | TIMES | ANSWERS, max_size=3))
    left_out = draw(st.sets(st.sampled_from(sorted(EVENT)), max_size=1))
    return {key: value for key, value in (EVENT | changed).items() if key not in left_out}


@given(event=events() | VALUES | st.lists(VALUES))
def test_quick_check_agrees_with_the_published_schema(event: object):
    assert (problem_of(event) is None) == VALIDATOR.is_valid(event)


@pytest.mark.parametrize("name", sorted(EVENT))
@pytest.mark.parametrize(
    "value", [None, True, 0, 1, -1, 2.0, 2.5, "", "x", [], {}, {"A1": 1.0}, {"A1": 1.5}, {"A1": True}]
)
def test_quick_check_agrees_with_the_schema_on_every_type_in_every_field(name: str, value: object):
    event = EVENT | {name: value}
    assert (problem_of(event) is None) == VALIDATOR.is_valid(event)


def test_number_written_with_a_decimal_point_is_the_whole_number_it_is():
    (row,) = read("kiosk", lines(EVENT).replace(b'"A1":5', b'"A1":5.0')).rows
    assert row["answers/A1"] == "5"


def test_last_line_without_line_feed_counts_if_it_is_whole():
    reading = read("kiosk", lines(EVENT, EVENT).rstrip(b"\n"))
    assert reading.lines == [1, 2] and reading.faults == []


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_line_cut_off_at_the_end_is_told_from_a_broken_one(cut: int):
    content = lines(EVENT, EVENT)
    reading = read("kiosk", content[: -cut - 1])
    assert reading.lines == [1] and reading.codes == [("R106", 2)]
    broken = read("kiosk", content[: -cut - 1] + b"\n" + lines(EVENT))
    assert broken.lines == [1, 3] and broken.codes == [("R107", 2)]


def test_line_cut_off_inside_a_letter_is_truncated():
    content = lines(EVENT).split("ò".encode())[0] + "ò".encode()[:1]
    assert read("kiosk", content).codes == [("R106", 1)]


def test_byte_order_mark_blank_lines_and_carriage_returns_are_no_fault():
    reading = read("kiosk", b"\xef\xbb\xbf" + lines(EVENT).replace(b"\n", b"\r\n") + b"\r\n  \n" + lines(EVENT))
    assert reading.lines == [1, 4] and reading.faults == []


def test_line_in_another_encoding_is_refused_and_the_others_are_read():
    legacy = orjson.dumps(EVENT | {"comment": "h\0i"}).replace(b"\\u0000", b"\xb5")  # "hµi": TCVN3 for "hài"
    reading = read("kiosk", lines(EVENT) + legacy + b"\n" + lines(EVENT))
    assert reading.lines == [1, 3] and reading.codes == [("R101", 2)]
    assert "UTF-8" in reading.faults[0].value and "\\xb5" in reading.faults[0].payload


def test_record_with_too_many_answers_is_a_fault():
    reading = read("kiosk", lines(EVENT | {"answers": {f"A{i}": 1 for i in range(3_000)}}, EVENT))
    assert reading.lines == [2] and reading.codes == [("R105", 1)]


def blocks_of(content: bytes) -> list[RawRows]:
    parts = source("kiosk").read(BytesIO(content), "file", config("kiosk"))
    return [part for part in parts if isinstance(part, RawRows)]


@pytest.mark.parametrize("odd", [[], [5]])
def test_rows_come_in_bounded_blocks(odd: list[object]):
    found = [len(block.lines) for block in blocks_of(lines(*[EVENT] * (blocks.MAX_ROWS + 1), *odd))]
    assert len(found) > 1 and max(found) <= blocks.MAX_ROWS and sum(found) == blocks.MAX_ROWS + 1


def test_blocks_stay_small_where_rows_are_wide_or_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blocks, "MAX_CELLS", 1_000)
    wide = lines(*[EVENT | {"answers": {f"{row}-{column}": 1 for column in range(90)}} for row in range(12)])
    assert [len(block.lines) for block in blocks_of(wide)] == [4, 4, 4]
    monkeypatch.setattr(blocks, "MAX_SIZE", 20_000)
    long = lines(*[EVENT | {"comment": "x" * 9_000}] * 6)
    assert [len(block.lines) for block in blocks_of(long)] == [3, 3]
