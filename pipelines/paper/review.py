"""What a person must decide, and what was decided: items are written once, decisions only ever added.

An item is a doubtful row of marks, handwriting to be keyed, or a cell that two keyers keyed differently. The last
decision holds. It must not read pictures or make records.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.paper import places

LONGEST = 4_000  # characters of keyed handwriting


@dataclass(frozen=True)
class Item:
    """One thing to decide.

    `kind` is mark, words or keyed. `options` are stored answer → words; empty for words, which are typed. `seen` is
    what machine or keyers read: (answer, how sure or who). `barred` are persons who must not decide.
    """

    id: str
    kind: str
    title: str
    question: str
    options: Mapping[str, str] = field(default_factory=dict)
    multiple: bool = False
    seen: tuple[tuple[str, str], ...] = ()
    barred: tuple[str, ...] = ()
    has_crop: bool = True


@dataclass(frozen=True)
class Decision:
    """What somebody decided: `value` is a code, several with spaces between, words, or empty for no answer."""

    item: str
    value: str
    person: str
    at: str


def add_item(lake: Lake, round_id: str, item: Item, picture: bytes = b"") -> None:
    """Write an item with its picture; an item that is there is replaced, its decisions stay."""
    if item.has_crop:
        lake.write_bytes(places.crop(round_id, item.id), picture)
    lake.write_json(places.item(round_id, item.id), asdict(item))


def items(lake: Lake, round_id: str) -> dict[str, Item]:
    """Return all items by id, in order."""
    found = (_item(lake.read_json(path)) for path in lake.glob(places.item(round_id, "*")))
    return {item.id: item for item in found}


def decisions(lake: Lake, round_id: str) -> dict[str, Decision]:
    """Return the last decision of every item that has one."""
    return {
        path.split("/")[-2]: Decision(**lake.read_json(path)) for path in lake.glob(places.decision(round_id, "*", "*"))
    }


def open_items(lake: Lake, round_id: str) -> list[Item]:
    """Return what is still to be decided, in order."""
    decided = decisions(lake, round_id)
    return [item for item in items(lake, round_id).values() if item.id not in decided]


def decide(lake: Lake, round_id: str, item_id: str, value: str, person: str, now: datetime) -> Decision:
    """Add a decision; earlier ones of the same item stay.

    Raises:
        InputError: no such item, no name, a person who may not decide it, or an answer that it does not have.
    """
    path = places.item(round_id, item_id)
    if "/" in item_id or "*" in item_id or not lake.exists(path):
        raise InputError(f"there is nothing to decide under {item_id!r}", round_id, "load the page again")
    item, person = _item(lake.read_json(path)), unicodedata.normalize("NFC", person.strip())
    if not person:
        raise InputError("a decision has a name", "person", "write your name")
    if person.casefold() in (name.casefold() for name in item.barred):
        raise InputError(f"{person} keyed this form", item_id, "a third person decides")
    decision = Decision(item_id, _checked(item, value), person, now.isoformat(timespec="microseconds"))
    before = len(lake.glob(places.decision(round_id, item_id, "*")))
    digest = hashlib.sha256(json.dumps(asdict(decision), sort_keys=True).encode()).hexdigest()[:8]
    lake.write_json(places.decision(round_id, item_id, f"{before + 1:04d}-{digest}"), asdict(decision))
    return decision


def _checked(item: Item, value: str) -> str:
    value = unicodedata.normalize("NFC", value.strip())
    if not item.options:
        if len(value) > LONGEST or "\0" in value:
            raise InputError("the text is too long", item.id, f"at most {LONGEST} characters")
        return value
    codes = value.split() if item.multiple else [value] if value else []
    if any(code not in item.options for code in codes):
        raise InputError(f"{value!r} is no answer of this question", item.id, f"use {', '.join(item.options)}")
    return " ".join(code for code in item.options if code in codes)


def _item(document: dict[str, Any]) -> Item:
    seen = tuple((str(answer), str(how)) for answer, how in document["seen"])
    return Item(**{**document, "seen": seen, "barred": tuple(document["barred"])})
