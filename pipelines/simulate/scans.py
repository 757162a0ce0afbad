"""Printed sheets filled with the answers that were drawn and scanned in stacks, with what goes wrong at a scanner.

It is given the printed pages and where their bubbles are. What it plants it also tells: what must become of every
page and every sheet. It must not know how a page is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.random import Generator

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.simulate.filled import Place
from pipelines.simulate.lots import Lot
from pipelines.simulate.pens import SCALE, Gray, draw_circle, draw_mark, draw_words
from pipelines.simulate.record import Answer, Record
from pipelines.simulate.scanned_pdf import jpeg, pdf_of
from pipelines.simulate.scanners import photo, scan
from pipelines.simulate.streams import stream

STACK = 5  # sheets scanned together
PENS = ("fill", "scribble", "cross")  # of people who do as the form says
PROCEDURE = "procedure_code"
ACCEPTED = "accepted"
SHEET_FAULTS = {  # what is wrong with a sheet → what becomes of it
    "doubtful": "waiting",
    "double": "waiting",
    "handwriting": "waiting",
    "page_missing": "incomplete",
    "void": "void",
    "upside_down": "valid",
    "photograph": "valid",
}
PAGE_FAULTS = {  # what is wrong with one more page → why it is refused
    "page_twice": RejectCode.D501_SAME_PAGE,
    "photocopy": RejectCode.R507_SERIAL_TWICE,
    "foreign": RejectCode.R501_NOT_OUR_FORM,
    "torn": RejectCode.R502_NO_CORNER_MARKS,
    "spoilt_code": RejectCode.R503_UNREADABLE_QR,
    "other_round": RejectCode.R504_UNKNOWN_TEMPLATE,
    "not_issued": RejectCode.R505_SERIAL_NOT_ISSUED,
}


@dataclass(frozen=True)
class PrintedPage:
    """One printed page, in mm but for its grey pixels (8 a mm).

    `rows` is question → bubbles, `boxes` left, top and width of each box for words, `code` left, top and side of the
    square code, `radius` that of a bubble.
    """

    pixels: Gray
    rows: Mapping[str, Sequence[Place]]
    boxes: Sequence[tuple[float, float, float]]
    code: tuple[float, float, float]
    radius: float


@dataclass(frozen=True)
class Paper:
    """What is printed: the pages of a sheet by its serial number, and two pages that do not belong here."""

    sheet: Callable[[str], Sequence[PrintedPage]]
    other_round: PrintedPage
    not_issued: PrintedPage


@dataclass
class ScanTruth:
    """What was scanned and what must become of it.

    `pages` counts pages by code (`accepted` where they are kept); `fates`, `faults`, `answers` (question → answer as it
    is stored) and `days` (when it was handed in) are by serial number, of sheets that were brought back.
    """

    issued: int
    pages: dict[str, int] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)

    def count(self, code: str, pages: int = 1) -> None:
        """Enter pages that must end with a code."""
        self.pages[code] = self.pages.get(code, 0) + pages

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def scan_sheets(lots: Sequence[Lot], paper: Paper, seed: int) -> tuple[dict[str, bytes], ScanTruth]:
    """Fill and scan the sheets of all lots; return file name → bytes, and the truth. The same seed, the same bytes.

    Raises:
        InputError: too few sheets for every fault once.
    """
    rng, truth = stream(seed, "scans"), ScanTruth(sum(lot.last - lot.first + 1 for lot in lots))
    sheets = [(serial, record) for lot in lots for serial, record in lot.answers.items()]
    sheets.sort(key=lambda one: (one[1].submitted_at, one[0]))
    if len(sheets) <= len(SHEET_FAULTS):
        raise InputError(f"{len(sheets)} scanned sheets are too few", "simulate --scans", f"{len(SHEET_FAULTS) + 1}")
    chosen = rng.permutation(len(sheets))[: len(SHEET_FAULTS)].tolist()
    truth.faults = {sheets[place][0]: fault for place, fault in zip(chosen, SHEET_FAULTS, strict=True)}
    files: dict[str, bytes] = {}
    for start in range(0, len(sheets), STACK):
        files |= _stack(sheets[start : start + STACK], start // STACK + 1, paper, truth, rng)
    sound = next(one for one in sheets if one[0] not in truth.faults)
    last = sheets[-1][1].submitted_at.date()
    files[_name(last, len(sheets) // STACK + 2)] = pdf_of(list(_stray_pages(*sound, paper, truth, rng)))
    return files, truth


def _stack(
    sheets: Sequence[tuple[str, Record]], number: int, paper: Paper, truth: ScanTruth, rng: Generator
) -> dict[str, bytes]:
    """Scan some sheets on the day of the last of them; one that is photographed comes as files of its own."""
    day, files, pages = max(record.submitted_at for _, record in sheets).date(), dict[str, bytes](), list[Gray]()
    for serial, record in sheets:
        fault = truth.faults.get(serial, "")
        truth.fates[serial], truth.days[serial] = SHEET_FAULTS.get(fault, "valid"), day.isoformat()
        filled = list(_filled_sheet(paper.sheet(serial), _answers(record), fault, rng))
        truth.answers[serial] = _answers(record)
        truth.count(RejectCode.R506_SERIAL_VOID.code if fault == "void" else ACCEPTED, len(filled))
        if fault == "photograph":
            files |= {f"Anh_{day:%Y%m%d}_{n}.jpg": jpeg(photo(page, rng)) for n, page in enumerate(filled, 1)}
        else:
            pages += [scan(page, rng, turned=fault == "upside_down") for page in filled]
    return files | {_name(day, number): pdf_of(pages)}


def _name(day: date, number: int) -> str:
    return f"Scan_{day:%Y%m%d}_{number:02d}.pdf"


def _answers(record: Record) -> dict[str, str]:
    answers = {PROCEDURE: record.procedure_code} if record.procedure_code else {}
    return answers | {code: _text(answer) for code, answer in record.answers.items()}


def _text(answer: Answer) -> str:
    return " ".join(map(str, answer)) if isinstance(answer, tuple) else str(answer)


def _filled_sheet(
    printed: Sequence[PrintedPage], answers: Mapping[str, str], fault: str, rng: Generator
) -> Iterator[Gray]:
    """Yield the pages of a sheet as its respondent fills them; a fault of marks is on the first."""
    pages = printed[:-1] if fault == "page_missing" else printed
    for number, page in enumerate(pages):
        pixels = _filled(page, answers, rng, fault if number == 0 else "")
        if fault == "handwriting":
            for left, top, width in page.boxes:
                draw_words(pixels, left + 5, top + 5, width - 10, rng)
        yield pixels


def _filled(page: PrintedPage, answers: Mapping[str, str], rng: Generator, fault: str = "") -> Gray:
    pixels, radius = page.pixels.copy(), page.radius
    spoilt = next(code for code in page.rows if code in answers and code != PROCEDURE) if fault else ""
    for code, places in page.rows.items():
        for option, x, y in places:
            is_meant = option in answers.get(code, "").split()
            if is_meant and code == spoilt and fault == "doubtful":
                draw_circle(pixels, x, y, radius, rng)
            elif is_meant:
                draw_mark(pixels, x, y, radius, str(rng.choice(PENS)), rng)
        if code == spoilt and fault == "double":
            _, x, y = next(place for place in places if place[0] != answers[code])
            draw_mark(pixels, x, y, radius, "fill", rng)
    return pixels


def _stray_pages(serial: str, record: Record, paper: Paper, truth: ScanTruth, rng: Generator) -> Iterator[Gray]:
    """Yield a page for each of `PAGE_FAULTS`; some are of a sheet that was scanned before."""
    first, answers = paper.sheet(serial)[0], _answers(record)
    item = next(code for code in first.rows if code in answers and code != PROCEDURE)
    other = next(option for option, _, _ in first.rows[item] if option != answers[item])
    pages = {
        "page_twice": _filled(first, answers, rng),
        "photocopy": _filled(first, answers | {item: other}, rng),
        "foreign": _letter(first.pixels, rng),
        "torn": _filled(first, answers, rng)[: first.pixels.shape[0] * 2 // 3],
        "spoilt_code": _blot(_filled(first, answers, rng), first.code),
        "other_round": _filled(paper.other_round, answers, rng),
        "not_issued": _filled(paper.not_issued, answers, rng),
    }
    for fault, code in PAGE_FAULTS.items():
        truth.count(code.code)
        yield scan(pages[fault], rng, turned=False)


def _letter(like: Gray, rng: Generator) -> Gray:
    pixels = np.full_like(like, 255)
    for top in range(30, 250, 12):
        draw_words(pixels, 25, top, 150, rng)
    return pixels


def _blot(pixels: Gray, code: tuple[float, float, float]) -> Gray:
    left, top, side = (round(part * SCALE) for part in code)
    pixels[top : top + side, left : left + side // 2] = 60
    return pixels
