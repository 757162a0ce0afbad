"""Bad input by name, for every reader that may meet it: told and kept, never mangled, and rows around it are read."""

import pytest
from fuzz_kit import EVENT, TABLE, csv_of, json_lines, read

GOOD_ROW = TABLE[1]
LEGACY = "Cán bộ nhiệt tình".encode("cp1258", "replace")


def table_with(*cells: object) -> list[list[object]]:
    """The table with another row in it, whose last cells are these."""
    return [TABLE[0], GOOD_ROW, [*GOOD_ROW[: len(GOOD_ROW) - len(cells)], *cells], ["r9", *GOOD_ROW[1:]]]


@pytest.mark.parametrize("name", ["postal", "spreadsheet", "limesurvey", "odk"])
def test_one_line_in_another_encoding_costs_that_line_only(name: str):
    reading = read(name, csv_of(table_with("COMMENT")).replace(b"COMMENT", LEGACY))
    assert reading.codes == ["R101"] and len(reading.rows) == 2
    assert "\\x" in reading.faults[0].payload


@pytest.mark.parametrize("name", ["kiosk", "scan"])
def test_one_record_in_another_encoding_costs_that_record_only(name: str):
    record = EVENT if name == "kiosk" else dict(zip(TABLE[0], map(str, GOOD_ROW), strict=True))
    content = json_lines(record, record | {"comment": "COMMENT"}, record).replace(b"COMMENT", LEGACY)
    reading = read(name, content)
    assert reading.codes == ["R101"] and [line for line, _ in reading.rows] == [1, 3]


@pytest.mark.parametrize("name", ["postal", "spreadsheet"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_and_never_read_as_something_else(name: str, encoding: str):
    reading = read(name, csv_of(TABLE, encoding=encoding))
    assert reading.faults
    assert all("\0" in text for _, row in reading.rows for text in row.values() if text)  # which conforming refuses


@pytest.mark.parametrize("name", ["postal", "spreadsheet", "limesurvey", "odk"])
def test_decomposed_headings_are_the_same_headings(name: str):
    (_, row), *_ = read(name, csv_of([["id", "Ca\u0302u ho\u0309i"], ["1", "5"]])).rows
    assert "Câu hỏi" in row


@pytest.mark.parametrize("name", ["postal", "spreadsheet", "limesurvey", "odk"])
def test_a_million_columns_are_a_fault(name: str):
    reading = read(name, b"a" + b",a" * 499_999 + b"\n" + b"1" + b",1" * 499_999 + b"\n")
    assert reading.faults and not reading.rows


@pytest.mark.parametrize("name", ["kiosk", "scan"])
def test_a_record_of_a_hundred_thousand_fields_is_a_fault_and_the_next_is_read(name: str):
    record = EVENT if name == "kiosk" else {"record_id": "1"}
    wide = record | {f"k{n}": "1" for n in range(100_000)}
    reading = read(name, json_lines(wide, record))
    assert reading.codes == ["R105"] and [line for line, _ in reading.rows] == [2]


@pytest.mark.parametrize("name", ["kiosk", "scan", "kobo", "odk"])
def test_deep_nesting_is_a_fault(name: str):
    deep = b'{"answers":' * 5_000 + b"1" + b"}" * 5_000
    reading = read(name, {"kobo": b'{"results":[%s]}', "odk": b'{"value":[%s]}'}.get(name, b"%s\n") % deep)
    assert reading.faults and not reading.rows


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2023-02-30T08:00:00Z", "2023-05-04"])
def test_absurd_dates_are_passed_on_as_written_or_refused_never_changed(when: str):
    reading = read("kiosk", json_lines(EVENT | {"submitted_at": when}))
    assert [row["submitted_at"] for _, row in reading.rows] + [fault.value for fault in reading.faults] == [when]


def test_formulas_and_nul_in_text_stay_text():
    table = table_with('=cmd|" /C calc"!A0', "a\0b")
    rows = [row for _, row in read("postal", csv_of(table)).rows]
    assert (rows[1]["A1"], rows[1]["comment"]) == ('=cmd|" /C calc"!A0', "a\0b")
