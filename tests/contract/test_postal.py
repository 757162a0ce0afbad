"""Keyed forms: CSV as offices write it, XLSX as Excel stores it, and files that are neither."""

import zipfile
from dataclasses import replace
from datetime import date, datetime, time
from io import BytesIO

import openpyxl
import pytest
import xlsxwriter
from hypothesis import assume, given
from hypothesis import strategies as st
from reading import config, form, read

from pipelines.model.round import Mapping
from pipelines.model.source import Fault, RawRows
from pipelines.sources import source, workbook
from pipelines.sources.forms import own_names
from pipelines.sources.legacy import encoding_of

HEADINGS = ["record_id", "unit_code", "A1", "A2", "comment"]


def xlsx(*rows: list[object], title: str = "Phiếu") -> bytes:
    book, content = openpyxl.Workbook(), BytesIO()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def rezipped(content: bytes, **changes: object) -> bytes:
    """The same workbook with the bytes of some parts changed; the name of a part is matched by its end."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            change = next((change for name, change in changes.items() if part.endswith(f"{name}.xml")), None)
            new.writestr(part, change(old.read(part)) if change else old.read(part))
    return target.getvalue()


# CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_is_read_with_any_of_the_usual_delimiters_and_line_ends(delimiter: str, mark: bytes, end: str):
    rows = [HEADINGS, ["P-001", "22243", "5", "", "tốt"], ["P-002", "22243", "4", "3", ""]]
    reading = read("postal", mark + (end.join(delimiter.join(row) for row in rows) + end).encode())
    assert reading.faults == [] and reading.lines == [2, 3]
    assert reading.rows[0] == dict(zip(HEADINGS, ["P-001", "22243", "5", None, "tốt"], strict=True))


def test_delimiter_inside_quotes_does_not_choose_the_delimiter():
    reading = read("postal", b'"A1; A1a; A1b","record_id"\n5,P-1\n')
    assert reading.rows == [{"A1; A1a; A1b": "5", "record_id": "P-1"}]


def test_commas_in_the_words_of_headings_do_not_choose_the_delimiter():
    reading = read("postal", "Số phiếu;Thái độ, tác phong, trang phục\nP-1;5\n".encode())
    assert reading.rows == [{"Số phiếu": "P-1", "Thái độ, tác phong, trang phục": "5"}]


def test_headings_are_stripped_and_composed():
    decomposed = "Mức độ hài lòng".replace("ò", "o\u0300")
    assert list(read("postal", f" {decomposed} ;A1\n5;4\n".encode()).rows[0]) == ["Mức độ hài lòng", "A1"]


def test_blank_rows_are_passed_over_and_lines_keep_their_numbers():
    reading = read("postal", b"\n  \nrecord_id,A1\n\n,\n  , \nP-1,5\n\n")
    assert reading.lines == [7] and reading.faults == []


def test_blank_line_inside_a_quoted_cell_is_part_of_it():
    reading = read("postal", b'record_id,comment\nP-1,"a\n\nb"\nP-2,c\n')
    assert [row["comment"] for row in reading.rows] == ["a\n\nb", "c"] and reading.lines == [2, 5]


def test_row_with_too_few_or_too_many_cells_is_a_fault_with_its_cells():
    reading = read("postal", b"record_id,A1,A2\nP-1,5\nP-2,5,4,3\nP-3,5,4,,\nP-4,5,4\n")
    assert reading.lines == [4, 5]
    assert reading.codes == [("R107", 2), ("R107", 3)]
    assert reading.faults[1].payload == '["P-2","5","4","3"]'


def test_cell_under_no_heading_keeps_its_place_as_heading():
    reading = read("postal", b"record_id,,A1,\nP-1,,5,\nP-2,note,4,\n")
    assert reading.rows == [
        {"record_id": "P-1", "A1": "5", "column 2": None},
        {"record_id": "P-2", "A1": "4", "column 2": "note"},
    ]


def test_stray_quotation_mark_costs_one_line_only():
    lines = ["record_id,comment", 'P-1,"open', "P-2,b", "P-3,c", 'P-4,"d"', "P-5,e"]
    reading = read("postal", "\n".join(lines).encode())
    assert reading.codes == [("R107", 2)]
    assert [row["record_id"] for row in reading.rows] == ["P-2", "P-3", "P-4", "P-5"]
    assert reading.faults[0].payload == 'P-1,"open'


def test_quoted_cell_cut_off_in_the_last_line_is_truncated():
    reading = read("postal", b'record_id,comment\nP-1,a\nP-2,"half')
    assert reading.lines == [2] and reading.codes == [("R106", 3)]


def test_line_by_which_excel_declares_the_delimiter_is_no_heading():
    assert read("postal", b"sep=;\r\nrecord_id;A1\r\nP-1;5\r\n").rows == [{"record_id": "P-1", "A1": "5"}]
    assert read("postal", '\ufeffsep=,\n"a;b",A1\nP-1,5\n'.encode()).rows == [{"a;b": "P-1", "A1": "5"}]


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"record_id,A1\rP-1,5\rP-2,4\r", ("R107", 1), "CR"),
        (b"record_id,A1\r\nP-1,5\rP-2,4\r\n", ("R107", 2), "CSV UTF-8"),
        (b'record_id,A1\nP-1,"5" x\n', ("R107", 2), "dấu nháy kép ở giữa"),
        (b"record_id,A1\nP-1," + b"5" * 200_000 + b"\n", ("R107", 2), "131072"),
    ],
    ids=["Macintosh", "a lone return", "a stray quotation mark", "a long cell"],
)
def test_what_is_wrong_with_a_line_is_told_in_both_languages(content: bytes, code: tuple[str, int], told: str):
    reading = read("postal", content)
    assert reading.codes == [code]
    assert told in reading.faults[0].value and " · " in reading.faults[0].value


def test_endless_quoted_cell_over_many_lines_is_given_up_and_reading_goes_on():
    many = "".join(f"P-{number},{'x' * 500}\n" for number in range(3_000))
    reading = read("postal", f'record_id,comment\nP-0,"open\n{many}'.encode())
    assert reading.codes == [("R107", 2)] and len(reading.rows) == 3_000


def test_legacy_encoding_in_a_row_is_refused_there_and_in_the_headings_for_the_file():
    row = read("postal", b"record_id,comment\nP-1,h\xb5i l\xdfng\nP-2,ok\n")
    assert row.lines == [3] and row.codes == [("R101", 2)]
    headings = read("postal", "Mã phiếu,Hài lòng\nP-1,5\n".encode("cp1258", "replace"))
    assert headings.rows == [] and [code for code, _ in headings.codes] == ["R101"]


@pytest.mark.parametrize("content", [b"record_id,A1\n", b"\n\n", xlsx(["record_id", "A1"]), xlsx()])
def test_file_without_rows_says_so(content: bytes):
    assert read("postal", content).codes == [("R102", None)]


@pytest.mark.parametrize("content", [b"A1,A2,A1 \n1,2,3\n", xlsx(["A1", "A2", "A1 "], [1, 2, 3])])
def test_repeated_heading_makes_the_file_unusable_and_is_named(content: bytes):
    reading = read("postal", content)
    assert reading.rows == []
    assert [(fault.code.name, fault.field) for fault in reading.faults] == [("R109_DUPLICATE_HEADING", "A1")]


def test_million_columns_are_refused():
    reading = read("postal", b"a" + b",b" * 400_000 + b"\n1\n")
    assert reading.codes == [("R105", None)]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff"), max_size=12)


@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8), delimiter=st.sampled_from(",;\t"))
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]], delimiter: str):
    assume(not any(encoding_of(" ".join(row)) for row in rows))
    quoted = [["a", "b", "c"], *rows]
    text = "".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in quoted)
    expected = [[cell if cell.strip() else None for cell in row] for row in rows]
    reading = read("postal", text.encode())
    assert [fault for fault in reading.faults if fault.code.name != "R102_EMPTY_FILE"] == []
    assert [list(row.values()) for row in reading.rows] == [row for row in expected if any(row)]


# XLSX


def test_xlsx_cells_become_text_as_people_see_them():
    values = ["P-1", 22243, 5.0, 4.5, True, date(2023, 5, 4), datetime(2023, 5, 4, 8, 15), time(8, 15), "=1+1", " "]
    headings = [f"h{number}" for number in range(len(values))]
    book, content = openpyxl.Workbook(), BytesIO()
    book.active.append(headings)
    book.active.append(values)
    book.active.cell(2, 9).data_type = "s"  # text that looks like a formula
    book.save(content)
    reading = read("postal", content.getvalue())
    assert reading.faults == []
    assert list(reading.rows[0].values()) == [
        "P-1", "22243", "5", "4.5", "true", "2023-05-04", "2023-05-04T08:15:00", "08:15:00", "=1+1", None,
    ]  # fmt: skip


def test_xlsx_rows_keep_their_numbers_and_blank_ones_are_passed_over():
    reading = read("postal", xlsx([None, None], HEADINGS, [], ["P-1", "22243", 5], [None] * 5, ["P-2", None, 4]))
    assert reading.faults == [] and reading.lines == [4, 6]
    assert reading.rows[1] == {"record_id": "P-2", "unit_code": None, "A1": "4", "A2": None, "comment": None}


def formula(value: object) -> bytes:
    content = BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["record_id", "A1"])
        sheet.write_string(1, 0, "P-1")
        sheet.write_formula(1, 1, "=2+3", None, value)
        sheet.write_row(2, 0, ["P-2", 4])
    return content.getvalue()


def test_formula_is_read_as_the_value_last_calculated():
    assert read("postal", formula(5)).rows[0]["A1"] == "5"


def test_formula_that_was_never_calculated_is_a_fault_and_no_blank():
    reading = read("postal", rezipped(formula(5), sheet1=lambda part: part.replace(b"<v>5</v>", b"")))
    assert reading.codes == [("R107", 2)] and reading.faults[0].field == "B2"
    assert reading.faults[0].payload == '["P-1",null]'
    assert reading.lines == [3]


def test_size_that_a_sheet_claims_is_not_believed():
    content = rezipped(
        xlsx(HEADINGS, ["P-1", "22243", 5, 4, "tốt"]),
        sheet1=lambda part: part.replace(b'<dimension ref="A1:E2"', b'<dimension ref="A1:B1"'),
    )
    assert read("postal", content).rows[0]["comment"] == "tốt"


def test_sheet_may_be_named_and_a_missing_one_is_told():
    book, content = openpyxl.Workbook(), BytesIO()
    book.active.append(["ghi chú"])
    sheet = book.create_sheet("Phiếu")
    sheet.append(["record_id", "A1"])
    sheet.append(["P-1", 5])
    book.save(content)
    assert read("postal", content.getvalue(), sheet="Phiếu").rows == [{"record_id": "P-1", "A1": "5"}]
    (fault,) = read("postal", content.getvalue(), sheet="Trang 9").faults
    assert fault.code.name == "R101_UNREADABLE_FILE" and "Trang 9" in fault.value


def test_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 10_000_000)
    bomb = rezipped(xlsx(HEADINGS, ["P-1"]), sheet1=lambda part: part + b" " * 10_000_000)
    assert len(bomb) < 100_000
    monkeypatch.setattr(workbook.openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))
    assert read("postal", bomb).codes == [("R105", None)]


def test_row_number_beyond_what_a_sheet_holds_ends_the_reading(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 1_000)
    content = rezipped(xlsx(["A1"], [5], [4]), sheet1=lambda part: part.replace(b'<row r="3"', b'<row r="99999999"'))
    reading = read("postal", content)
    assert reading.lines == [2] and reading.codes == [("R105", 1_001)]


def test_entities_that_multiply_are_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    content = rezipped(xlsx(["A1"], [5]), sheet1=lambda part: bomb + part.split(b"?>")[-1])
    reading = read("postal", content)
    assert reading.rows == [] and [code for code, _ in reading.codes] == ["R101"]


def test_workbook_that_breaks_off_inside_keeps_the_rows_before():
    rows = [[f"P-{number}", 5] for number in range(2_000)]
    cut = rezipped(xlsx(["record_id", "A1"], *rows), sheet1=lambda part: part[: len(part) // 2])
    reading = read("postal", cut)
    assert 500 < len(reading.rows) < 1_500
    assert [code for code, _ in reading.codes] == ["R101"]


@pytest.mark.parametrize(
    "content",
    [
        xlsx(HEADINGS, ["P-1"])[:-200],
        b"PK\x03\x04" + b"\0" * 500,
        rezipped(xlsx(HEADINGS), workbook=lambda part: b"<nothing/>"),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500,
    ],
    ids=["cut off", "no zip", "no workbook", "xls"],
)
def test_file_that_is_no_workbook_is_one_fault(content: bytes):
    reading = read("postal", content)
    assert reading.rows == [] and reading.codes == [("R101", None)]


@given(position=st.integers(0, 4_000), value=st.integers(0, 255))
def test_workbook_with_any_byte_changed_never_raises(position: int, value: int):
    content = bytearray(SOUND)
    content[position % len(content)] = value
    reading = read("postal", bytes(content))
    assert reading.rows or reading.faults


SOUND = xlsx(["record_id", "A1"], ["P-1", 5])


def test_default_mapping_takes_our_own_names_and_chooses_by_version():
    (mapping,) = own_names(config("postal"), [form()])
    assert mapping.when == {"instrument": ("citizen",), "instrument_version": ("2017.1",)}
    assert all(heading == target for heading, target in mapping.headings.items())
    assert set(HEADINGS) <= set(mapping.headings)


def test_line_break_in_the_first_cell_does_not_hide_the_delimiter():
    reading = read("postal", b'a,b,c\n"first\nsecond",2,3\n4,5,6\n')
    assert reading.faults == [] and [row["b"] for row in reading.rows] == ["2", "5"]


@pytest.mark.parametrize("cell", [b"<c/>", b"<x:c></x:c>"])
def test_row_without_end_is_refused_before_it_is_held(cell: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "MAX_TAGS_OF_ROW", 5_000)
    monkeypatch.setattr(workbook, "BLOCK", 512)
    rows = lambda count, cells: b"<row>" + (cell * cells + b"</row><row>") * count + b"</row>"  # noqa: E731
    sheet = lambda body: lambda old: old.replace(b"<sheetData>", b"<sheetData>" + body)  # noqa: E731
    content = xlsx(["record_id", "A1"], ["P-1", 5])
    assert read("postal", rezipped(content, sheet1=sheet(rows(1, 6_000)))).codes == [("R105", None)]
    assert ("R105", None) not in read("postal", rezipped(content, sheet1=sheet(rows(100, 60)))).codes


# Dates


def dated(*cells: object) -> list[RawRows | Fault]:
    content = xlsx(["record_id", "Ngày"], *([f"P-{number}", cell] for number, cell in enumerate(cells)))
    mapping = Mapping("f", {"record_id": "record_id", "Ngày": "submitted_at"}, time_format="%d/%m/%Y")
    return list(source("postal").read(BytesIO(content), "f.xlsx", replace(config("postal"), mappings=(mapping,))))


def test_dates_that_a_program_half_converted_refuse_the_file():
    (fault,) = dated(datetime(2026, 5, 3), "21/03/2026", datetime(2026, 12, 1))
    assert isinstance(fault, Fault) and fault.field == "Ngày" and "đảo ngày" in fault.value


@pytest.mark.parametrize(
    "cells",
    [
        (datetime(2026, 5, 3), datetime(2026, 3, 21)),
        (datetime(2026, 3, 21), "21/03/2026"),  # a typed day after the 12th is the right way round
        (datetime(2026, 5, 3), "21/03/2026", "03/05/2026"),  # so is one that stayed text though it could be turned
        ("21/03/2026", "03/05/2026", "05/23/2026"),
    ],
)
def test_dates_that_people_wrote_in_several_ways_stay_for_each_row_to_be_judged(cells: tuple[object, ...]):
    (block,) = dated(*cells)
    assert isinstance(block, RawRows) and len(block.lines) == len(cells)
