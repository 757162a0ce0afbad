"""Prints a form: the template (places read back from typst) and the PDF of any number of sheets.

The build fails rather than print what cannot be read: a letter that the fonts lack, ink too near a bubble, a question
torn over two pages. Same input, same bytes. It must not write files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pypdfium2 as pdfium  # type: ignore[import-untyped]
import typst

from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument
from pipelines.paper.fonts import FOLDER, missing_letters
from pipelines.paper.identity import PageIdentity
from pipelines.paper.marks import SCALE, SIZE, Gray, ink_of, measure
from pipelines.paper.plan import PaperPlan
from pipelines.paper.template import CLEAR, MARKERS, QR, RADIUS, Box, Bubble, PrintedQuestion, Template
from pipelines.paper.texts import VI, Texts

FORM, SHEETS = (Path(__file__).with_name(name).read_bytes() for name in ("form.typ", "sheets.typ"))
WORDS = {"width": 180.0, "height": 28.0}  # of a box for words, mm
STRAY_INK = 0.002  # share of the area around a bubble that rendering alone may darken
MAX_SHEETS = 1_000  # of one PDF


@dataclass(frozen=True)
class Heading:
    """What stands above the questions: the agency that is evaluated, the form's title, the round's title."""

    agency: str
    title: str
    subtitle: str


@dataclass(frozen=True)
class Blank:
    """A form ready to print: its template, the PDF of its pages without QR and serial, and its language."""

    template: Template
    pdf: bytes
    texts: Texts = VI


def make_blank(round_id: str, instrument: Instrument, plan: PaperPlan, heading: Heading, texts: Texts = VI) -> Blank:
    """Lay the form out once: the blank pages and where everything stands on them. `texts` is the language of the plan.

    Raises:
        InputError: a letter that the fonts lack, ink too near a bubble, or a question torn over two pages.
    """
    _check_letters(plan, heading, texts)
    data = asdict(heading) | {
        "radius": RADIUS,
        "clear": CLEAR * RADIUS,
        "words": WORDS,
        "markers": [_marker(number) for number in range(len(MARKERS))],
        "marker_places": [asdict(place) for place in MARKERS],
        "blocks": [asdict(block) for block in plan.blocks],
        "texts": asdict(texts),
    }
    source = {"main.typ": FORM}
    pdf = bytes(typst.compile(source, **_options(data)))
    places = _rounded(json.loads(typst.query(source, "<place>", field="value", **_options(data))))
    pages = page_pictures(pdf)
    template = Template(
        round_id=round_id,
        form=instrument.id,
        version=instrument.version,
        instrument_sha256=instrument.sha256,
        pages=len(pages),
        questions=tuple(
            PrintedQuestion(asked.code, asked.text, {one.code: one.label for one in asked.options}, asked.multiple)
            for asked in plan.questions.values()
        ),
        bubbles=_with_ink([Bubble(**place) for place in places if "option" in place], pages),
        boxes=tuple(Box(**place) for place in places if "option" not in place),
    )
    _check_whole(template)
    return Blank(template, pdf, texts)


def print_sheets(blank: Blank, serials: Sequence[str]) -> bytes:
    """Return the PDF of the sheets with these serial numbers, each with its pages in order."""
    if len(serials) > MAX_SHEETS:
        raise InputError(f"{len(serials)} sheets at once", "--serials", f"print at most {MAX_SHEETS} at a time")
    template = blank.template
    data = {
        "title": f"{template.form} {template.version}",
        "mark": f"{template.form} {template.version} · {template.id}",
        "qr": asdict(QR),
        "texts": asdict(blank.texts),
        "sheets": [{"serial": serial, "codes": _codes(template, serial)} for serial in serials],
    }
    with TemporaryDirectory() as folder:  # typst takes a picture from a file only
        Path(folder, "blank.pdf").write_bytes(blank.pdf)
        main = Path(folder, "main.typ")
        main.write_bytes(SHEETS)
        return bytes(typst.compile(str(main), root=folder, **_options(data)))


def _codes(template: Template, serial: str) -> list[str]:
    identities = (
        PageIdentity(template.form, template.version, template.id, serial, page + 1) for page in range(template.pages)
    )
    return [identity.svg() for identity in identities]


def _options(data: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False)
    return {"font_paths": [str(FOLDER)], "ignore_system_fonts": True, "sys_inputs": {"data": text}}


def _rounded(places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what typst says of every bubble or box, to the micrometre."""
    return [{name: round(x, 3) if isinstance(x, float) else x for name, x in place.items()} for place in places]


@cache
def _marker(number: int) -> str:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    cells = np.argwhere(cv2.aruco.generateImageMarker(dictionary, number, 6) == 0)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, x in cells.tolist())
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 6 6"><path d="{path}"/></svg>'


def page_pictures(pdf: bytes, first: int = 0, count: int | None = None) -> list[Gray]:
    """Return pages of a PDF that was printed here, from page `first` (from 0) on, as the reader lays pages straight."""
    document = pdfium.PdfDocument(pdf)
    try:
        numbers = range(first, len(document) if count is None else first + count)
        renders = (document[number].render(scale=SCALE * 25.4 / 72, grayscale=True) for number in numbers)
        grays = (np.ascontiguousarray(one.to_numpy()).reshape(one.height, one.width) for one in renders)
        return [np.asarray(cv2.resize(gray, SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8) for gray in grays]
    finally:
        document.close()


def _with_ink(bubbles: Sequence[Bubble], pages: Sequence[Gray]) -> tuple[Bubble, ...]:
    """Return the bubbles with the blank form's ink; InputError where something is printed too near to one."""
    found: dict[Bubble, Bubble] = {}
    for number, page in enumerate(pages, 1):
        here = [bubble for bubble in bubbles if bubble.page == number]
        for bubble, (inside, around, _) in zip(here, measure(ink_of(page), here).tolist(), strict=True):
            if around > STRAY_INK:
                remedy = "shorten the words of the question or of its options"
                raise InputError(f"something is printed too near a bubble of {bubble.question}", "the form", remedy)
            found[bubble] = replace(bubble, inside=round(inside, 4), around=round(around, 4))
    return tuple(found[bubble] for bubble in bubbles)


def _check_letters(plan: PaperPlan, heading: Heading, texts: Texts) -> None:
    used = [asdict(heading), asdict(texts), [asdict(block) for block in plan.blocks]]
    words = json.dumps(used, ensure_ascii=False)
    if missing := missing_letters([words]):
        shown = " ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing)
        raise InputError(f"the fonts of the printed form lack {shown}", "labels of the form", "write it otherwise")


def _check_whole(template: Template) -> None:
    for question in template.questions:
        bubbles = [bubble for bubble in template.bubbles if bubble.question == question.code]
        if len({bubble.page for bubble in bubbles}) != 1 or len(bubbles) != len(question.options):
            remedy = "a question needs all its options on one page: shorten the list"
            raise InputError(f"question {question.code} is torn over two pages", "the form", remedy)
