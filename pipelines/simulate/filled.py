"""Fills a printed page as people do, and says what was drawn: the truth that reading is held against.

It is given the places of the bubbles, question by question; it must not know how a page is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from pipelines.simulate.pens import STYLES, Gray, draw_circle, draw_dot, draw_mark

Place = tuple[str, float, float]  # option, x and y of its bubble in mm


@dataclass(frozen=True)
class Habits:
    """How often a row is left blank, marked twice, has a stray dot beside its mark, or is circled, not filled."""

    blank: float = 0.03
    double: float = 0.02
    dot: float = 0.01
    circle: float = 0.01


@dataclass(frozen=True)
class Drawn:
    """What was drawn in a row: `option` is what the respondent means, empty for none.

    `kind` is blank, double, dot, circle or a style of pen. A double means nothing that can be read.
    """

    option: str
    kind: str


def fill_page(
    page: Gray, rows: Mapping[str, Sequence[Place]], radius: float, rng: Generator, habits: Habits | None = None
) -> dict[str, Drawn]:
    """Draw one answer a question on the page itself; return question → what was drawn."""
    return {code: _fill_row(page, places, radius, rng, habits or Habits()) for code, places in rows.items()}


def _fill_row(page: Gray, places: Sequence[Place], radius: float, rng: Generator, habits: Habits) -> Drawn:
    chosen = int(rng.integers(len(places)))
    option, x, y = places[chosen]
    other = places[(chosen + int(rng.integers(1, len(places)))) % len(places)] if len(places) > 1 else places[0]
    names = ("blank", "double", "dot", "circle", "mark")
    shares = (habits.blank, habits.double, habits.dot, habits.circle)
    kind = str(rng.choice(names, p=(*shares, 1 - sum(shares))))
    if kind == "blank":
        return Drawn("", kind)
    if kind == "circle":
        draw_circle(page, x, y, radius, rng)
        return Drawn(option, kind)
    style = str(rng.choice(list(STYLES), p=list(STYLES.values())))
    draw_mark(page, x, y, radius, style, rng)
    if kind == "double":
        draw_mark(page, other[1], other[2], radius, "fill", rng)
        return Drawn("", kind)
    if kind == "dot":
        draw_dot(page, other[1], other[2], radius, rng)
    return Drawn(option, style if kind == "mark" else kind)
