"""Forms as stages: printed with their serial numbers, reviewed where doubtful, compared where two people keyed them.

It must not read a scan.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipelines import rounds
from pipelines.lake import responses
from pipelines.model.errors import InputError
from pipelines.model.round import Round
from pipelines.paper import comparison, review, sheets
from pipelines.paper.plan import plan_form
from pipelines.paper.printing import Blank, Heading, make_blank, print_sheets
from pipelines.paper.register import Batch, batches, issue, make_void, parse_serials, void_serials
from pipelines.paper.server import ReviewServer
from pipelines.paper.texts import LANGUAGES, VI
from pipelines.privacy.access import REVIEW_READ
from pipelines.stages.context import Context
from pipelines.stages.privacy import erased_responses, note_access
from pipelines.stages.scans import SCAN, gather_sheets, open_file, paper_responses, scan_config

KEYED = "postal"  # the source that sheets keyed by hand are collected by
MOST_PROCEDURES = 40  # that a form can ask for
REVIEWING = "duyệt phiếu giấy · review of paper forms"
COMPARING = "đối chiếu hai lần nhập · comparing what two keyers keyed"


@dataclass(frozen=True)
class PrintOrder:
    """What to print: form (`tthc/citizen`), serial numbers (`1-100`), what every sheet of it is about, and language."""

    form: str
    serials: str
    unit: str = ""
    procedure: str = ""
    psu: str = ""
    language: str = VI.language


def print_forms(context: Context, round_id: str, order: PrintOrder, folder: Path) -> Path:
    """Print sheets to a PDF in a folder and enter their serial numbers as issued; return the file.

    Raises:
        InputError: the form cannot be printed, or unit, procedure or village is not clear.
        StateError: a serial number was issued before for something else.
    """
    blank, batch = issue_forms(context, round_id, order)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{round_id}-{batch.form}-{batch.first}-{batch.last}.pdf"
    path.write_bytes(print_sheets(blank, batch.serials))
    return path


def issue_forms(context: Context, round_id: str, order: PrintOrder) -> tuple[Blank, Batch]:
    """Lay a form out and enter serial numbers of it as issued; errors as for `print_forms`."""
    round_, numbers = context.round(round_id), parse_serials(order.serials)
    scan_config(round_)
    blank, unit = _blank(context, round_, order)
    return blank, issue(context.lake, blank, numbers, unit, order.procedure, order.psu)


def review_server(context: Context, round_id: str, port: int) -> ReviewServer:
    """Return the review screen of a round, listening; it notes in the audit whom it shows what."""

    def note(person: str, item: str) -> None:
        note_access(context, round_id, REVIEW_READ, item, person, REVIEWING)

    return ReviewServer(context.lake, context.round(round_id).id, port, context.now, note)


def void_serial(context: Context, round_id: str, serial: str, person: str, reason: str) -> None:
    """Enter a serial number as void; its answers, if they were counted, count no more after the next collecting."""
    make_void(context.lake, round_id, serial, person or context.settings.person, reason, context.now())
    gather_sheets(context, round_id)


def serial_states(context: Context, round_id: str) -> dict[str, list[str]]:
    """Return the serial numbers of a round by state.

    `issued`, `returned` (a page was read, or the sheet was keyed), `waiting` (something is to be reviewed),
    `incomplete` (a page is missing), `keyed` (its answers were keyed by hand and accepted), `valid` (its answers are
    among the accepted responses), `twice` (accepted from a scan and keyed as well, so that it counts twice) and `void`.
    """
    round_, lake = context.round(round_id), context.lake
    joined = sheets.join_sheets(lake, round_id)
    issued = [serial for batch in batches(lake, round_id) for serial in batch.serials]
    scanned, keyed = (_accepted(context, round_, source) & set(issued) for source in (SCAN, KEYED))
    return {
        "issued": issued,
        "returned": sorted({*joined.records, *joined.open, *joined.missing, *keyed}),
        "waiting": sorted(joined.open),
        "incomplete": sorted(joined.missing),
        "keyed": sorted(keyed),
        "valid": sorted(scanned | keyed),
        "twice": sorted(scanned & keyed),
        "void": sorted(void_serials(lake, round_id)),
    }


def serial_batches(context: Context, round_id: str) -> list[tuple[Batch, dict[str, int]]]:
    """Return the batches that were printed, each with its count of serial numbers by state."""
    states = serial_states(context, round_id)
    return [
        (batch, {state: sum(map(batch.has, serials)) for state, serials in states.items()})
        for batch in batches(context.lake, round_id)
    ]


def _accepted(context: Context, round_: Round, source: str) -> set[str]:
    """Return the identities of a source's accepted responses."""
    paths = context.lake.glob(responses(round_.programme, round_.id, "*", source))
    return {one for path in paths for one in context.lake.read_table(path, ["record_id"])["record_id"].to_pylist()}


@dataclass(frozen=True)
class Compared:
    """What comparing two keyed files gave: cells that differ and are still open, rows that are done."""

    differences: list[comparison.Difference]
    open: int
    done: int


def compare_keyed(context: Context, first: Path, second: Path, round_id: str = "", out: Path | None = None) -> Compared:
    """Compare two keyers' files. With a round, differences go to its review screen and what was decided there counts.

    `out` takes the rows on which both agree or a third person has decided.
    """
    one, other = (comparison.read_keyed(_bytes(path), path.name) for path in (first, second))
    found = comparison.differences(one, other)
    decided = review.decisions(context.lake, round_id) if round_id else {}
    known = review.items(context.lake, round_id) if round_id else {}
    if round_id:
        note_access(context, context.round(round_id).id, REVIEW_READ, f"{one.name}, {other.name}", "", COMPARING)
    erased = _erased_forms(context, round_id, {difference.record for difference in found}) if round_id else set()
    for difference in found:
        is_new = difference.id not in known and difference.record not in erased
        if round_id and difference.heading and is_new:
            review.add_item(context.lake, round_id, comparison.item_of(difference, one, other))
    content = comparison.agreed(one, other, found, decided)
    if out is not None:
        out.write_bytes(content)
    still = [difference for difference in found if not difference.heading or difference.id not in decided]
    return Compared(found, len(still), max(content.count(b"\n") - 1, 0))


def _erased_forms(context: Context, round_id: str, records: Collection[str]) -> set[str]:
    """Return those of the keyed forms from which the person was erased: nothing of them is kept again."""
    erased = erased_responses(context, round_id)
    known = paper_responses(context.round(round_id), KEYED, records)
    return {record for response, record in known.items() if response in erased}


def _blank(context: Context, round_: Round, order: PrintOrder) -> tuple[Blank, str]:
    method = context.method(round_)
    *named, form = order.form.split("/")
    if "/".join(named) not in ("", method.id, method.programme) or form not in {one.id for one in method.instruments}:
        known = ", ".join(f"{method.programme}/{one.id}" for one in method.instruments)
        raise InputError(f"the round has no form {order.form!r}", round_.id, f"use one of: {known}")
    texts = LANGUAGES.get(order.language)
    if texts is None:
        raise InputError(
            f"no form is printed in {order.language!r}", "--language", f"use one of: {', '.join(LANGUAGES)}"
        )
    name = f"name_{order.language}"
    names = {row["unit_code"]: row[name] for row in rounds.load_units(context.lake, round_).to_pylist()}
    unit = order.unit or (next(iter(names)) if len(names) == 1 else "")
    if unit not in names:
        raise InputError(f"the round has no unit {unit!r}", "--unit", f"use one of: {', '.join(list(names)[:20])}")
    instrument = method.instrument(form)
    is_vi = texts is VI
    title, subtitle = (instrument.title_vi, round_.title_vi) if is_vi else (instrument.title_en, round_.title_en)
    plan = plan_form(instrument, _procedures(context, round_, order, unit), texts)
    return make_blank(round_.id, instrument, plan, Heading(names[unit], title, subtitle), texts), unit


def _procedures(context: Context, round_: Round, order: PrintOrder, unit: str) -> list[tuple[str, str]]:
    """Return the procedures that the form asks for: those of the unit's frame, none where the order names one."""
    frame = [row for row in rounds.load_frame(context.lake, round_).to_pylist() if row["unit_code"] == unit]
    villages = {row["psu_code"] for row in frame if row["psu_code"]}
    if (round_.design.is_clustered and not order.psu) or (order.psu and order.psu not in villages):
        raise InputError("the sheets need a village of the frame", "--psu", f"use one of: {_few(villages)}")
    name = f"procedure_name_{order.language}"
    codes = {row["procedure_code"]: row[name] or row["procedure_code"] for row in frame}
    codes.pop("", None)
    codes.pop(None, None)
    if order.procedure:
        if order.procedure not in codes:
            raise InputError("the procedure is not in the frame", "--procedure", f"use one of: {_few(codes)}")
        return []
    if len(codes) > MOST_PROCEDURES:
        remedy = "print a batch for each procedure with --procedure"
        raise InputError(f"{len(codes)} procedures are too many for a form", "frame.csv", remedy)
    return list(codes.items())


def _few(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes)[:12])


def _bytes(path: Path) -> bytes:
    with open_file(path) as stream:
        return stream.read(comparison.LARGEST + 1)
