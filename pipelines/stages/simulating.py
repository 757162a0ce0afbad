"""The stage that makes a round with known truth, in the wire formats of the real sources; some sheets are scanned.

What is simulated is told by `pipelines.simulate`; here forms are printed for it. It must not read a scan.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from pipelines.methods import load_method
from pipelines.stages.context import Context

if TYPE_CHECKING:
    from pipelines.paper.printing import Blank
    from pipelines.simulate.scans import PrintedPage
    from pipelines.simulate.simulation import SimulatedRound

SCANNED = {"commune": 16}  # sheets that are scanned where nobody says how many


def simulate(context: Context, name: str, seed: int, communes: int | None = None, scanned: int | None = None) -> str:
    """Write a built-in round and return its id; the same name, seed and sizes give the same bytes.

    `scanned` sheets are printed, filled and scanned; None for as many as the round is used to.
    """
    from pipelines.simulate import simulate_round, spec_named, write_round  # half a second, and no real round needs it

    sheets = SCANNED.get(name, 0) if scanned is None else scanned
    spec = replace(spec_named(name, communes=communes), scanned=sheets)
    method = load_method(spec.programme, spec.method_version, context.settings.methods)
    simulated = simulate_round(spec, method, seed)
    write_round(context.lake, simulated)
    if simulated.lots and not context.lake.exists(_truth(spec.round_id)):
        _write_scans(context, simulated)
    return spec.round_id


def _truth(round_id: str) -> str:
    return f"truth/{round_id}.scans.json"


def _write_scans(context: Context, simulated: SimulatedRound) -> None:
    """Print the sheets, let them be filled and scanned, and make those void that are to be; the truth comes last."""
    from pipelines.paper.printing import print_sheets
    from pipelines.paper.register import make_void
    from pipelines.simulate.scans import Paper, scan_sheets
    from pipelines.stages.forms import PrintOrder, issue_forms

    spec, lake = simulated.spec, context.lake
    sheets: dict[str, tuple[Blank, bytes, int]] = {}
    for lot in simulated.lots:
        order = PrintOrder(lot.form, f"{lot.first}-{lot.last}", lot.unit, psu=lot.psu)
        blank, batch = issue_forms(context, spec.round_id, order)
        pdf = print_sheets(blank, batch.serials)
        sheets |= {serial: (blank, pdf, place) for place, serial in enumerate(batch.serials)}
    blank = next(iter(sheets.values()))[0]
    elsewhere = replace(blank, template=replace(blank.template, round_id="another-round"))
    paper = Paper(
        sheet=lambda serial: _printed(*sheets[serial]),
        other_round=_printed(elsewhere, print_sheets(elsewhere, ["000001"]))[0],
        not_issued=_printed(blank, print_sheets(blank, ["999999"]))[0],
    )
    files, truth = scan_sheets(simulated.lots, paper, simulated.seed)
    closing = datetime.combine(spec.window_to, time(), UTC)
    for serial in (serial for serial, fate in truth.fates.items() if fate == "void"):
        make_void(lake, spec.round_id, serial, "mô phỏng · simulation", "phiếu bị hủy · spoilt sheet", closing)
    for name, content in files.items():
        lake.write_bytes(f"inbox/{spec.round_id}/scan/{name}", content)
    lake.write_json(_truth(spec.round_id), truth.as_dict())


def _printed(blank: Blank, pdf: bytes, place: int = 0) -> list[PrintedPage]:
    """Return the pages of the sheet at a place of a PDF, with what the simulation must know of them."""
    from pipelines.paper.printing import page_pictures
    from pipelines.paper.template import QR, RADIUS
    from pipelines.simulate.scans import PrintedPage

    template = blank.template
    pictures = page_pictures(pdf, place * template.pages, template.pages)
    return [
        PrintedPage(
            pixels,
            {question.code: [(b.option, b.x, b.y) for b in bubbles] for question, bubbles in template.rows(number)},
            [(box.x, box.y, box.width) for box in template.boxes_on(number)],
            (QR.x, QR.y, QR.size),
            RADIUS,
        )
        for number, pixels in enumerate(pictures, 1)
    ]
