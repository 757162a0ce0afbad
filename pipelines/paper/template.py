"""Where everything stands on the printed pages: what the reader needs, made from the same source as the PDF.

Places are millimetres from the top left of an A4 page. Its hash names the template; it must not draw or read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0
RADIUS = 2.1
CLEAR = 1.6  # nothing else is printed within so many radii of a bubble's centre


@dataclass(frozen=True)
class Square:
    """A square that is printed on every page: its top left corner and its side."""

    x: float
    y: float
    size: float


# The four corner marks (ArUco 4×4_50, ids 0 to 3, clockwise from the top left) and the QR, on every page.
MARKERS = (Square(8, 8, 12), Square(190, 8, 12), Square(190, 277, 12), Square(8, 277, 12))
QR = Square(163, 8, 22)


@dataclass(frozen=True)
class Bubble:
    """One bubble: its centre, and the ink that the blank form has there (shares of the area, see `marks`)."""

    question: str
    option: str
    page: int
    x: float
    y: float
    inside: float = 0.0
    around: float = 0.0


@dataclass(frozen=True)
class Box:
    """A box for words: top left corner, width and height."""

    question: str
    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PrintedQuestion:
    """A question as a reviewer needs it: its words, its options (stored answer → words), whether many may be marked."""

    code: str
    text: str
    options: Mapping[str, str]
    multiple: bool


@dataclass(frozen=True)
class Template:
    """A printed form of one round. `instrument_sha256` pins the questionnaire; `blank` questions have no options."""

    round_id: str
    form: str
    version: str
    instrument_sha256: str
    pages: int
    questions: tuple[PrintedQuestion, ...]
    bubbles: tuple[Bubble, ...]
    boxes: tuple[Box, ...]

    @cached_property
    def sha256(self) -> str:
        """Hash of the template's own content."""
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """What the QR calls it."""
        return self.sha256[:8].upper()

    @cached_property
    def by_code(self) -> dict[str, PrintedQuestion]:
        """Questions by their code."""
        return {question.code: question for question in self.questions}

    def on_page(self, page: int) -> tuple[Bubble, ...]:
        """Return the bubbles of a page."""
        return tuple(bubble for bubble in self.bubbles if bubble.page == page)

    def rows(self, page: int) -> Iterator[tuple[PrintedQuestion, tuple[Bubble, ...]]]:
        """Yield the questions of a page with their bubbles, in order."""
        for question in self.questions:
            if bubbles := tuple(bubble for bubble in self.on_page(page) if bubble.question == question.code):
                yield question, bubbles

    def boxes_on(self, page: int) -> tuple[Box, ...]:
        """Return the boxes of a page."""
        return tuple(box for box in self.boxes if box.page == page)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with the hash."""
        return asdict(self) | {"sha256": self.sha256}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Template:
        """Read a template back."""
        values = {name: value for name, value in document.items() if name != "sha256"}
        values["questions"] = tuple(PrintedQuestion(**one) for one in values["questions"])
        values["bubbles"] = tuple(Bubble(**one) for one in values["bubbles"])
        values["boxes"] = tuple(Box(**one) for one in values["boxes"])
        return cls(**values)
