"""Pages joined to sheets by their serial number, with what persons decided; a whole sheet is a record.

Pages are kept as they were read. A sheet becomes a record once all its pages are there and nothing on it is open; if
a decision or a void number changes it later, it becomes a new revision. It must not read pictures.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, BinaryIO

import orjson

from pipelines.lake import Lake
from pipelines.model.response import RESPONDENTS
from pipelines.model.round import SourceConfig
from pipelines.model.source import Offer
from pipelines.paper import places
from pipelines.paper.identity import PageIdentity
from pipelines.paper.marks import State
from pipelines.paper.reading import READER, PageReading, box_crop, doubts_of, row_crop
from pipelines.paper.register import Batch, Templates, batch_of, batches, void_serials
from pipelines.paper.review import Decision, Item, add_item, decisions

Record = dict[str, str | None]
FAINTEST = 0.01  # share of ink that a reviewer is told of


@dataclass(frozen=True)
class Origin:
    """Where a page was seen: the landed scan, its name, the page in it (from 1) and the day it was handed in."""

    sha256: str
    name: str
    number: int
    received: str


def known_page(lake: Lake, round_id: str, serial: str, number: int) -> dict[str, Any] | None:
    """Return what was read on a page before; None where it was not scanned yet."""
    path = places.page(round_id, serial, number)
    return dict(lake.read_json(path)) if lake.exists(path) else None


def contradicts(reading: PageReading, before: Mapping[str, Any]) -> bool:
    """Whether an earlier scan of the page has another answer to a question that both read without doubt."""
    sure = (State.ANSWERED, State.BLANK)
    for code, row in reading.rows.items():
        other = before["rows"].get(code, {})
        if row.state in sure and other.get("state") in sure and row.value != other["value"]:
            return True
    return before["template"] != reading.template.id


def keep_page(lake: Lake, round_id: str, reading: PageReading, origin: Origin, persons: int = 1) -> int:
    """Write what was read on a page and an item for each doubt on it; return how many doubts there are.

    So many persons must agree about a mark; handwriting is keyed by one.
    """
    identity = reading.identity
    doubts = doubts_of(reading)
    for code in doubts:
        add_item(lake, round_id, _mark_item(reading, code, persons), row_crop(reading, code))
    for box in reading.words:
        item_here = item_id(identity.serial, identity.page, box.question)
        item = Item(item_here, "words", _title(identity), "Góp ý viết tay · handwritten remarks")
        add_item(lake, round_id, item, box_crop(reading, box))
    document = {
        "serial": identity.serial,
        "page": identity.page,
        "template": reading.template.id,
        "origin": asdict(origin),
        "rows": {code: asdict(row) for code, row in reading.rows.items()},
        "words": [box.question for box in reading.words],
        "error": round(reading.error, 3),
        "is_bilevel": reading.is_bilevel,
        "reader": READER,
    }
    lake.write_json(places.page(round_id, identity.serial, identity.page), document)
    return len(doubts) + len(reading.words)


def item_id(serial: str, page: int, question: str) -> str:
    """Return the id of a doubt on a page."""
    return f"{serial}-{page}-{question}"


def _title(identity: PageIdentity) -> str:
    return f"Phiếu · form {identity.serial}, trang · page {identity.page}"


def _mark_item(reading: PageReading, code: str, persons: int) -> Item:
    identity, row, question = reading.identity, reading.rows[code], reading.template.by_code[code]
    return Item(
        id=item_id(identity.serial, identity.page, code),
        kind="mark",
        title=_title(identity),
        question=question.text,
        options=question.options,
        multiple=question.multiple,
        seen=tuple((option, f"{score:.0%}") for option, score in row.scores if score >= FAINTEST),
        persons=persons,
    )


@dataclass(frozen=True)
class Sheets:
    """Every sheet that came back: `records` of whole ones, and why others wait (serial → open items, pages missing)."""

    records: dict[str, Record]
    open: dict[str, int]
    missing: dict[str, list[int]]


def join_sheets(lake: Lake, round_id: str) -> Sheets:
    """Join all pages of a round; void sheets are records that say so."""
    pages: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for path in lake.glob(places.page(round_id, "*", "*")):
        document = lake.read_json(path)
        pages[document["serial"]][document["page"]] = document
    decided, issued, void = decisions(lake, round_id), batches(lake, round_id), void_serials(lake, round_id)
    templates, found = Templates(lake, round_id), Sheets({}, {}, {})
    for serial, own in sorted(pages.items()):
        batch = batch_of(issued, serial)
        template = templates.named(next(iter(own.values()))["template"])
        assert batch is not None and template is not None, serial  # both are checked before a page is kept
        missing = [number for number in range(1, template.pages + 1) if number not in own]
        waiting = sum(one not in decided for page in own.values() for one in _doubts(page))
        if missing:
            found.missing[serial] = missing
        if waiting:
            found.open[serial] = waiting
        if serial in void or not (missing or waiting):
            found.records[serial] = _record(batch, own, decided, serial in void)
    return found


def publish_sheets(lake: Lake, round_id: str, sheets: Sheets) -> int:
    """Write records that are new or changed to one file for the source to fetch; return how many."""
    revised = partial(_revised, published_records(lake, round_id))
    new = [record for record in map(revised, sheets.records.values()) if record is not None]
    if new:
        content = b"".join(orjson.dumps(record, option=orjson.OPT_SORT_KEYS) + b"\n" for record in new)
        lake.write_bytes(places.sheets(round_id, hashlib.sha256(content).hexdigest()), content)
    return len(new)


def published_records(lake: Lake, round_id: str) -> dict[str, Record]:
    """Return the latest revision of every record that was written for the source, by serial number."""
    found: dict[str, Record] = {}
    for path in lake.glob(places.sheets(round_id, "*")):
        for line in lake.read_bytes(path).splitlines():
            record = orjson.loads(line)
            if int(record["revision"]) > int(found.get(record["record_id"], {}).get("revision") or 0):
                found[record["record_id"]] = record
    return found


def fetch_sheets(lake: Lake, round_id: str) -> Callable[[SourceConfig, str], Iterator[Offer]]:
    """Return the fetch of whole sheets from the lake; the cursor is the names seen, as JSON."""

    def fetch(config: SourceConfig, cursor: str) -> Iterator[Offer]:
        seen: list[str] = orjson.loads(cursor or "[]")
        for path in lake.glob(places.sheets(round_id, "*")):
            name = path.rpartition("/")[2]
            if name not in seen:
                seen.append(name)
                yield Offer(name, partial(_open, lake, path), ".jsonl", orjson.dumps(sorted(seen)).decode())

    return fetch


def _open(lake: Lake, path: str) -> BinaryIO:
    return lake.open(path)


def _revised(before: Mapping[str, Record], record: Record) -> Record | None:
    """Return the record with its revision; None where the last revision says the same."""
    old = before.get(str(record["record_id"]))
    if old is None:
        return record | {"revision": "1"}
    if record | {"revision": old["revision"]} == old:
        return None
    return record | {"revision": str(int(old["revision"] or 0) + 1)}


def _doubts(page: Mapping[str, Any]) -> list[str]:
    doubted = (State.DOUBTFUL, State.DOUBLE)
    codes = [code for code, row in page["rows"].items() if row["state"] in doubted] + page["words"]
    return [item_id(page["serial"], page["page"], code) for code in codes]


def _record(
    batch: Batch, pages: Mapping[int, dict[str, Any]], decided: Mapping[str, Decision], is_void: bool
) -> Record:
    """Return a sheet as a record. The sheet itself is the device: two sheets that say the same are two answers."""
    first = pages[min(pages)]
    record: Record = {
        "instrument": batch.form,
        "instrument_version": batch.version,
        "record_id": first["serial"],
        "unit_code": batch.unit,
        "procedure_code": batch.procedure or None,
        "psu_code": batch.psu or None,
        "respondent": batch.form if batch.form in RESPONDENTS else RESPONDENTS[0],
        "device_id": f"sheet-{first['serial']}",
        "submitted_at": max(page["origin"]["received"] for page in pages.values()),
        "review_state": "rejected" if is_void else "approved",
    }
    for page in pages.values():
        answers = {code: row["value"] for code, row in page["rows"].items()}
        for code in (*answers, *page["words"]):
            item = item_id(page["serial"], page["page"], code)
            answers[code] = decided[item].value if item in decided else answers.get(code, "")
        record |= {code: answer or None for code, answer in answers.items()}
    return record
