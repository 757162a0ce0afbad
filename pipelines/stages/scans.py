"""Scans as a stage: pictures land like any other bytes, are read page by page, and whole sheets are offered.

A picture that is refused is a reject with its reason; pages in = kept + already there + refused. It must not interpret
a mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipelines.collect.landing import land, receipts
from pipelines.collect.rejects import reject_table
from pipelines.lake import Lake, rejects
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.round import Round, SourceConfig
from pipelines.model.run import Landed, Partition, Reject, StageReport
from pipelines.model.source import Fetch, Offer, Source
from pipelines.paper import sheets
from pipelines.paper.images import Unreadable, pictures
from pipelines.paper.marks import Thresholds
from pipelines.paper.reading import READER, PageReading, Refusal, read_page
from pipelines.paper.register import Templates, batch_of, batches, void_serials
from pipelines.sources import source as source_named
from pipelines.sources.folder import fetch_from
from pipelines.stages.context import Context
from pipelines.stages.reports import is_current, timed, write_report

SCAN = "scan"  # the source that whole sheets are collected by
PAPER = "paper"  # under which name the pictures land
STAGE = "read"
PICTURES = ("*.pdf", "*.png", "*.jpg", "*.jpeg", "*.tif", "*.tiff")
LARGEST = 1 << 29  # bytes of one scan
DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?=\D|$|\d{6}(?!\d))")  # 2023-05-04, 20230504101500


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
        land(context.lake, _pictures_from(fetch_from(*PICTURES)), config, round_.id, context.now())
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
        if is_current(context.lake, round_.id, STAGE, key, READER):
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
        code, value, payload = outcome
        report.duplicate += code.is_duplicate
        report.rejected += not code.is_duplicate
        refused.append(_reject(landed, number, code, value, payload))
    path = rejects(round_.id, SCAN, STAGE, landed.sha256)
    if refused:
        lake.write_table(path, reject_table(refused))
        report.outputs = [path]
    else:
        lake.remove(path)
    return report


def _outcomes(context: Context, round_: Round, landed: Landed) -> Iterator[tuple[RejectCode, str, str] | None]:
    """Yield for each page None where it is kept, else why not: code, value, payload."""
    if landed.size > LARGEST:
        yield RejectCode.R105_TOO_LARGE, f"{landed.size} byte", ""
        return
    lake, received = context.lake, _day_of(landed, round_)
    templates, issued, void = Templates(lake, round_.id), batches(lake, round_.id), void_serials(lake, round_.id)
    for number, picture in enumerate(pictures(_bytes(lake, landed.path)), 1):
        if isinstance(picture, Unreadable):
            code = RejectCode.R105_TOO_LARGE if picture.is_large else RejectCode.R101_UNREADABLE_FILE
            yield code, str(picture), ""
            continue
        reading = read_page(picture, templates.find, Thresholds())
        if isinstance(reading, Refusal):
            yield reading.code, reading.value, ""
            continue
        origin = sheets.Origin(landed.sha256, landed.name, number, received)
        serial = reading.identity.serial
        batch = batch_of(issued, serial)
        if batch is None or batch.template != reading.template.id:
            yield RejectCode.R505_SERIAL_NOT_ISSUED, serial, ""
        elif serial in void:
            yield RejectCode.R506_SERIAL_VOID, serial, ""
        else:
            yield _keep(context, round_, reading, origin)


def _bytes(lake: Lake, path: str) -> bytes:
    with lake.open(path) as stream:
        return stream.read()


def _keep(
    context: Context, round_: Round, reading: PageReading, origin: sheets.Origin
) -> tuple[RejectCode, str, str] | None:
    """Keep a page unless it was scanned before; another scan with other answers is refused, with what it says."""
    identity = reading.identity
    before = sheets.known_page(context.lake, round_.id, identity.serial, identity.page)
    place = (origin.sha256, origin.number)
    if before is None or (before["origin"]["sha256"], before["origin"]["number"]) == place:
        sheets.keep_page(context.lake, round_.id, reading, origin, _reviewers(round_))
        return None
    payload = json.dumps({code: asdict(row) for code, row in reading.rows.items()}, ensure_ascii=False)
    if sheets.contradicts(reading, before):
        return RejectCode.R507_SERIAL_TWICE, identity.serial, payload
    return RejectCode.D501_SAME_PAGE, f"{identity.serial}-{identity.page}", payload


def _reviewers(round_: Round) -> int:
    """Return how many persons must agree about a doubtful mark: the option `reviewers` of the source."""
    said = scan_config(round_).options.get("reviewers", 1)
    if said not in (1, 2) or isinstance(said, bool):
        remedy = "write 1, or 2 for two persons who do not see each other's answer"
        raise InputError(f"reviewers: {said!r} cannot be", f"rounds/{round_.id}/round.yml", remedy)
    return int(said)


def _reject(landed: Landed, number: int, code: RejectCode, value: str, payload: str) -> Reject:
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
        payload=payload,
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
