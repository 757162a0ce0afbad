"""What lies on a page and is no mark: stains, shadows, streaks of a scanner, a second page. None becomes an answer."""

import cv2
import numpy as np
import pytest
from paper_kit import mark, printed, read, small_blank

from pipelines.model.codes import RejectCode
from pipelines.paper.marks import Gray, State
from pipelines.paper.reading import PageReading, Refusal


def darkened(page: Gray, places: list[tuple[float, float]], radius: float, light: float, edge: float = 3) -> Gray:
    """A page with round stains, in mm, through which so much of the light comes."""
    stain = np.ones(page.shape, np.float32)
    for x, y in places:
        cv2.circle(stain, (round(x * 8), round(y * 8)), round(radius * 8), light, -1, cv2.LINE_AA)
    return np.asarray(page * cv2.GaussianBlur(stain, (0, 0), edge), dtype=np.uint8)


def place_of(code: str, option: str) -> tuple[float, float]:
    bubbles = small_blank().template.bubbles
    return next((one.x, one.y) for one in bubbles if (one.question, one.option) == (code, option))


@pytest.mark.parametrize(
    ("radius", "light"), [(1.2, 0.6), (2.0, 0.7), (2.4, 0.75), (3.5, 0.6), (6.0, 0.6), (6.0, 0.75)]
)
def test_stain_on_an_empty_row_is_never_an_answer(radius: float, light: float):
    reading = read(darkened(printed(), [place_of("A2", "3")], radius, light))
    assert isinstance(reading, PageReading)
    assert reading.rows["A2"].state in (State.DOUBTFUL, State.BLANK)
    assert reading.rows["A6"].state is State.BLANK


def test_shadow_of_a_fold_through_a_bubble_is_never_an_answer():
    page, (x, _) = printed(), place_of("A2", "3")
    across = np.arange(page.shape[1], dtype=np.float32)
    for width in (0.6, 1.2, 2.5):
        shadow = 1 - 0.55 * np.exp(-np.abs(across - x * 8) / (width * 8))
        reading = read(np.asarray(page * shadow, dtype=np.uint8))
        assert isinstance(reading, PageReading)
        assert State.ANSWERED not in {row.state for row in reading.rows.values()}


def test_streak_of_the_scanner_sends_every_row_of_the_page_to_a_person():
    page = printed()
    for number in (1, 2, 3, 4, 5):
        mark(page, f"A{number}", "2")  # A6 is left blank: the streak alone would be its answer
    x = round(place_of("A6", "4")[0] * 8)
    page[400:2000, x - 2 : x + 3] = 60
    reading = read(page)
    assert isinstance(reading, PageReading)
    assert {row.state for row in reading.rows.values()} <= {State.DOUBTFUL, State.DOUBLE}


def test_two_pages_in_one_picture_are_refused_and_none_is_passed_over():
    beside = read(np.asarray(np.hstack([printed(), printed("000002")]), dtype=np.uint8))
    assert isinstance(beside, Refusal) and beside.code is RejectCode.R509_SEVERAL_PAGES
