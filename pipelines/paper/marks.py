"""Marks on a page that lies straight: how dark it is in and around each bubble, and what that says.

A page here is the A4 sheet seen square at 8 pixels a millimetre. All ink is net of what the blank form has at the same
place, in shares of full black; so neither shadow nor pale toner looks like a mark. It must not find pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.paper.template import CLEAR, MARKERS, PAGE_HEIGHT, PAGE_WIDTH, RADIUS, Box, Bubble

Gray = NDArray[np.uint8]
Ink = NDArray[np.float32]
SCALE = 8  # pixels a millimetre
SIZE = (int(PAGE_WIDTH * SCALE), int(PAGE_HEIGHT * SCALE))  # width, height
FLOOR = 0.14  # darkness below which paper, noise and the shine-through of the back are no ink
INSIDE = 0.9  # radii: the area within the printed ring
CORE = 0.8  # radii: the area in which the strokes of a pen are looked for
STROKE = 90  # percentile of the ink there: a tick covers more than a tenth
AROUND = (1.15, CLEAR)  # radii: the area that the form leaves free


class State(StrEnum):
    """What a row of bubbles says."""

    ANSWERED = "answered"
    BLANK = "blank"
    DOUBLE = "double"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True)
class Thresholds:
    """Shares of net ink; what lies between `clear` and `mark` is for a person.

    `mark`: a bubble is marked. `clear`: a bubble has nothing in it. `around`: there is nothing about a bubble.
    `pale`: what is paler, stroke by stroke, is a stain or a shadow. `pen`: what is paler and lies around the bubble too
    may be one. `words`: a box for words is empty.
    """

    mark: float = 0.12
    clear: float = 0.035
    around: float = 0.03
    pale: float = 0.25
    pen: float = 0.6
    words: float = 0.0015


@dataclass(frozen=True)
class RowReading:
    """What one question's bubbles say: `value` is the answer (codes with spaces between; empty where blank).

    `scores` are the two darkest bubbles, darkest first: (option, net ink).
    """

    state: State
    value: str
    scores: tuple[tuple[str, float], ...]


def ink_of(page: Gray) -> Ink:
    """Return the ink of a straight page: 0 paper, 1 the black of its own corner marks; same shape as the page."""
    small = cv2.resize(page, (SIZE[0] // 8, SIZE[1] // 8), interpolation=cv2.INTER_AREA)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15)))
    paper = cv2.resize(cv2.GaussianBlur(paper, (0, 0), 4), SIZE, interpolation=cv2.INTER_LINEAR)
    darkness = 1 - page.astype(np.float32) / np.maximum(paper.astype(np.float32), 40)
    ink: Ink = np.clip((darkness / contrast_of(page) - FLOOR) / (1 - FLOOR), 0, 1)
    return ink


def contrast_of(page: Gray) -> float:
    """Return how much darker than paper the page's black print is (0.2 to 1), from the rims of its corner marks."""
    levels = []
    for marker in MARKERS:
        x, y, side = (round(part * SCALE) for part in (marker.x, marker.y, marker.size))
        rim, quiet = side // 12, side // 6
        outside = page[max(y - quiet, 0) : y + side + quiet, max(x - quiet, 0) : x + side + quiet]
        black = np.median(page[y + rim // 2 : y + rim + rim // 2, x + rim : x + side - rim])
        white = np.percentile(outside, 90)
        levels.append(1 - black / max(white, 1.0))
    return float(np.clip(np.median(levels), 0.2, 1.0))


def measure(ink: Ink, bubbles: Sequence[Bubble]) -> NDArray[np.float64]:
    """Return for each bubble the mean ink inside and around it, and that of its strokes: shape (bubbles, 3)."""
    reach = int(np.ceil(AROUND[1] * RADIUS * SCALE)) + 1
    found = np.zeros((len(bubbles), 3))
    for row, bubble in enumerate(bubbles):
        x, y = bubble.x * SCALE - 0.5, bubble.y * SCALE - 0.5
        left, top = round(x) - reach, round(y) - reach
        patch = ink[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        rows, columns = np.ogrid[: patch.shape[0], : patch.shape[1]]
        radii = np.hypot(rows + top - y, columns + left - x) / (RADIUS * SCALE)
        found[row, 0] = patch[radii <= INSIDE].mean()
        found[row, 1] = patch[(radii >= AROUND[0]) & (radii <= AROUND[1])].mean()
        found[row, 2] = np.percentile(patch[radii <= CORE], STROKE)
    return found


def net(ink: Ink, bubbles: Sequence[Bubble]) -> NDArray[np.float64]:
    """Return `measure` without what the blank form has, and without what lies over most of the page (specks).

    A blank form has no stroke within a bubble.
    """
    values = measure(ink, bubbles) - np.array([(bubble.inside, bubble.around, 0.0) for bubble in bubbles])
    everywhere = np.clip(np.quantile(values, 0.4, axis=0), -0.02, 0.02)
    return np.asarray(values - everywhere)


def read_row(options: Sequence[str], values: NDArray[np.float64], multiple: bool, thresholds: Thresholds) -> RowReading:
    """Return what one row says; `values` has shape (options, 3) as `net` gives it."""
    inside, around, stroke = values.T
    order = np.argsort(-inside, kind="stable")
    scores = tuple((options[place], round(float(inside[place]), 4)) for place in order[:2])
    marked = inside >= thresholds.mark
    empty = (inside < thresholds.clear) & (around < thresholds.around)
    chosen = " ".join(option for option, is_marked in zip(options, marked, strict=True) if is_marked)
    if not multiple and marked.sum() > 1:
        return RowReading(State.DOUBLE, "", scores)
    stained = marked & ((stroke < thresholds.pale) | ((stroke < thresholds.pen) & (around >= thresholds.around)))
    if (marked | empty).all() and not stained.any():
        return RowReading(State.ANSWERED if chosen else State.BLANK, chosen, scores)
    return RowReading(State.DOUBTFUL, chosen if marked.sum() == 1 else "", scores)


def has_words(ink: Ink, box: Box, thresholds: Thresholds) -> bool:
    """Whether something is written in a box; its frame, 1 mm on each side, is left out."""
    left, top = round((box.x + 1) * SCALE), round((box.y + 1) * SCALE)
    right, bottom = round((box.x + box.width - 1) * SCALE), round((box.y + box.height - 1) * SCALE)
    return bool(np.mean(ink[top:bottom, left:right] > 0.25) >= thresholds.words)
