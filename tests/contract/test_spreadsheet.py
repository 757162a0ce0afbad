"""Spreadsheets of Google Forms and Microsoft Forms in the shapes that the services export."""

import io
import unicodedata
from dataclasses import replace
from datetime import datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import Reading, config, read

from pipelines.model.round import Mapping
from pipelines.model.source import Fault, RawRows
from pipelines.sources import source

Q1, Q2 = "Anh/chị có hài lòng với thời gian giải quyết?", "Anh/chị biết thông tin qua kênh nào?"
GOOGLE = f"""Dấu thời gian,{Q1},{Q2}
21/08/2023 13:10:31,Rất hài lòng,"Đài truyền hình, Báo"
05/04/2023 08:00:00,Hài lòng,"Loa
phát thanh"
"""


def book(*rows: list[object]) -> bytes:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


MICROSOFT = [
    ["ID", "Start time", "Completion time", "Email", "Name", Q1, f"Points - {Q1}", Q2],
    [1, datetime(2023, 8, 21, 13, 8), datetime(2023, 8, 21, 13, 10, 31), "anonymous", None, 5, 0, "Báo;Loa;"],
    [2, datetime(2023, 4, 5, 8, 0), datetime(2023, 4, 5, 8, 2), "anonymous", None, 4, 0, "Báo;"],
]


def test_google_csv_keeps_line_breaks_and_names_its_time_column_in_one_way():
    reading = read("spreadsheet", GOOGLE.encode())
    assert reading.faults == [] and reading.lines == [2, 3]
    assert [row["timestamp"] for row in reading.rows] == ["21/08/2023 13:10:31", "05/04/2023 08:00:00"]
    assert reading.rows[1][Q2] == "Loa\nphát thanh"
    english = read("spreadsheet", GOOGLE.replace("Dấu thời gian", "Timestamp").encode())
    assert english.rows == reading.rows


def test_microsoft_workbook_gives_typed_times_and_ids():
    reading = read("spreadsheet", book(*MICROSOFT))
    assert reading.faults == []
    first = reading.rows[0]
    assert (first["id"], first["completion_time"], first["email"]) == ("1", "2023-08-21T13:10:31", "anonymous")
    assert (first[Q1], first[Q2], first[f"Points - {Q1}"]) == ("5", "Báo;Loa;", "0")


@pytest.mark.parametrize(
    "heading", ["Thời gian hoàn thành", "Completion  time", " completion time ", "Thời gian hoàn thành"]
)
def test_localised_or_carelessly_written_heading_has_one_name(heading: str):
    for form in ("NFC", "NFD"):
        content = unicodedata.normalize(form, f"{heading},x\n1,2\n").encode()
        assert read("spreadsheet", content).rows[0]["completion_time"] == "1"


def test_heading_that_a_mapping_names_as_written_stays():
    settings = replace(config("spreadsheet"), mappings=(Mapping("f", {"Name": "A1"}),))
    (block,) = source("spreadsheet").read(io.BytesIO(b"Name,Email\n5,x\n"), "file", settings)
    assert isinstance(block, RawRows) and {"Name", "email"} <= set(block.columns)


# Identity of rows without id


def ids(reading: Reading) -> list[str | None]:
    return [row["row_id"] for row in reading.rows]


ROWS = ["t1,5,x", "t2,4,", "t1,5,x"]


def sheet(*rows: str, head: str = "Timestamp,q1,q2") -> Reading:
    return read("spreadsheet", "\n".join([head, *rows, ""]).encode())


def test_equal_rows_are_numbered_and_all_stay():
    first, second, third = ids(sheet(*ROWS))
    assert first and second and third
    assert (first[:-2], third[:-2]) == (third[:-2], first[:-2])
    assert [one[-2:] for one in (first, second, third)] == ["-1", "-1", "-2"]


def test_rows_keep_their_identity_when_sorted_removed_or_added_or_a_heading_changes():
    before = ids(sheet(*ROWS))
    assert set(ids(sheet(*sorted(ROWS), "t9,1,"))) > set(before)
    assert set(ids(sheet(ROWS[1], ROWS[0]))) == set(before[:2])
    assert ids(sheet(*ROWS, head="Dấu thời gian,Câu hỏi mới,q2")) == before
    assert ids(sheet("t1,,5,x", "t2,,4,", "t1,,5,x", head="Timestamp,q0,q1,q2")) == before


def test_row_that_was_changed_is_another_record():
    assert not set(ids(sheet("t2,3,"))) & set(ids(sheet(*ROWS)))


def test_heading_of_that_name_is_never_overwritten():
    assert sheet("a,1,2", head="row_id,q1,q2").codes == [("R107", 2)]


# Times


@pytest.mark.parametrize("name", ["Timestamp", "Thời gian hoàn thành"])
def test_half_converted_dates_refuse_the_file(name: str):
    rows = [[name, "q"], ["21/08/2023 13:10:31", 5], [datetime(2023, 5, 4, 8, 0), 4]]
    reading = read("spreadsheet", book(*rows))
    assert reading.rows == [] and reading.codes == [("R101", None)]
    assert "day and month" in reading.faults[0].value
    assert read("spreadsheet", book([name, "q"], ["x", 5], [datetime(2023, 5, 4), 4], [None, 3])).faults == []


def test_half_converted_dates_in_a_column_that_a_mapping_takes_for_a_time_refuse_the_file():
    rows = [["Ngày", "q"], ["21/08/2023", 5], [datetime(2023, 5, 4, 8, 0), 4]]
    assert read("spreadsheet", book(*rows)).faults == []
    settings = replace(config("spreadsheet"), mappings=(Mapping("f", {"Ngày": "submitted_at"}),))
    (fault,) = source("spreadsheet").read(io.BytesIO(book(*rows)), "file", settings)
    assert isinstance(fault, Fault) and fault.field == "Ngày"


# Bad input


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (("q," * 300_000 + "q\n1\n").encode(), [("R105", None)]),
        (("q\n" + "1," * 300_000 + "1\n").encode(), [("R107", 2)]),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, [("R101", None)]),
        ("Timestamp,q\n1,2\n".encode("utf-16"), [("R101", None)]),
        (b"PK\x03\x04" + b"\0" * 50, [("R101", None)]),
        (b"Timestamp,q,q\n1,2,3\n", [("R109", None)]),
    ],
    ids=["columns of headings", "columns of a row", "old office", "UTF-16", "no zip", "equal questions"],
)
def test_file_that_cannot_be_read_is_refused_with_its_reason(content: bytes, codes: list[tuple[str, int | None]]):
    reading = read("spreadsheet", content)
    assert reading.rows == [] and reading.codes == codes


def test_formula_is_never_evaluated_and_nul_is_passed_on_to_be_judged():
    (row,) = read("spreadsheet", b'Timestamp,q\n"=1+1","a\0b"\n').rows
    assert (row["timestamp"], row["q"]) == ("=1+1", "a\0b")
    reading = read("spreadsheet", book(["Timestamp", "q"], ["t", "=1+1"]))
    assert reading.rows == [] and reading.codes == [("R107", 2)]


CELL = st.text(st.sampled_from("a5;,\"'\n\r \0éµß/2023-"), max_size=8)


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=5))
def test_each_line_of_any_table_is_accounted_for_once(rows: list[list[str]]):
    quoted = ("".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n") for row in rows)
    reading = read("spreadsheet", ("Timestamp,q1,q2\n" + "".join(quoted)).encode())
    lines = reading.lines + [fault.line for fault in reading.faults if fault.line]
    assert len(lines) == len(set(lines)) and (lines or reading.faults)
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    whole = any(fault.line is None for fault in reading.faults)
    assert whole or len(lines) == len(filled)
