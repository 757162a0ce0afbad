"""What a person must decide, and what was decided: items are written once, decisions only ever added.

An item is a doubtful row of marks, handwriting to be keyed, or a cell that two keyers keyed differently. One person
decides it, or two who do not see each other's answer and a third where they differ. It must not read pictures or make
records.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pipelines.lake import Lake
from pipelines.model.errors import InputError, StateError
from pipelines.paper import places

LONGEST = 4_000  # characters of keyed handwriting


@dataclass(frozen=True)
class Item:
    """One thing to decide.

    `kind` is mark, words or keyed. `options` are stored answer → words; empty for words, which are typed. `seen` is
    what machine or keyers read: (answer, how sure or who). `barred` are persons who must not decide. `persons` is how
    many must agree, 1 or 2.
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
    persons: int = 1

    def settled(self, given: Sequence[Decision]) -> Decision | None:
        """Return the decision that holds, of all that were given in order; None while it is open.

        A person's last answer counts. Where two must agree, the first two who do; where they differ, a third person.
        """
        last = {one.person.casefold(): one for one in given}
        if self.persons == 1:
            return given[-1] if given else None
        first, second, third = (*last.values(), None, None, None)[:3]
        if first is None or second is None:
            return None
        return second if first.value == second.value else third

    def is_for(self, person: str, given: Sequence[Decision]) -> bool:
        """Whether a person may decide it and has not."""
        name = person.casefold()
        return all(name != other.casefold() for other in (*self.barred, *(one.person for one in given)))


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


def given_decisions(lake: Lake, round_id: str) -> dict[str, list[Decision]]:
    """Return all decisions by item, in the order in which they were given."""
    found: dict[str, list[Decision]] = defaultdict(list)
    for path in lake.glob(places.decision(round_id, "*", "*")):
        found[path.split("/")[-2]].append(Decision(**lake.read_json(path)))
    return found


def decisions(lake: Lake, round_id: str) -> dict[str, Decision]:
    """Return the decision that holds of every item that is decided."""
    found = {}
    for item_id, given in given_decisions(lake, round_id).items():
        if settled := _item(lake.read_json(places.item(round_id, item_id))).settled(given):
            found[item_id] = settled
    return found


def open_items(lake: Lake, round_id: str) -> list[Item]:
    """Return what is still to be decided, in order."""
    return [item for item, _ in _open(lake, round_id)]


@dataclass(frozen=True)
class Queue:
    """What waits: how many items, how many of them for this person, and the first of these with their decisions so far.

    Of the decisions only their number is told, so that a second person decides blind.
    """

    open: int
    mine: int
    items: list[tuple[Item, int]]


def queue_of(lake: Lake, round_id: str, person: str, most: int) -> Queue:
    """Return what a person may decide, at most so many items of it; without a name nothing but how much waits."""
    waiting = _open(lake, round_id)
    mine = [(item, given) for item, given in waiting if person.strip() and item.is_for(person.strip(), given)]
    return Queue(len(waiting), len(mine), [(item, len(given)) for item, given in mine[:most]])


def _open(lake: Lake, round_id: str) -> list[tuple[Item, list[Decision]]]:
    given = given_decisions(lake, round_id)
    found = ((item, given.get(item.id, [])) for item in items(lake, round_id).values())
    return [(item, own) for item, own in found if item.settled(own) is None]


def decide(
    lake: Lake, round_id: str, item_id: str, value: str, person: str, now: datetime, known: int | None = None
) -> Decision:
    """Add a decision; earlier ones of the same item stay. `known` is how many there were when the item was shown.

    Raises:
        InputError: no such item, no name, a person who may not decide it, or an answer that it does not have.
        StateError: somebody else has decided meanwhile.
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
    if known is not None and before != known:
        raise StateError("somebody decided this meanwhile", item_id, "go on with the next")
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
