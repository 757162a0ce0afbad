"""Erasure on paper: pages of scans, crops, keyed handwriting and joined sheets of those who were erased.

Whom that concerns is said by the marks of erasure alone, so that the daily upkeep does the same with what came in anew.
It must not mark anybody.
"""

from __future__ import annotations

from tempfile import TemporaryFile

from pipelines.collect.landing import put_in_place, receipts
from pipelines.collect.redacted import is_redacted, redacted_path
from pipelines.lake import Lake, rejects
from pipelines.model.round import Round
from pipelines.model.run import Landed
from pipelines.paper import erasure
from pipelines.paper.erasure import PAGES, ErasedPage
from pipelines.paper.sheets import join_sheets
from pipelines.stages.context import Context
from pipelines.stages.forms import KEYED
from pipelines.stages.privacy import erased_responses
from pipelines.stages.scans import PAPER, SCAN, STAGE, landed_pages, paper_responses

REFUSED = ("code", "value", "response_id")
Places = dict[str, dict[int, ErasedPage]]  # hash of a scan → page in it → what had become of it


def paper_answers(context: Context, round_: Round) -> dict[str, str]:
    """Return response → source of every sheet that was read and every form that two keyers keyed, counted or not."""
    scanned = paper_responses(round_, SCAN, erasure.read_sheets(context.lake, round_.id))
    keyed = paper_responses(round_, KEYED, erasure.keyed_records(context.lake, round_.id))
    return dict.fromkeys(scanned, SCAN) | dict.fromkeys(keyed, KEYED)


def redact_paper(context: Context, round_: Round) -> list[str]:
    """Take erased persons out of scans and reviews; return a line for each thing that was done.

    The pictures first: which page is whose is known from the pages as read, which may go after.
    """
    erased, lake = erased_responses(context, round_.id), context.lake
    if not erased:
        return []
    scanned = paper_responses(round_, SCAN, erasure.read_sheets(lake, round_.id))
    serials = [serial for response, serial in scanned.items() if response in erased]
    keyed = paper_responses(round_, KEYED, erasure.keyed_records(lake, round_.id))
    places = _pages_of(lake, round_.id, serials, erased)
    lines = [
        f"{PAPER}: {landed.name} ({landed.sha256[:12]}…) {len(places[landed.sha256])} pages taken out"
        for landed in receipts(lake, round_.id, PAPER)
        if landed.path and landed.sha256 in places and _take_out(lake, landed, places[landed.sha256])
    ]
    joined = join_sheets(lake, round_.id)
    lines += [
        f"{SCAN}: crops and handwriting of form {serial} removed"
        for serial in serials
        if erasure.forget_sheet(lake, round_.id, serial, joined)
    ]
    records = [record for response, record in keyed.items() if response in erased]
    if erasure.forget_keyed(lake, round_.id, records):
        lines.append(f"{KEYED}: what two keyers keyed of {len(records)} forms removed")
    return lines


def _pages_of(lake: Lake, round_id: str, serials: list[str], erased: frozenset[str]) -> Places:
    """Return where the pages of erased persons are: those that were kept, and those that were refused beside them."""
    found: Places = {}
    for path in lake.glob(rejects(round_id, SCAN, STAGE, "*")):
        for row in lake.read_table(path).to_pylist():
            if row["response_id"] in erased:
                found.setdefault(row["landing_sha256"], {})[row["line"]] = ErasedPage(*(row[name] for name in REFUSED))
    for serial in serials:
        for sha256, number in erasure.page_origins(lake, round_id, serial):
            found.setdefault(sha256, {})[number] = ErasedPage()
    return found


def _take_out(lake: Lake, landed: Landed, gone: dict[int, ErasedPage]) -> bool:
    """Put a copy without some pages in the place of a scan; return whether they were still there."""
    if is_redacted(landed.path, PAGES):
        with lake.open(landed.path) as stream:
            missing = erasure.pages_taken_out(stream)
        if gone.keys() <= missing:
            return False
    with TemporaryFile() as copy:
        erasure.write_redacted(landed_pages(lake, landed.path), gone, copy)
        put_in_place(lake, copy, landed, redacted_path(landed.path, PAGES))
    return True
