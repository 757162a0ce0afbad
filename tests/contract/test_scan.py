"""Sheets that a machine has read: one JSON object a line, as any other source gives its rows."""

import orjson
from hypothesis import given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.sources import source
from pipelines.sources.forms import own_names

SHEET = {
    "instrument": "citizen",
    "instrument_version": "2017.1",
    "record_id": "000001",
    "A1": "5",
    "A2": None,
    "Q2": "1 3",
}


def lines(*sheets: object) -> bytes:
    return b"".join(orjson.dumps(sheet) + b"\n" for sheet in sheets)


def test_sheets_are_rows_under_their_own_headings():
    reading = read("scan", lines(SHEET, SHEET | {"record_id": "000002", "A1": ""}))
    assert reading.faults == [] and reading.lines == [1, 2]
    assert [(row["record_id"], row["A1"], row["A2"]) for row in reading.rows] == [
        ("000001", "5", None),
        ("000002", None, None),
    ]


def test_default_mapping_names_header_fields_and_questions_of_each_form():
    first, second = own_names(config("scan"), [form("citizen", "A1"), form("organisation", "B1")])
    assert first.when == {"instrument": ("citizen",), "instrument_version": ("2017.1",)}
    assert first.headings["A1"] == "A1" and first.headings["unit_code"] == "unit_code" and "B1" not in first.headings
    assert second.form == "organisation"


def test_lines_that_are_no_sheet_are_faults_with_their_text_and_the_next_is_read():
    content = lines(SHEET) + b"{broken\n[1]\n" + lines({"A1": 5}) + lines(SHEET)
    reading = read("scan", content)
    assert reading.lines == [1, 5] and reading.codes == [("R107", 2), ("R107", 3), ("R107", 4)]
    assert reading.faults[0].payload == "{broken"


def test_line_that_breaks_off_and_empty_file_are_told_apart():
    assert read("scan", lines(SHEET)[:-10]).codes == [("R106", 1)]
    assert read("scan", b"\n \n").codes == [("R102", None)]


def test_source_is_registered_with_its_names():
    assert source("scan").channel == "paper_desk" and set(source("scan").titles) == {"vi", "en"}


@given(st.binary(max_size=300))
def test_any_bytes_become_rows_or_faults(content: bytes):
    reading = read("scan", content)
    assert reading.rows or reading.faults
