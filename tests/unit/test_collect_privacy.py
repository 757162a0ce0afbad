"""Scrubbing: what leads to a person goes, sums of money, dates and official codes stay."""

import csv
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.collect.privacy import ACCOUNT, is_private_heading, scrub, scrub_column

FREE_TEXT = Path(__file__).parents[1] / "fixtures" / "privacy" / "free_text.csv"
with FREE_TEXT.open(encoding="utf-8", newline="") as file:
    CASES = [(case["text"], case["expected"]) for case in csv.DictReader(file)]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=lambda text: text[:30])
def test_what_leads_to_a_person_is_replaced_and_what_leads_to_nobody_is_kept(text, expected):
    assert scrub(text) == (expected, expected.count("["))
    assert scrub(unicodedata.normalize("NFD", text)) == scrub(text)


@pytest.mark.parametrize(
    ("heading", "is_private"),
    [("Họ và tên", True), ("HỌ TÊN", True), ("Số điện thoại liên hệ", True), ("Số CCCD/CMND", True), ("E-mail", True),
     ("Mã hồ sơ", True), ("full_name", True), ("Mức độ hài lòng", False), ("Tên thủ tục", False), ("A1", False),
     (unicodedata.normalize("NFD", "Địa chỉ thường trú"), True)],
)  # fmt: skip
def test_a_heading_that_nobody_mapped_is_taken_for_identity_where_it_speaks_of_it(heading, is_private):
    assert is_private_heading(heading) is is_private


def test_decomposed_text_is_scrubbed_alike():
    text = unicodedata.normalize("NFD", "tài khoản 12 345 678, lệ phí 1.500.000 đồng")
    assert scrub(text) == (f"tài khoản {ACCOUNT}, lệ phí 1.500.000 đồng", 1)


def test_a_column_is_scrubbed_as_its_cells_are_and_blanks_stay():
    texts = [None, "tốt", *(text for text, _ in CASES)]
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
