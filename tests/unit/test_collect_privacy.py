"""Scrubbing: what leads to a person goes, sums of money, dates and official codes stay."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.privacy import ACCOUNT, IDENTITY, INSURANCE, MAIL, PHONE, PLATE, scrub, scrub_column

PERSONAL = [
    ("gọi 0912345678 nhé", f"gọi {PHONE} nhé"),
    ("0912 345 678", PHONE),
    ("0912.345.678", PHONE),
    ("09 12 34 56 78", PHONE),
    ("+84 912 345 678", PHONE),
    ("(+84)912345678", PHONE),
    ("84912345678", PHONE),
    ("0084-912-345-678", PHONE),
    ("(024) 3825 6789", PHONE),
    ("024.3825.6789", PHONE),
    ("0168 234 5678 (số cũ)", f"{PHONE} (số cũ)"),
    ("gọi 0912345678 đồng chí Lan", f"gọi {PHONE} đồng chí Lan"),
    ("0912345678, 0987654321", f"{PHONE}, {PHONE}"),
    ("0912345678 2 lần", f"{PHONE} 2 lần"),
    ("033089012345", IDENTITY),
    ("033 089 012 345", IDENTITY),
    ("CCCD: 033089012345 cấp năm 2021", f"CCCD: {IDENTITY} cấp năm 2021"),
    ("Căn cước công dân số 033.089.012.345", f"Căn cước công dân số {IDENTITY}"),
    ("cmnd 145678901", f"cmnd {IDENTITY}"),
    ("145678901", IDENTITY),
    ("145 678 901", IDENTITY),
    ("hộ chiếu số C1234567", f"hộ chiếu số {IDENTITY}"),
    ("B12345678", IDENTITY),
    ("a.b+c@gmail.com.vn", MAIL),
    ("thư: ten @ gmail.com.", f"thư: {MAIL}."),
    ("xe 30A-123.45 đỗ sai", f"xe {PLATE} đỗ sai"),
    ("29-H1 123.45", PLATE),
    ("17B1-12345", PLATE),
    ("51F12345", PLATE),
    ("33N4-1234", PLATE),
    ("STK 0071000123456 Vietcombank", f"STK {ACCOUNT} Vietcombank"),
    ("tài khoản ngân hàng số 1903 4567 8901 23", f"tài khoản ngân hàng số {ACCOUNT}"),
    ("1903 4567 8901 2345", ACCOUNT),
    ("19034567890123", ACCOUNT),
    ("thẻ DN 4 79 1234567890", f"thẻ {INSURANCE}"),
    ("DN4791234567890", INSURANCE),
]

HARMLESS = [
    "",
    "Cán bộ nhiệt tình, chờ 10 ngày, 3 lần, 45 phút, 6 người, 7 bàn, 8 ghế",
    "150000000 đồng",
    "nộp 150 000 000 đồng",
    "1.500.000đ",
    "1.500.000",
    "2.500.000.000",
    "1,500,000 VND",
    "20 triệu",
    "trong tài khoản có 150.000.000 đồng",
    "làm chứng minh thư mất 1.500.000 đồng",
    "1.004227.000.00.00.H44",
    "thủ tục 2.000815",
    "hồ sơ 000.00.12.H44-230504-0023",
    "hồ sơ H44.12-230504-0001",
    "ngày 04/05/2023 và 4.5.2023 và 04-05-2023",
    "2023-05-04 08:30:00",
    "từ 8h30 đến 11h30",
    "tổng đài 1900 1234",
    "QĐ 1656/QĐ-UBND ngày 31/10/2025, Nghị định 61/2018/NĐ-CP",
    "xã 22243, khu phố 12, số nhà 145",
]


@pytest.mark.parametrize(("text", "expected"), PERSONAL)
def test_what_leads_to_a_person_is_replaced(text, expected):
    assert scrub(text) == (expected, expected.count("["))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_leads_to_nobody_is_kept(text):
    assert scrub(text) == (text, 0)


def test_decomposed_text_is_scrubbed_alike():
    text = unicodedata.normalize("NFD", "tài khoản 12 345 678, lệ phí 1.500.000 đồng")
    assert scrub(text) == (f"tài khoản {ACCOUNT}, lệ phí 1.500.000 đồng", 1)


def test_a_column_is_scrubbed_as_its_cells_are_and_blanks_stay():
    texts = [None, "tốt", *(text for text, _ in PERSONAL), *HARMLESS]
    assert scrub_column(pa.array(texts)).to_pylist() == [text and scrub(text)[0] for text in texts]


def test_a_column_with_nothing_personal_is_kept_as_it_is():
    assert scrub_column(pa.array(["tốt", None])).to_pylist() == ["tốt", None]
    assert scrub_column(pa.array([], pa.string())).to_pylist() == []


@given(st.text(alphabet="0123456789 .,-+()@abH₫đồ\n", max_size=60))
def test_scrubbing_twice_changes_nothing_more_and_a_column_agrees(text):
    once, _ = scrub(text)
    assert scrub(once) == (once, 0)
    assert scrub_column(pa.array([unicodedata.normalize("NFC", text)])).to_pylist() == [once]


@given(
    st.from_regex(r"0[35789][0-9]{8}", fullmatch=True),
    st.sampled_from(["", " ", "."]),
    st.text(alphabet="abc ưđ,:!?", max_size=10),
)
def test_no_mobile_number_survives_whatever_stands_around_it(number, separator, around):
    written = separator.join((number[:4], number[4:7], number[7:]))
    assert scrub(f"{around} {written} {around}")[1] == 1


def test_a_long_text_takes_no_time_to_speak_of():
    for text in ("a" * 20_000, "1" * 20_000, "1 " * 10_000, "111." * 5_000, "a@" * 10_000, "(" * 20_000, "TK " * 5_000):
        scrub(text)
