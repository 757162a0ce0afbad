"""Scans as a stage: pictures land like any other bytes, are read page by page, and whole sheets are offered.

A picture that is refused is a reject with its reason; pages in = kept + already there + refused. It must not interpret
a mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from pipelines.collect.identity import response_ids
from pipelines.collect.landing import land, receipts
from pipelines.collect.redacted import is_redacted
from pipelines.collect.rejects import ERASED, reject_table
from pipelines.lake import Lake, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.round import Round, SourceConfig
from pipelines.model.run import Landed, Partition, Reject, StageReport
from pipelines.model.source import Fetch, Offer, Source
from pipelines.paper import sheets
from pipelines.paper.erasure import PAGES, ErasedPage, Page, read_redacted
from pipelines.paper.identity import PREFIX
from pipelines.paper.images import Picture, Unreadable, pictures
from pipelines.paper.marks import Thresholds
from pipelines.paper.reading import READER, PageReading, Refusal, read_page
from pipelines.paper.register import Batch, Templates, batch_of, batches, void_serials
from pipelines.sources import source as source_named
from pipelines.sources.folder import fetch_from
from pipelines.stages.context import Context
from pipelines.stages.privacy import erased_responses
from pipelines.stages.reports import is_current, timed, write_report

SCAN = "scan"  # the source that whole sheets are collected by
PAPER = "paper"  # under which name the pictures land
STAGE = "read"
PICTURES = ("*.pdf", "*.png", "*.jpg", "*.jpeg", "*.tif", "*.tiff")
# What a telephone or an office may hand in for a scan: refused with the remedy rather than passed over.
OTHER_PICTURES = ("*.heic", "*.heif", "*.webp", "*.bmp", "*.gif", "*.zip", "*.docx")
LARGEST = 1 << 29  # bytes of one scan
FOREIGN = "mã của nơi khác · another system's code"
DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?=\D|$|\d{6}(?!\d))")  # 2023-05-04, 20230504101500


@dataclass(frozen=True)
class Refused:
    """Why a page is not kept: code, what it is about, what the page says, and the response it would have been of."""

    code: RejectCode
    value: str = ""
    payload: str = ""
    response: str = ""


def read_scans(context: Context, round_id: str, files: Sequence[Path], received: date | None = None) -> StageReport:
    """Land scans and read them; `received` is the day on which the forms were handed in.

    Without it the day is that in the file's name, else that of landing. Returns one account over all pages read.
    """
    round_ = context.round(round_id)
    config, prefix = context.config(round_, scan_config(round_).source), f"{received} " if received else ""
    offers = [Offer(f"{prefix}{path.name}", partial(open_file, path), path.suffix.lower()) for path in files]
    land(context.lake, _pictures_from(lambda config, cursor: iter(offers)), config, round_id, context.now())
    return _read_pending(context, round_)


def sheets_source(context: Context, round_: Round, config: SourceConfig) -> Source:
    """Read what lies in the round's inbox of scans, and return the source that offers the whole sheets."""
    if "inbox" in config.options:
        land(context.lake, _pictures_from(fetch_from(*PICTURES, *OTHER_PICTURES)), config, round_.id, context.now())
    _read_pending(context, round_)
    return replace(source_named(SCAN), fetch=sheets.fetch_sheets(context.lake, round_.id))


def gather_sheets(context: Context, round_id: str) -> int:
    """Offer the sheets that are whole by now to the source; return how many are new or changed."""
    return sheets.publish_sheets(context.lake, round_id, sheets.join_sheets(context.lake, round_id))


def scan_config(round_: Round) -> SourceConfig:
    """Return how paper serves a round; an InputError says what to write where it does not."""
    if all(config.source != SCAN for config in round_.sources):
        remedy = f"add under sources: {{source: {SCAN}, instance: {round_.id}, channel: paper_desk}}"
        raise InputError("the round has no source for paper", f"rounds/{round_.id}/round.yml", remedy)
    return round_.source(SCAN)


def _pictures_from(fetch: Fetch) -> Source:
    return replace(source_named(SCAN), name=PAPER, fetch=fetch)


def open_file(path: Path) -> BinaryIO:
    """Open a file that a user named; InputError where it cannot be."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"the file cannot be opened: {error.strerror}", str(path), "check that it is there") from None


def _read_pending(context: Context, round_: Round) -> StageReport:
    """Read every landed scan that this reader has not read, in order of landing; offer the sheets that are whole."""
    total = StageReport(STAGE, Partition(round_.id, SCAN))
    for landed in sorted(
        receipts(context.lake, round_.id, PAPER), key=lambda one: (one.landed_at, one.name, one.sha256)
    ):
        key = f"{SCAN}~{landed.sha256}"
        if not landed.path or is_current(context.lake, round_.id, STAGE, key, READER):
            continue
        report = timed(partial(_read_object, context, round_, landed))
        write_report(context, key, READER, report)
        for name in ("rows_in", "accepted", "duplicate", "rejected"):
            setattr(total, name, getattr(total, name) + getattr(report, name))
    gather_sheets(context, round_.id)
    return total.close()


def _read_object(context: Context, round_: Round, landed: Landed) -> StageReport:
    lake, report = context.lake, StageReport(STAGE, Partition(round_.id, SCAN), inputs=[landed.path])
    refused: list[Reject] = []
    for number, outcome in enumerate(_outcomes(context, round_, landed), 1):
        report.rows_in += 1
        if outcome is None:
            report.accepted += 1
            continue
        report.duplicate += outcome.code.is_duplicate
        report.rejected += not outcome.code.is_duplicate
        refused.append(_reject(landed, number, outcome))
    path = rejects(round_.id, SCAN, STAGE, landed.sha256)
    if refused:
        lake.write_table(path, reject_table(refused))
        report.outputs = [path]
    else:
        lake.remove(path)
    return report


def _outcomes(context: Context, round_: Round, landed: Landed) -> Iterator[Refused | None]:
    """Yield for each page None where it is kept, else why not."""
    if landed.size > LARGEST:
        yield Refused(RejectCode.R105_TOO_LARGE, f"{landed.size} byte")
        return
    desk = _Desk.open(context, round_)
    for number, page in enumerate(landed_pages(context.lake, landed.path), 1):
        if isinstance(page, ErasedPage):
            yield Refused(RejectCode[page.code], page.value, ERASED, page.response) if page.code else None
        elif isinstance(page, Unreadable):
            yield Refused(RejectCode.R105_TOO_LARGE if page.is_large else RejectCode.R101_UNREADABLE_FILE, str(page))
        else:
            yield desk.outcome(page, sheets.Origin(landed.sha256, landed.name, number, _day_of(landed, round_)))


def landed_pages(lake: Lake, path: str) -> Iterator[Page]:
    """Yield the pages of a landed scan, whether it lies as it came or with persons taken out."""
    with lake.open(path) as stream:
        if is_redacted(path, PAGES):
            yield from read_redacted(stream)
        else:
            yield from pictures(stream.read())


def paper_responses(round_: Round, source: str, records: Iterable[str]) -> dict[str, str]:
    """Return response → record of forms by their number; nothing where the source does not serve the round."""
    instance, listed = next((one.instance for one in round_.sources if one.source == source), None), list(records)
    if instance is None:
        return {}
    return dict(zip(response_ids(source, instance, pa.array(listed, pa.string())).to_pylist(), listed, strict=True))


@dataclass(frozen=True)
class _Desk:
    """What a page is compared with: the forms and serial numbers of the round, and who was erased from it."""

    lake: Lake
    round: Round
    templates: Templates
    issued: list[Batch]
    void: set[str]
    erased: frozenset[str]

    @classmethod
    def open(cls, context: Context, round_: Round) -> _Desk:
        lake, key = context.lake, round_.id
        erased = erased_responses(context, key)
        return cls(lake, round_, Templates(lake, key), batches(lake, key), void_serials(lake, key), erased)

    def outcome(self, picture: Picture, origin: sheets.Origin) -> Refused | None:
        reading = read_page(picture, self.templates.find, Thresholds())
        if isinstance(reading, Refusal):
            return Refused(reading.code, _ours(reading))
        serial = reading.identity.serial
        batch, (response,) = batch_of(self.issued, serial), paper_responses(self.round, SCAN, [serial])
        if batch is None or batch.template != reading.template.id:
            return Refused(RejectCode.R505_SERIAL_NOT_ISSUED, serial)
        if response in self.erased:
            return Refused(RejectCode.R508_ERASED, serial, response=response)
        if serial in self.void:
            return Refused(RejectCode.R506_SERIAL_VOID, serial, response=response)
        refused = _keep(self.lake, self.round, reading, origin)
        return refused and replace(refused, response=response)


def _ours(refusal: Refusal) -> str:
    """Return what a refusal is about; what the QR of somebody else says may be an identity card's, and is not kept."""
    is_foreign = refusal.code is RejectCode.R503_UNREADABLE_QR and not refusal.value.startswith(PREFIX)
    return FOREIGN if is_foreign and refusal.value else refusal.value


def _keep(lake: Lake, round_: Round, reading: PageReading, origin: sheets.Origin) -> Refused | None:
    """Keep a page unless it was scanned before; another scan with other answers is refused, with what it says."""
    identity = reading.identity
    before = sheets.known_page(lake, round_.id, identity.serial, identity.page)
    place = (origin.sha256, origin.number)
    if before is None or (before["origin"]["sha256"], before["origin"]["number"]) == place:
        sheets.keep_page(lake, round_.id, reading, origin, _reviewers(round_))
        return None
    payload = json.dumps({code: asdict(row) for code, row in reading.rows.items()}, ensure_ascii=False)
    if sheets.contradicts(reading, before):
        return Refused(RejectCode.R507_SERIAL_TWICE, identity.serial, payload)
    return Refused(RejectCode.D501_SAME_PAGE, f"{identity.serial}-{identity.page}", payload)


def _reviewers(round_: Round) -> int:
    """Return how many persons must agree about a doubtful mark: the option `reviewers` of the source."""
    said = scan_config(round_).options.get("reviewers", 1)
    if said not in (1, 2) or isinstance(said, bool):
        remedy = "write 1, or 2 for two persons who do not see each other's answer"
        raise InputError(f"reviewers: {said!r} cannot be", f"rounds/{round_.id}/round.yml", remedy)
    return int(said)


def _reject(landed: Landed, number: int, refused: Refused) -> Reject:
    code, value = refused.code, refused.value
    return Reject(
        code=code.code,
        stage=STAGE,
        file=landed.name,
        landing_sha256=landed.sha256,
        line=number,
        field="",
        value=value,
        message_vi=code.text_vi(value=value),
        message_en=code.text_en(value=value),
        payload=refused.payload,
        response_id=refused.response,
    )


def _day_of(landed: Landed, round_: Round) -> str:
    """Return the day on which the forms of a scan were handed in: that in its name, else the day it landed."""
    for found in DAY.finditer(landed.name):
        parts = [part for part in found.groups() if part]
        try:
            return date(*map(int, parts)).isoformat()
        except ValueError:
            continue
    return datetime.fromisoformat(landed.landed_at).astimezone(round_.zone).date().isoformat()
