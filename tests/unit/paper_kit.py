"""What the tests of paper share: a small form printed once, its pages as pictures, and a round that uses it."""

from functools import cache

import cv2
import numpy as np

from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.model.instrument import Choice, CodeList, Group, Instrument, Kind, Question, Role
from pipelines.paper.images import Picture, pictures
from pipelines.paper.marks import SIZE, Gray, Thresholds
from pipelines.paper.plan import plan_form
from pipelines.paper.printing import Blank, Heading, make_blank, print_sheets
from pipelines.paper.reading import PageReading, Refusal, read_page
from pipelines.paper.template import RADIUS
from pipelines.simulate.pens import draw_mark

ROUND = "tthc-2023-thu"
HEADING = Heading("Xã Hòa Thành", "Phiếu thử", "Đợt thử năm 2023")
SCALE = CodeList("satisfaction", tuple(Choice(n, f"mức {n}", f"level {n}") for n in range(1, 6)))
CHANNELS = CodeList("channels", tuple(Choice(n, f"kênh {n}", f"channel {n}") for n in range(1, 5)))
SEX = CodeList("sex", (Choice(1, "Nam", "Male"), Choice(2, "Nữ", "Female")))


def question(code: str, codes: CodeList | None, role: Role = Role.ITEM, kind: Kind = Kind.SELECT_ONE) -> Question:
    return Question(code, code.lower(), f"g/{code.lower()}", kind, role, f"Câu hỏi {code}", f"Question {code}", codes)


def small_form(*more: Question) -> Instrument:
    items = [question(f"A{number}", SCALE) for number in range(1, 7)]
    others = (
        question("Q2", CHANNELS, Role.PERCEPTION, Kind.SELECT_MULTIPLE),
        question("sex", SEX, Role.PROFILE),
        question("comment", None, Role.COMMENT, Kind.TEXT),
    )
    groups = (Group("g", "Phần chung", "Common part"),)
    return Instrument("citizen", "2017.1", "Phiếu", "Form", (*items, *others, *more), "0" * 64, groups)


@cache
def small_blank() -> Blank:
    instrument = small_form()
    return make_blank(ROUND, instrument, plan_form(instrument), HEADING)


@cache
def real_blank(programme: str, version: str, form: str) -> Blank:
    instrument = load_method(programme, version).instrument(form)
    return make_blank(ROUND, instrument, plan_form(instrument), Heading("Xã Hòa Thành", instrument.title_vi, "2023"))


@cache
def _printed(serial: str) -> list[Gray]:
    return as_pages(print_sheets(small_blank(), [serial]))


def printed(serial: str = "000001") -> Gray:
    """The first page of a sheet of the small form, 8 pixels a millimetre; a copy to draw on."""
    return _printed(serial)[0].copy()


def as_pages(pdf: bytes) -> list[Gray]:
    found = [one.pixels for one in pictures(pdf) if isinstance(one, Picture)]
    return [np.asarray(cv2.resize(page, SIZE, interpolation=cv2.INTER_CUBIC), dtype=np.uint8) for page in found]


def mark(page: Gray, code: str, option: str, blank: Blank | None = None, style: str = "fill", seed: int = 1) -> None:
    template = (blank or small_blank()).template
    bubble = next(one for one in template.bubbles if (one.question, one.option) == (code, option))
    draw_mark(page, bubble.x, bubble.y, RADIUS, style, np.random.default_rng(seed))


def read(page: Gray, blank: Blank | None = None, is_bilevel: bool = False) -> PageReading | Refusal:
    template = (blank or small_blank()).template
    find = lambda identity: template if identity.template == template.id else None  # noqa: E731
    return read_page(Picture(page, is_bilevel), find, Thresholds())


def png(page: Gray) -> bytes:
    return bytes(cv2.imencode(".png", page)[1])


ROUND_YML = f"""
id: {ROUND}
programme: tthc
method: '2017'
year: 2023
title: {{vi: Đợt thử năm 2023, en: Trial round 2023}}
window: {{from: '2023-02-15', to: '2023-10-31'}}
unit_level: commune
design: {{strata: [procedure_field], psu: '', finite_population: true}}
sources:
- {{source: scan, instance: {ROUND}, channel: paper_desk, self_selected: false}}
"""
FRAME = """unit_code,procedure_code,procedure_name_vi,procedure_name_en,procedure_field,psu_code,population
22243,1.001193,Đăng ký khai sinh,Birth registration,Hộ tịch,,640
22243,1.000894,Đăng ký kết hôn,Marriage registration,Hộ tịch,,260
"""


def write_round(lake: Lake) -> None:
    folder = f"rounds/{ROUND}"
    lake.write_bytes(f"{folder}/round.yml", ROUND_YML.encode())
    units = "unit_code,name_vi,name_en,level,parent_code\n22243,Xã Hòa Thành,Hòa Thành commune,commune,\n"
    lake.write_bytes(f"{folder}/units.csv", units.encode())
    lake.write_bytes(f"{folder}/frame.csv", FRAME.encode())
    lake.write_bytes(f"{folder}/plan.csv", b"unit_code,procedure_field,psu_code,channel,planned\n")
