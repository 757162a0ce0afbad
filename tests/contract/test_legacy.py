"""Text in TCVN3 and VNI: told from Unicode, converted where that is declared, refused where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import read

from pipelines.model.errors import InputError
from pipelines.sources.legacy import encoding_of, from_tcvn3, from_vni

LOWER = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
# Bytes B5…FE of TCVN 5712:1993, which the ABC fonts share for small letters
TCVN3 = bytes.fromhex(
    "b5b6b7b8b9a8bbbcbdbec6a9c7c8c9cacbaecccecfd0d1aad2d3d4d5d6d7d8dcdddedfe1e2e3e4"
    "abe5e6e7e8e9aceaebecedeeeff1f2f3f4adf5f6f7f8f9fafbfcfdfe"
).decode("latin-1")
SENTENCES = [
    ("TiÕng ViÖt rÊt hay", "Tieáng Vieät raát hay", "Tiếng Việt rất hay"),
    ("Hµi lßng víi thñ tôc ®­îc lµm", "Haøi loøng vôùi thuû tuïc ñöôïc laøm", "Hài lòng với thủ tục được làm"),
    ("ñy ban nh©n d©n ph­êng Hßa Thµnh", "uûy ban nhaân daân phöôøng Hoøa Thaønh", "ủy ban nhân dân phường Hòa Thành"),
]  # fmt: skip


def test_every_small_letter_has_its_place_in_tcvn3():
    assert from_tcvn3(TCVN3) == LOWER
    assert from_tcvn3("§¨k L¨k, ¢u C¬, ¤ng") == "Đăk Lăk, Âu Cơ, Ông"


@pytest.mark.parametrize(("tcvn3", "vni", "text"), SENTENCES)
def test_sentences_are_told_and_converted(tcvn3: str, vni: str, text: str):
    assert (from_tcvn3(tcvn3), from_vni(vni)) == (text, text)
    assert (encoding_of(tcvn3), encoding_of(vni), encoding_of(text)) == ("tcvn3", "vni", "")


def test_capitals_and_rare_letters_of_vni_are_converted():
    assert from_vni("ÑAØ NAÜNG, ÑAÉK LAÉK, HUEÁ, BÌNH ÑÒNH, MYÕ, LYÙ, QUYÛ, Lyù Sôn, Myõ Tho, nghæ, kyõ") == (
        "ĐÀ NẴNG, ĐẮK LẮK, HUẾ, BÌNH ĐỊNH, MỸ, LÝ, QUỶ, Lý Sơn, Mỹ Tho, nghỉ, kỹ"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Very good, thank you",
        "Không có ý kiến gì",
        "hoà nhã, lịch sự",
        "không",
        "cà phê café",
        "diện tích 120 m², nhiệt độ 30 °C, 5 µm, Công ty ABC®",
        "Köln, München, Zürich, señor Núñez, Françoise",
        "• một · hai · ba — « bốn »",
        "Tiếng Việt"[:1] + "ie\u0302\u0301ng Vie\u0323\u0302t",
    ],
)
def test_unicode_and_foreign_words_are_never_taken_for_a_legacy_encoding(text: str):
    assert encoding_of(text) == ""


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_is_converted_without_failing(text: str):
    encoding_of(text), from_tcvn3(text), from_vni(text)


SHEETS = ("postal", "spreadsheet")


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize(("encoding", "column"), [("tcvn3", 0), ("vni", 1)])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "latin-1"])
def test_declared_file_is_converted_whether_its_bytes_are_utf_8_or_not(name, encoding, column, codec):
    heading, cell, heading_text, cell_text = (
        SENTENCES[0][column],
        SENTENCES[1][column],
        SENTENCES[0][2],
        SENTENCES[1][2],
    )
    reading = read(name, f"id,{heading}\n1,{cell}\n2,\n".encode(codec), encoding=encoding)
    assert reading.faults == []
    assert [row[heading_text] for row in reading.rows] == [cell_text, None]


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize(("column", "said"), [(0, "tcvn3"), (1, "vni")])
def test_undeclared_file_is_refused_whole_for_its_headings_and_by_row_for_its_cells(name, column, said):
    legacy, text = SENTENCES[1][column], SENTENCES[1][2]
    whole = read(name, f"id,{legacy}\n1,5\n2,4\n".encode())
    assert whole.rows == [] and whole.codes == [("R101", None)] and said in whole.faults[0].value
    rows = read(name, f"id,{text}\n1,{legacy}\n2,{text}\n3,ok\n".encode())
    assert (rows.lines, rows.codes) == ([3, 4], [("R208", 2)])
    assert said in rows.faults[0].value and legacy in rows.faults[0].payload.encode().decode()


@pytest.mark.parametrize("name", SHEETS)
def test_row_that_is_unicode_already_is_not_spoilt_by_the_declaration(name: str):
    reading = read(name, "id,ý kiến\n1,Tốt\n2,TiÕng\n".encode().replace("ý kiến".encode(), b"remark"), encoding="tcvn3")
    assert (reading.lines, reading.codes) == ([3], [("R208", 2)])
    assert reading.rows[0]["remark"] == "Tiếng"


def test_unknown_encoding_is_told():
    with pytest.raises(InputError, match="tcvn3, vni"):
        list(read("postal", b"id\n1\n", encoding="viscii").rows)


def test_bytes_that_are_no_utf_8_are_refused_without_a_declaration():
    reading = read("spreadsheet", f"id,{SENTENCES[0][0]}\n1,5\n".encode("latin-1"))
    assert reading.rows == [] and {code for code, _ in reading.codes} == {"R101"}
