"""Printing: the template and the paper come from one source, and what cannot be read is not printed."""

from dataclasses import replace

import numpy as np
import pypdfium2 as pdfium
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_kit import HEADING, ROUND, as_pages, question, read, real_blank, small_blank, small_form

from pipelines.methods import load_method
from pipelines.model.errors import InputError
from pipelines.model.instrument import Choice, CodeList, Kind, Role
from pipelines.paper.fonts import missing_letters
from pipelines.paper.identity import PageIdentity, identity_of
from pipelines.paper.marks import SCALE, ink_of
from pipelines.paper.plan import Choices, Matrix, Words, plan_form
from pipelines.paper.printing import MAX_SHEETS, Heading, make_blank, print_sheets
from pipelines.paper.reading import PageReading
from pipelines.paper.template import RADIUS, Template
from pipelines.paper.texts import EN

VIETNAMESE = "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ₫“”–…·"


@pytest.mark.parametrize(
    ("method", "form", "pages"), [(("tthc", "2017"), "citizen", 2), (("sipas", "2023"), "household", 4)]
)
def test_every_question_of_a_real_form_is_printed_with_all_its_options(method, form, pages):
    template, instrument = real_blank(*method, form).template, load_method(*method).instrument(form)
    assert template.pages == pages
    printed = {(bubble.question, bubble.option) for bubble in template.bubbles}
    asked = {(q.code, str(choice.code)) for q in instrument.coded for choice in q.code_list.choices}
    assert printed == asked and len(template.bubbles) == len(asked)
    assert [box.question for box in template.boxes] == ["comment"]


def test_rings_stand_where_the_template_says():
    page = as_pages(print_sheets(small_blank(), ["000001"]))[0]
    ink, height, width = ink_of(page), *page.shape
    rows, columns = np.ogrid[:height, :width]
    for bubble in small_blank().template.on_page(1):
        radii = np.hypot(rows - bubble.y * SCALE + 0.5, columns - bubble.x * SCALE + 0.5) / (RADIUS * SCALE)
        assert ink[(radii > 0.87) & (radii < 0.98)].mean() > 0.7
        assert ink[radii < 0.75].mean() < 0.02 and ink[(radii > 1.15) & (radii < 1.6)].mean() < 0.02


def test_printing_twice_gives_the_same_bytes_and_serials_differ():
    assert print_sheets(small_blank(), ["000001"]) == print_sheets(small_blank(), ["000001"])
    instrument = small_form()
    assert make_blank(ROUND, instrument, plan_form(instrument), HEADING) == small_blank()
    assert print_sheets(small_blank(), ["000001"]) != print_sheets(small_blank(), ["000002"])


def test_template_survives_json_and_its_id_changes_with_the_round():
    template = small_blank().template
    assert Template.of(template.as_dict()) == template
    assert replace(template, round_id="another").id != template.id


def test_each_page_of_each_sheet_says_whose_it_is():
    blank = real_blank("sipas", "2023", "household")
    pages = as_pages(print_sheets(blank, ["000007", "000008"]))
    found = [read(page, blank) for page in (pages[0], pages[3], pages[4])]
    assert all(isinstance(one, PageReading) for one in found)
    assert [(one.identity.serial, one.identity.page) for one in found] == [("000007", 1), ("000007", 4), ("000008", 1)]


def test_text_of_the_pdf_is_vietnamese_unicode():
    text = pdfium.PdfDocument(print_sheets(small_blank(), ["000123"]))[0].get_textpage().get_text_range()
    for words in ("Phiếu không ghi tên", "gạch chéo ô sai rồi tô kín ô đúng", "000123", "XÃ HÒA THÀNH", "Câu hỏi A1"):
        assert words in text


@pytest.mark.parametrize(("method", "form"), [(("tthc", "2017"), "organisation"), (("sipas", "2023"), "household")])
def test_form_in_english_asks_the_same_and_has_no_word_of_vietnamese(method, form):
    instrument = load_method(*method).instrument(form)
    heading = Heading("Hòa Thành commune", instrument.title_en, "Survey 2023")
    blank = make_blank(ROUND, instrument, plan_form(instrument, (), EN), heading, EN)
    assert {(one.question, one.option) for one in blank.template.bubbles} == {
        (one.question, one.option) for one in real_blank(*method, form).template.bubbles
    }
    document = pdfium.PdfDocument(print_sheets(blank, ["000123"]))
    text = " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())
    for words in ("No name is asked.", "Form no.: 000123", "Page 1 / ", "Thank you", instrument.coded[0].label_en):
        assert words in text
    assert not set(text.replace("Hòa Thành", "").replace("HÒA THÀNH", "").lower()) & set("ăâđêôơưạảấầậắằặệểễ")


def test_fonts_have_every_vietnamese_letter_and_say_what_they_lack():
    assert missing_letters([VIETNAMESE, VIETNAMESE.upper()]) == []
    assert missing_letters(["đ 漢 a", "🙂"]) == ["漢", "🙂"]


def test_letter_without_a_glyph_stops_the_build():
    instrument = small_form(
        replace(question("B1", CodeList("s", (Choice(1, "漢", "x"), Choice(2, "b", "y")))), code="B1")
    )
    with pytest.raises(InputError, match=r"lack 漢 \(U\+6F22\)"):
        make_blank(ROUND, instrument, plan_form(instrument), HEADING)


def test_ink_near_a_bubble_stops_the_build():
    long = CodeList("long", (Choice(1, "m" * 60, "x"), Choice(2, "b", "y")))
    instrument = small_form(question("B1", long, Role.PROFILE))
    with pytest.raises(InputError, match="too near a bubble of B1"):
        make_blank(ROUND, instrument, plan_form(instrument), HEADING)


def test_question_without_options_cannot_be_printed():
    with pytest.raises(InputError, match="age has no options"):
        plan_form(small_form(question("age", None, Role.PROFILE, Kind.INTEGER)))


def test_too_many_sheets_at_once_are_refused():
    with pytest.raises(InputError, match="1001 sheets at once"):
        print_sheets(small_blank(), ["000001"] * (MAX_SHEETS + 1))


def test_plan_makes_tables_of_scales_and_lists_of_other_options():
    blocks = plan_form(load_method("sipas", "2023").instrument("household"), [("1.1", "Khai sinh")]).blocks
    tables = {block.title: block for block in blocks if isinstance(block, Matrix)}
    satisfaction = tables["9. Mức độ hài lòng"]
    assert sum(len(section.rows) for section in satisfaction.sections) == 39 and len(satisfaction.sections) == 9
    assert isinstance(blocks[0], Choices) and blocks[0].bands[0][0][0].code == "procedure_code"
    assert isinstance(blocks[-1], Words)


IDENTITY = PageIdentity("CITIZEN", "2017.1", "A1B2C3D4", "000123", 2)


def test_identity_survives_its_text_and_fits_a_coarse_code():
    assert identity_of(IDENTITY.text) == IDENTITY
    assert len(IDENTITY.text) <= 47  # version 3 of level Q


@given(place=st.integers(0, len(IDENTITY.text) - 1), letter=st.characters(codec="ascii"))
def test_identity_with_one_letter_changed_is_nobodys(place: int, letter: str):
    text = IDENTITY.text[:place] + letter + IDENTITY.text[place + 1 :]
    assert identity_of(text) is None or text == IDENTITY.text


@given(st.text())
def test_text_that_is_not_ours_is_nobodys(text: str):
    assert identity_of(text) is None
