"""Reading: what was drawn comes back, what is doubtful goes to a person, what is not ours is refused with a reason."""

import struct
import tracemalloc
import zlib
from io import BytesIO

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_kit import ROUND, mark, png, printed, read, real_blank, small_blank

from pipelines.lake import Lake
from pipelines.model.codes import RejectCode
from pipelines.paper.identity import PageIdentity, identity_of
from pipelines.paper.images import MAX_PIXELS, Picture, Unreadable, pictures
from pipelines.paper.marks import State, Thresholds
from pipelines.paper.printing import print_sheets
from pipelines.paper.reading import PageReading, Refusal, box_crop, doubts_of, read_page, row_crop
from pipelines.paper.register import Templates
from pipelines.paper.template import MARKERS, QR, RADIUS
from pipelines.simulate.filled import fill_page
from pipelines.simulate.pens import draw_circle, draw_dot, draw_words
from pipelines.simulate.scanners import DISTORTIONS

ITEMS = [f"A{number}" for number in range(1, 7)]


def bubble(code: str, option: str):
    return next(one for one in small_blank().template.bubbles if (one.question, one.option) == (code, option))


def hide(page: np.ndarray, *corners: int) -> None:
    for corner in corners:
        x, y, side = (round(part * 8) for part in (MARKERS[corner].x, MARKERS[corner].y, MARKERS[corner].size))
        page[y - 8 : y + side + 8, x - 8 : x + side + 8] = 255


@pytest.mark.parametrize("name", list(DISTORTIONS))
def test_what_was_drawn_comes_back_through(name: str):
    rows = {q.code: [(b.option, b.x, b.y) for b in found] for q, found in small_blank().template.rows(1)}
    sure = 0
    for seed in range(4):
        rng, page = np.random.default_rng(seed), printed()
        drawn = fill_page(page, rows, RADIUS, rng)
        scan = DISTORTIONS[name](page, rng)
        reading = read(scan, is_bilevel=len(np.unique(scan)) == 2)
        assert isinstance(reading, PageReading), reading
        for code, row in reading.rows.items():
            if row.state in (State.ANSWERED, State.BLANK):
                assert row.value == drawn[code].option, (seed, code, drawn[code], row)
                sure += 1
    assert sure >= 0.8 * 4 * len(rows)


@pytest.mark.parametrize("style", ["fill", "scribble", "pencil", "tick", "cross"])
def test_each_kind_of_mark_is_an_answer(style: str):
    page = printed()
    for number, code in enumerate(ITEMS):
        mark(page, code, str(number % 5 + 1), style=style, seed=number)
    reading = read(page)
    assert [reading.rows[code].value for code in ITEMS] == ["1", "2", "3", "4", "5", "1"]
    assert {reading.rows[code].state for code in ITEMS} == {State.ANSWERED}


def test_empty_page_is_blank_throughout_and_asks_nobody():
    reading = read(printed())
    assert {row.state for row in reading.rows.values()} == {State.BLANK} and reading.words == ()


def test_two_marks_in_a_row_are_double_and_keep_the_scores_of_both():
    page = printed()
    mark(page, "A1", "2")
    mark(page, "A1", "4", style="cross")
    row = read(page).rows["A1"]
    assert row.state is State.DOUBLE and row.value == ""
    assert {option for option, _ in row.scores} == {"2", "4"} and row.scores[0][1] > row.scores[1][1] > 0.12


def test_question_with_many_answers_takes_them_all():
    page = printed()
    for option in ("1", "3", "4"):
        mark(page, "Q2", option)
    row = read(page).rows["Q2"]
    assert (row.state, row.value) == (State.ANSWERED, "1 3 4")


def test_circle_around_a_bubble_is_doubtful_and_never_blank():
    page, place = printed(), bubble("A1", "3")
    draw_circle(page, place.x, place.y, RADIUS, np.random.default_rng(1))
    assert read(page).rows["A1"].state is State.DOUBTFUL


def test_stray_dot_in_an_empty_row_is_never_an_answer():
    page, rng = printed(), np.random.default_rng(1)
    for code in ITEMS:
        place = bubble(code, "3")
        draw_dot(page, place.x, place.y, RADIUS, rng)
    rows = read(page).rows
    assert {rows[code].state for code in ITEMS} <= {State.DOUBTFUL, State.BLANK}


def test_blank_row_of_a_one_bit_page_goes_to_a_person():
    page = printed()
    mark(page, "A1", "5")
    reading = read(np.where(page < 128, 0, 255).astype(np.uint8), is_bilevel=True)
    assert reading.rows["A1"].state is State.ANSWERED and reading.rows["A2"].state is State.DOUBTFUL


def test_handwriting_in_the_box_is_seen():
    page, (box,) = printed(), small_blank().template.boxes
    draw_words(page, box.x + 5, box.y + 5, 100, np.random.default_rng(1))
    reading = read(page)
    assert reading.words == (box,)
    crop = cv2.imdecode(np.frombuffer(box_crop(reading, box), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert crop.shape[1] > 1400 and crop.min() < 90


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_page_is_read_whichever_way_it_lies(turns: int):
    page = printed()
    mark(page, "A1", "4")
    assert read(np.ascontiguousarray(np.rot90(page, turns))).rows["A1"].value == "4"


@pytest.mark.parametrize("corner", range(4))
def test_three_corner_marks_are_enough(corner: int):
    page = printed()
    mark(page, "A6", "2")
    hide(page, corner)
    reading = read(page)
    assert reading.rows["A6"].value == "2" and reading.rows["A1"].state is State.BLANK


def test_two_corner_marks_are_too_few():
    page = printed()
    hide(page, 0, 2)
    assert read(page) == Refusal(RejectCode.R502_NO_CORNER_MARKS)


def test_bent_page_goes_to_a_person_row_by_row():
    page = printed()
    mark(page, "A1", "4")
    rows, columns = np.mgrid[0 : page.shape[0], 0 : page.shape[1]].astype(np.float32)
    bent = cv2.remap(page, columns + 24 * np.sin(rows / 300), rows + 30 * np.sin(columns / 260), cv2.INTER_LINEAR)
    reading = read(bent)
    assert isinstance(reading, Refusal) or doubts_of(reading) == list(reading.rows)


def test_scan_that_is_not_ours_is_refused():
    noise = np.random.default_rng(1).integers(0, 255, (1200, 900)).astype(np.uint8)
    assert read(noise) == Refusal(RejectCode.R501_NOT_OUR_FORM)
    assert read(np.full((5, 3), 255, np.uint8)) == Refusal(RejectCode.R501_NOT_OUR_FORM)


def test_page_with_a_spoilt_code_is_refused():
    page = printed()
    page[64:240, 1304:1480] = 255
    assert read(page) == Refusal(RejectCode.R503_UNREADABLE_QR)


def test_form_of_another_round_is_refused_with_what_it_says():
    refusal = read(printed(), real_blank("tthc", "2017", "citizen"))
    assert refusal.code is RejectCode.R504_UNKNOWN_TEMPLATE and refusal.value.startswith("HL1:CITIZEN:2017.1:")


def test_crop_of_a_doubt_shows_the_row():
    page = printed()
    mark(page, "A1", "2")
    mark(page, "A1", "3")
    crop = cv2.imdecode(np.frombuffer(row_crop(read(page), "A1"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert 60 < crop.shape[0] < 120 and crop.shape[1] > 1400 and (crop < 90).sum() > 1000


# Bytes of any kind


def test_pdf_png_jpeg_and_tiff_give_pages():
    page = printed()
    jpeg = bytes(cv2.imencode(".jpg", page)[1])
    tiff = bytes(cv2.imencodemulti(".tiff", [page, page])[1])
    pdf = print_sheets(small_blank(), ["000001", "000002"])
    counts = [len(list(pictures(content))) for content in (png(page), jpeg, tiff, pdf)]
    assert counts == [1, 1, 2, 2]
    assert all(isinstance(one, Picture) for content in (png(page), jpeg, tiff, pdf) for one in pictures(content))


def test_one_bit_picture_is_known_as_such():
    bits = np.where(printed() < 128, 0, 255).astype(np.uint8)
    (black_and_white,), (grey,) = pictures(png(bits)), pictures(png(cv2.GaussianBlur(printed(), (0, 0), 2)))
    assert black_and_white.is_bilevel and not grey.is_bilevel


def png_bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


def test_small_file_that_would_become_a_huge_picture_is_refused_unopened():
    (refused,) = pictures(png_bomb(60_000))
    assert isinstance(refused, Unreadable) and refused.is_large and str(MAX_PIXELS) in str(refused)


def many_pages(kids: int, said: int) -> bytes:
    """A small PDF whose one page stands in its list of pages again and again."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {said}/Kids[{'3 0 R ' * kids}]>>"]
    objects.append("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>")
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{len(content)}\n%%EOF\n"
    return content + f"xref\n0 4\n0000000000 65535 f \n{table}{end}".encode()


def test_pdf_of_a_hundred_thousand_pages_is_refused_before_any_is_drawn():
    (refused,) = pictures(many_pages(100_000, 100_000))
    assert isinstance(refused, Unreadable) and refused.is_large and "100000" in str(refused)


@pytest.mark.parametrize(("kids", "said"), [(2, 10**9), (100_000, 1)])
def test_pdf_that_lies_about_its_pages_ends_soon(kids: int, said: int):
    assert 1 <= len(list(pictures(many_pages(kids, said)))) <= 2


def test_pictures_that_say_to_be_huge_are_refused_with_little_memory():
    side = 65_000
    jpeg = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", side, side) + b"\x01\x01\x11\x00" + bytes(500)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIIHHIII", 2, 256, 4, 1, side, 257, 4, 1, side, 0)
    tracemalloc.start()
    for content in (png_bomb(side), jpeg, tiff):
        (refused,) = pictures(content)
        assert isinstance(refused, Unreadable) and refused.is_large
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@given(form=st.text(max_size=60), version=st.text(max_size=20), template=st.text(max_size=12), page=st.integers(0, 120))
def test_code_that_says_anything_at_all_is_ours_only_where_its_parts_are(form, version, template, page):
    found = identity_of(PageIdentity(form, version, template, "000001", page).text)
    is_whole = ":" not in form + version + template and 1 <= page <= 99
    assert (found is not None) == is_whole
    assert found is None or (found.serial, found.page, found.template) == ("000001", page, template)


def with_code(page: np.ndarray, text: str) -> np.ndarray:
    """A page whose square code is another's."""
    cells = np.array(
        [list(row) for row in segno.make(text, error="l", micro=False, boost_error=False).matrix], np.uint8
    )
    side, left, top = (round(part * 8) for part in (QR.size, QR.x, QR.y))
    code = cv2.resize((1 - cells) * 255, (side, side), interpolation=cv2.INTER_NEAREST)
    page[top : top + side, left : left + side] = code
    return page


@pytest.mark.parametrize("text", ["HL1:\0\x1b[31m;DROP TABLE", "https://example.org/" + "x" * 90, "HL1:A:B:C:D:E:F"])
def test_code_of_a_stranger_is_shown_short_and_without_control_characters(text: str):
    refusal = read(with_code(printed(), text))
    assert refusal.code is RejectCode.R503_UNREADABLE_QR
    assert refusal.value.isprintable() and 0 < len(refusal.value) <= 80


def test_code_with_a_right_sum_that_names_a_path_finds_no_template(lake: Lake):
    text = PageIdentity("CITIZEN", "2017.1", "../../X", "000001", 1).text
    reading = read_page(Picture(with_code(printed(), text), False), Templates(lake, ROUND).find, Thresholds())
    assert reading.code is RejectCode.R504_UNKNOWN_TEMPLATE


def test_pdf_with_a_page_as_large_as_a_house_is_refused():
    document, content = pdfium.PdfDocument.new(), BytesIO()
    document.new_page(14_000, 14_000)
    document.save(content)
    (refused,) = pictures(content.getvalue())
    assert isinstance(refused, Unreadable) and refused.is_large


def test_tiff_whose_pages_go_round_in_a_circle_ends():
    page = struct.pack("<HHHIIHHIII", 2, 256, 4, 1, 10, 257, 4, 1, 10, 8)
    assert all(isinstance(one, Unreadable) for one in pictures(b"II*\0" + struct.pack("<I", 8) + page))


def outcomes(content: bytes) -> list[object]:
    found = list(pictures(content))
    assert found, content[:20]
    return [read(one.pixels, is_bilevel=one.is_bilevel) if isinstance(one, Picture) else one for one in found]


STARTS = [b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*"]


@settings(max_examples=150, deadline=None)
@given(start=st.sampled_from(STARTS), content=st.binary(max_size=400))
def test_random_bytes_are_refused_with_a_reason(start: bytes, content: bytes):
    assert all(isinstance(one, Unreadable | Refusal) for one in outcomes(start + content))


@pytest.mark.parametrize("kind", ["pdf", "png", "jpg", "tiff"])
def test_truncated_and_damaged_scans_never_crash(kind: str):
    small = cv2.resize(printed(), None, fx=0.25, fy=0.25)
    whole = print_sheets(small_blank(), ["000001"]) if kind == "pdf" else bytes(cv2.imencode(f".{kind}", small)[1])
    rng = np.random.default_rng(5)
    for _ in range(12):
        broken = bytearray(whole[: int(rng.integers(10, len(whole)))])
        for place in rng.integers(0, len(broken), 3):
            broken[place] = int(rng.integers(256))
        assert outcomes(bytes(broken))


def scanned_pdf(*pages: np.ndarray) -> bytes:
    """A PDF as scanners make it: one JPEG a page."""
    document, content = pdfium.PdfDocument.new(), BytesIO()
    for pixels in pages:
        page = document.new_page(595, 842)
        image = pdfium.PdfImage.new(document)
        image.load_jpeg(BytesIO(bytes(cv2.imencode(".jpg", pixels)[1])), inline=True)
        image.set_matrix(pdfium.PdfMatrix().scale(595, 842))
        page.insert_obj(image)
        page.gen_content()
    document.save(content)
    return content.getvalue()


def test_pdf_of_pictures_is_read_page_by_page():
    first, second = printed("000001"), printed("000002")
    mark(first, "A1", "2")
    mark(second, "A1", "5")
    found = [read(one.pixels, is_bilevel=one.is_bilevel) for one in pictures(scanned_pdf(first, second))]
    assert [(one.identity.serial, one.rows["A1"].value) for one in found] == [("000001", "2"), ("000002", "5")]
    assert not any(one.is_bilevel for one in found)
