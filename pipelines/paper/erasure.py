"""Paper of erased persons: scans without their pages, sheets of which the coded answers alone are left.

A scan that holds other persons' pages too is kept as the pages that were read from it: grey pictures without loss in a
ZIP, and nothing in the place of those that were taken out. It must not decide who is erased.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
import orjson

from pipelines.lake import Lake
from pipelines.paper import places, sheets
from pipelines.paper.comparison import KEYED, title_of
from pipelines.paper.images import Picture, Unreadable
from pipelines.paper.marks import State
from pipelines.paper.review import items

PAGES = ".pages"  # how the name of a redacted scan ends, before `.age`
LIST = "pages.json"
MADE = (1980, 1, 1, 0, 0, 0)  # the time of every entry: same pages, same bytes


@dataclass(frozen=True)
class ErasedPage:
    """The place of a page that was taken out; why, and as which response, it had been refused: empty where kept."""

    code: str = ""
    value: str = ""
    response: str = ""


Page = Picture | Unreadable | ErasedPage


def write_redacted(pages: Iterable[Page], gone: Mapping[int, ErasedPage], sink: BinaryIO) -> None:
    """Write the pages of a scan, those in `gone` (by number, from 1) taken out; one page at a time is in memory."""
    told: list[dict[str, Any]] = []
    with zipfile.ZipFile(sink, "w") as archive:
        for number, read in enumerate(pages, 1):
            page = gone.get(number, read)
            if isinstance(page, Picture):
                told.append({"is_bilevel": page.is_bilevel})
                archive.writestr(_entry(_name(number)), bytes(cv2.imencode(".png", page.pixels)[1]))
            elif isinstance(page, Unreadable):
                told.append({"unreadable": str(page), "is_large": page.is_large})
            else:
                told.append({"erased": asdict(page)})
        archive.writestr(_entry(LIST), json.dumps(told, ensure_ascii=False))


def read_redacted(stream: BinaryIO) -> Iterator[Page]:
    """Yield the pages of such a scan in order, as they were read before."""
    with zipfile.ZipFile(stream) as archive:
        for number, told in enumerate(json.loads(archive.read(LIST)), 1):
            if "erased" in told:
                yield ErasedPage(**told["erased"])
            elif "unreadable" in told:
                yield Unreadable(told["unreadable"], told["is_large"])
            else:
                content = np.frombuffer(archive.read(_name(number)), np.uint8)
                yield Picture(np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8), told["is_bilevel"])


def pages_taken_out(stream: BinaryIO) -> set[int]:
    """Return the numbers of the pages that are missing from such a scan."""
    with zipfile.ZipFile(stream) as archive:
        return {number for number, told in enumerate(json.loads(archive.read(LIST)), 1) if "erased" in told}


def read_sheets(lake: Lake, round_id: str) -> list[str]:
    """Return the serial numbers of all sheets of which a page was read, in order."""
    paths = lake.glob(places.page(round_id, "*", "*"))
    return sorted({path.rpartition("/")[2].partition("-")[0] for path in paths})


def page_origins(lake: Lake, round_id: str, serial: str) -> list[tuple[str, int]]:
    """Return hash of the scan and number in it of the pages of a sheet."""
    pages = (lake.read_json(path)["origin"] for path in lake.glob(places.page(round_id, serial, "*")))
    return [(origin["sha256"], origin["number"]) for origin in pages]


def forget_sheet(lake: Lake, round_id: str, serial: str, joined: sheets.Sheets) -> bool:
    """Leave nothing of a sheet but its coded answers, and not even them where they were never counted.

    Handwriting goes from the joined records; pages keep the answers that hold now; then crops, items and decisions go.
    Killed in between, it does the rest when it runs again. Return whether there was anything.
    """
    words = _words(lake, round_id, serial)
    was_joined = [_without(lake, path, serial, words) for path in lake.glob(places.sheets(round_id, "*"))]
    final = joined.records.get(serial) or sheets.published_records(lake, round_id).get(serial)
    was_read = [_settle(lake, path, final) for path in lake.glob(places.page(round_id, serial, "*"))]
    return any([*was_joined, *was_read, _forget_items(lake, round_id, f"{serial}-*")])


def keyed_records(lake: Lake, round_id: str) -> dict[str, list[str]]:
    """Return record → items of the forms of which two keyers' cells differ."""
    found: dict[str, list[str]] = {}
    for item in items(lake, round_id).values():
        if item.kind == KEYED:
            found.setdefault(item.title.removeprefix(title_of("")), []).append(item.id)
    return found


def forget_keyed(lake: Lake, round_id: str, records: Collection[str]) -> bool:
    """Remove what two keyers keyed of some records and what was decided on it; return whether there was anything."""
    wanted = [one for record, found in keyed_records(lake, round_id).items() if record in records for one in found]
    return sum(_forget_items(lake, round_id, one) for one in wanted) > 0


def _words(lake: Lake, round_id: str, serial: str) -> set[str]:
    """Return the questions of a sheet that are answered in handwriting."""
    pages = [lake.read_json(path) for path in lake.glob(places.page(round_id, serial, "*"))]
    templates = [lake.read_json(places.template(round_id, name)) for name in {page["template"] for page in pages}]
    return {box["question"] for template in templates for box in template["boxes"]}


def _without(lake: Lake, path: str, serial: str, words: set[str]) -> bool:
    """Take handwriting out of the records of a sheet in one file; return whether there was any."""
    records = [orjson.loads(line) for line in lake.read_bytes(path).splitlines()]
    kept = [
        {name: cell for name, cell in one.items() if name not in words} if one["record_id"] == serial else one
        for one in records
    ]
    if kept == records:
        return False
    lake.write_bytes(path, b"".join(orjson.dumps(one, option=orjson.OPT_SORT_KEYS) + b"\n" for one in kept))
    return True


def _settle(lake: Lake, path: str, final: sheets.Record | None) -> bool:
    """Leave in a page the answers that hold, as if all had been sure; remove the page where none was ever counted."""
    page = lake.read_json(path)
    if final is None:
        lake.remove(path)
        return True
    rows = {}
    for code in page["rows"]:
        value = final.get(code) or ""
        rows[code] = {"state": State.ANSWERED if value else State.BLANK, "value": value, "scores": []}
    settled = page | {"rows": rows, "words": []}
    if settled == page:
        return False
    lake.write_json(path, settled)
    return True


def _forget_items(lake: Lake, round_id: str, pattern: str) -> bool:
    found = lake.glob(places.decision(round_id, pattern, "").removesuffix("/.json"))  # whole folders
    found += lake.glob(places.crop(round_id, pattern)) + lake.glob(places.item(round_id, pattern))
    for path in found:
        lake.remove(path)
    return bool(found)


def _name(number: int) -> str:
    return f"{number:05d}.png"


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, MADE)
