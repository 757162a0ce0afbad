"""Reads one page of a scan: which page of which sheet it is, and what was marked on it; or why it is refused.

It must not keep anything: results go to the lake elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2

from pipelines.model.codes import RejectCode
from pipelines.paper.identity import PageIdentity
from pipelines.paper.images import Picture
from pipelines.paper.locate import SeveralPages, has_our_code, read_identity, straighten
from pipelines.paper.marks import SCALE, Gray, RowReading, State, Thresholds, has_words, ink_of, net, read_row
from pipelines.paper.template import PAGE_WIDTH, RADIUS, Box, Bubble, Template

READER = "2"  # raised whenever the same picture might be read otherwise
MARGIN = 4.0  # mm about what a crop shows
SPOILT, SPOILT_ROWS = 0.25, 4  # share and number of rows in doubt from which nothing on a page is sure
Find = Callable[[PageIdentity], Template | None]


@dataclass(frozen=True)
class Refusal:
    """A page that is not read: a code of `RejectCode` and what of the page it is about."""

    code: RejectCode
    value: str = ""


@dataclass(frozen=True)
class PageReading:
    """What one page says: question code → row; `words` are boxes with something written in them.

    `page` is the page laid straight, for crops. `error` is in pixels of it.
    """

    identity: PageIdentity
    template: Template
    rows: dict[str, RowReading]
    words: tuple[Box, ...]
    error: float
    is_bilevel: bool
    page: Gray


def read_page(picture: Picture, find: Find, thresholds: Thresholds) -> PageReading | Refusal:
    """Read one picture; `find` gives the template that an identity names, None where the round has no such.

    Where the corner marks do not fit the page well or many rows are in doubt (a streak of the scanner, a stain, a pale
    pen), and where a page of one bit has a row without mark, a person looks.
    """
    try:
        straight = straighten(picture.pixels)
    except SeveralPages:
        return Refusal(RejectCode.R509_SEVERAL_PAGES)
    if straight is None:
        ours = has_our_code(picture.pixels)
        return Refusal(RejectCode.R502_NO_CORNER_MARKS if ours else RejectCode.R501_NOT_OUR_FORM)
    identity = read_identity(straight)
    if isinstance(identity, str):
        return Refusal(RejectCode.R503_UNREADABLE_QR, _shown(identity))
    template = find(identity)
    if template is None or not 1 <= identity.page <= template.pages:
        return Refusal(RejectCode.R504_UNKNOWN_TEMPLATE, _shown(identity.text))
    if (template.form.upper(), template.version.upper()) != (identity.form, identity.version):
        return Refusal(RejectCode.R504_UNKNOWN_TEMPLATE, _shown(identity.text))
    ink = ink_of(straight.page)
    rows = _rows(template, identity.page, net(ink, template.on_page(identity.page)), thresholds)
    if not straight.is_sure or _is_spoilt(rows):
        rows = {code: _doubted(row) for code, row in rows.items()}
    elif picture.is_bilevel:
        rows = {code: _doubted(row) if row.state is State.BLANK else row for code, row in rows.items()}
    words = tuple(box for box in template.boxes_on(identity.page) if has_words(ink, box, thresholds))
    return PageReading(identity, template, rows, words, straight.error, picture.is_bilevel, straight.page)


def row_crop(reading: PageReading, question: str) -> bytes:
    """Return a PNG of a question's bubbles with its words, as wide as the page's text or its column."""
    bubbles = [one for one in reading.template.on_page(reading.identity.page) if one.question == question]
    return _png(reading.page, *_frame_of(bubbles))


def box_crop(reading: PageReading, box: Box) -> bytes:
    """Return a PNG of a box for words."""
    return _png(reading.page, box.x - 1, box.y - 1, box.x + box.width + 1, box.y + box.height + 1)


def doubts_of(reading: PageReading) -> list[str]:
    """Return the codes of the questions that a person must look at, in order."""
    return [code for code, row in reading.rows.items() if row.state in (State.DOUBTFUL, State.DOUBLE)]


def _shown(text: str) -> str:
    """Return what a code says as a report may show it: short, and without what is no character."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:80])


def _rows(template: Template, page: int, values: object, thresholds: Thresholds) -> dict[str, RowReading]:
    places = {bubble: number for number, bubble in enumerate(template.on_page(page))}
    rows: dict[str, RowReading] = {}
    for question, bubbles in template.rows(page):
        own = values[[places[bubble] for bubble in bubbles]]  # type: ignore[index]
        rows[question.code] = read_row([one.option for one in bubbles], own, question.multiple, thresholds)
    return rows


def _is_spoilt(rows: dict[str, RowReading]) -> bool:
    doubts = sum(row.state in (State.DOUBTFUL, State.DOUBLE) for row in rows.values())
    return doubts >= max(SPOILT_ROWS, SPOILT * len(rows))


def _doubted(row: RowReading) -> RowReading:
    return RowReading(State.DOUBTFUL if row.state is not State.DOUBLE else State.DOUBLE, row.value, row.scores)


def _frame_of(bubbles: list[Bubble]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom in mm: a row of a table with its words, or a list of options with theirs."""
    top, bottom = min(one.y for one in bubbles), max(one.y for one in bubbles)
    left, right = min(one.x for one in bubbles), max(one.x for one in bubbles)
    if bottom - top < RADIUS:
        return 14.0, top - MARGIN - 1, 196.0, bottom + MARGIN + 1
    half = right < PAGE_WIDTH / 2 or left > PAGE_WIDTH / 2
    return left - MARGIN, top - 9.0, (left + 88.0) if half else 196.0, bottom + MARGIN + 1


def _png(page: Gray, left: float, top: float, right: float, bottom: float) -> bytes:
    x, y, far_x, far_y = (max(round(side * SCALE), 0) for side in (left, top, right, bottom))
    _, content = cv2.imencode(".png", page[y:far_y, x:far_x])
    return bytes(content)
