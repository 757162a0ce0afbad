"""Spreadsheets of Google Forms and Microsoft Forms in the shapes that the services export."""

import io
import unicodedata
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import Reading, config, inbox, read

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


def test_row_id_is_made_only_where_the_mapping_takes_no_other_identity():
    settings = replace(config("spreadsheet"), mappings=(Mapping("f", {"id": "record_id"}),))
    (block,) = source("spreadsheet").read(io.BytesIO(book(*MICROSOFT)), "file", settings)
    assert isinstance(block, RawRows) and "row_id" not in block.columns and list(block.columns["id"]) == ["1", "2"]
    (google,) = source("spreadsheet").read(io.BytesIO(GOOGLE.encode()), "file", settings)
    assert isinstance(google, RawRows) and "row_id" in google.columns


def test_heading_of_a_mapping_is_found_whatever_its_white_space():
    settings = replace(config("spreadsheet"), mappings=(Mapping("f", {"Hài lòng  với\nkết quả?": "A1"}),))
    (block,) = source("spreadsheet").read(io.BytesIO("ID,Hài lòng\u00a0với kết quả? \n1,5\n".encode()), "f", settings)
    assert isinstance(block, RawRows) and list(block.columns["Hài lòng  với\nkết quả?"]) == ["5"]


# Times


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026/03/05 9:04:05 SA GMT+7", "2026-03-05T09:04:05+07:00"),
        ("2026/03/05 12:00:01 SA GMT+7", "2026-03-05T00:00:01+07:00"),
        ("2026/03/05 12:00:01 CH GMT+7", "2026-03-05T12:00:01+07:00"),
        ("2026/3/5 9:04:05 PM GMT-3:30", "2026-03-05T21:04:05-03:30"),
        ("2026/03/05 9:04:05 AM UTC", "2026-03-05T09:04:05+00:00"),
        ("2026/03/05 9:04:05 PM EST", "2026/03/05 9:04:05 PM EST"),
    ],
)
def test_times_of_googles_own_csv_become_iso(written: str, meant: str):
    for heading in ("Timestamp", "Dấu thời gian"):
        assert read("spreadsheet", f"{heading},q\n{written},5\n".encode()).rows[0]["timestamp"] == meant


def mapped(content: str, time_format: str) -> list[RawRows | Fault]:
    mapping = Mapping("f", {"timestamp": "submitted_at"}, time_format=time_format)
    return list(
        source("spreadsheet").read(
            io.BytesIO(content.encode()), "f", replace(config("spreadsheet"), mappings=(mapping,))
        )
    )


@pytest.mark.parametrize(
    ("time_format", "told"),
    [("%d/%m/%Y %H:%M:%S", "time_format"), ("%m/%d/%Y %H:%M:%S", ""), ("%b %d %Y", ""), ("", "")],
)
def test_file_with_the_month_first_is_refused_where_the_mapping_says_day_first(time_format: str, told: str):
    (found,) = mapped("Timestamp,q\n3/5/2026 21:04:05,5\n3/25/2026 8:00:00,4\n", time_format)
    assert isinstance(found, Fault) == bool(told)
    assert not isinstance(found, Fault) or (told in found.value and found.field == "timestamp")


def test_file_with_the_day_first_is_refused_where_the_mapping_says_month_first():
    (found,) = mapped("Timestamp,q\n5/3/2026,5\n25/3/2026,4\n", "%m/%d/%Y")
    assert isinstance(found, Fault) and found.code.name == "R101_UNREADABLE_FILE"


def test_file_with_dates_both_ways_is_refused():
    (found,) = mapped("Timestamp,q\n25/3/2026,5\n3/25/2026,4\n", "%d/%m/%Y")
    assert isinstance(found, Fault) and "tháng trước" in found.value


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


@pytest.mark.parametrize(
    "start", ["<html><body><table>", "\ufeff<?xml version='1.0'?>", "\n<!DOCTYPE html>", "<TABLE>"]
)
def test_page_in_place_of_a_table_says_what_to_save_it_as(start: str):
    (fault,) = read("spreadsheet", start.encode()).faults
    assert fault.code.name == "R101_UNREADABLE_FILE" and "XLSX" in fault.value


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_csv_in_the_zip_that_google_makes_is_read():
    plain = read("spreadsheet", GOOGLE.encode())
    content = zipped(**{"Phiếu khảo sát.csv": GOOGLE.encode(), "__MACOSX/._Phiếu khảo sát.csv": b"\0"})
    assert read("spreadsheet", content).rows == plain.rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (zipped(**{"a.csv": b"x,y\n1,2\n", "b.csv": b"x,y\n1,2\n"}), "2 × CSV"),
        (zipped(**{"content.xml": b"<office/>", "mimetype": b"opendocument"}), "0 × CSV"),
        (zipped(**{"a.csv": b"x,y\n" + b"1,2\n" * 99})[:-90] + b"PK\5\6", "XLSX"),
    ],
    ids=["two tables", "ODS", "cut"],
)
def test_zip_without_just_one_table_is_refused(content: bytes, told: str):
    (fault,) = read("spreadsheet", content).faults
    assert fault.code.name == "R101_UNREADABLE_FILE" and told in fault.value


def test_zip_whose_table_is_damaged_is_told_and_never_raises():
    content = bytearray(zipped(**{"a.csv": b"x,y\n" + bytes(range(32, 127)) * 200}))
    content[60:90] = b"\xff" * 30
    assert [code for code, _ in read("spreadsheet", bytes(content)).codes][-1] == "R101"


def test_zip_that_claims_to_be_huge_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipelines.sources.zipped.MAX_UNPACKED", 10)
    assert read("spreadsheet", zipped(**{"a.csv": b"x,y\n1,2\n3,4\n"})).codes == [("R105", None)]


@pytest.mark.parametrize("name", ["a.zip", "a.ods", "a.xlsb", "a.html"])
def test_file_that_an_office_may_take_for_a_table_is_not_passed_over(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"x")
    assert [offer.name for offer in source("spreadsheet").fetch(inbox("spreadsheet", tmp_path), "")] == [name]


def sheets(**rows: list[list[object]]) -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, own in rows.items():
        added = workbook.create_sheet(name)
        for row in own:
            added.append(row)
    return workbook


def saved(workbook: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def test_second_sheet_with_rows_is_told_unless_the_options_name_one():
    content = saved(sheets(Một=[["q"], [5]], Hai=[["q"], [4]], Trống=[]))
    reading = read("spreadsheet", content)
    assert [row["q"] for row in reading.rows] == ["5"]
    assert [(one.code.name, one.field) for one in reading.faults] == [("R115_SHEET_NOT_READ", "Hai")]
    named = read("spreadsheet", content, sheet="Hai")
    assert [row["q"] for row in named.rows] == ["4"] and named.faults == []


def test_sheet_that_nobody_sees_is_not_taken_for_the_answers():
    workbook = sheets(Danh_mục=[["a"], ["b"]], Trả_lời=[["q"], [5]])
    workbook["Danh_mục"].sheet_state = "hidden"
    reading = read("spreadsheet", saved(workbook))
    assert [row["q"] for row in reading.rows] == ["5"] and reading.faults == []


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
