"""Look-up of units by name, as people and portals write them.

Spelling that differs in form only is folded: place of the tone mark (Hòa, Hoà), case, apostrophes, dashes, leading
zeros (Phường 01) and the usual short forms of types (TP., P.). Tones themselves are kept: Hà and Hạ are other places.
It must not choose between namesakes: an ambiguous name is an error that lists them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cache

from pipelines.geography.register import ancestors, list_of, units, vintage_of
from pipelines.model.errors import InputError
from pipelines.model.unit import Unit

TONES = "\u0300\u0301\u0303\u0309\u0323"
# Eth is often typed for đ and looks the same in capitals; apostrophes come in several shapes or not at all.
LETTERS = str.maketrans({"Ð": "Đ", "ð": "đ"} | dict.fromkeys("'’‘ʼ`´"))
BREAKS = re.compile(r"[\s\-–—]+")
LEADING_ZEROS = re.compile(r"^0+(?=\d)")
SHORT_TYPES = {
    "t.": "tỉnh ",
    "tp": "thành phố ",
    "tx": "thị xã ",
    "tt": "thị trấn ",
    "q.": "quận ",
    "h.": "huyện ",
    "p.": "phường ",
    "x.": "xã ",
}
SHORT_TYPE = re.compile(r"^\s*(?:([tqhpx]\.)|(tp|tx|tt)(?:\.|\s))")
LISTED = 12


def fold(name: str) -> str:
    """Return a key that is equal for spellings of the same name; it is for comparing, never for showing."""
    text = SHORT_TYPE.sub(_long_type, unicodedata.normalize("NFC", name).translate(LETTERS).casefold())
    return " ".join(_fold_word(word) for word in BREAKS.split(text) if word)


def find(name: str, level: str, at: date, within: str = "") -> Unit:
    """Return the one unit of a level that bears a name at a date.

    Args:
        name: with its type (`Xã Hòa Thành`) or without (`Hòa Thành`).
        level: `province`, `district` or `commune`.
        at: the day.
        within: names or codes of units above it, separated by commas (`Thị xã Đông Hòa, Phú Yên`).

    Raises:
        InputError: no unit bears the name, or several do; the message lists them with what they lie in.
    """
    units(level, at)  # refuses an unknown level
    namesakes = _by_name(level, vintage_of(at)).get(fold(name), ())
    places = [place.strip() for place in within.split(",") if place.strip()]
    found = [candidate for candidate in namesakes if _lies_in(candidate, places, at)]
    if len(found) == 1:
        return found[0]
    asked = f"“{name}” in “{within}”" if within else f"“{name}”"
    if not found:
        raise InputError(f"no {level} is named {asked} at {at}", remedy=_where_else(namesakes, at))
    raise InputError(
        f"{asked} names {len(found)} units of level {level} at {at}",
        remedy=f"give the full name with its type and, in `within`, what it lies in: {_listed(found, at)}",
    )


def _long_type(match: re.Match[str]) -> str:
    return SHORT_TYPES[match[1] or match[2]]


@cache  # names are made of some three thousand syllables
def _fold_word(word: str) -> str:
    letters = unicodedata.normalize("NFD", LEADING_ZEROS.sub("", word))
    tones = "".join(mark for mark in letters if mark in TONES)
    return unicodedata.normalize("NFC", "".join(mark for mark in letters if mark not in TONES)) + tones


@cache
def _by_name(level: str, vintage: int) -> Mapping[str, tuple[Unit, ...]]:
    index: defaultdict[str, tuple[Unit, ...]] = defaultdict(tuple)
    for candidate in list_of(level, vintage).values():
        for key in _keys(candidate):
            index[key] += (candidate,)
    return dict(index)


def _keys(of: Unit) -> tuple[str, str]:
    full = fold(of.name_vi)
    return full, full[len(fold(of.type)) + 1 :]


def _lies_in(candidate: Unit, places: list[str], at: date) -> bool:
    above = ancestors(candidate, at) if places else ()
    return all(any(place == parent.code or fold(place) in _keys(parent) for parent in above) for place in places)


def _where_else(namesakes: tuple[Unit, ...], at: date) -> str:
    if namesakes:
        return f"check what it lies in: {_listed(list(namesakes), at)}"
    return "check the spelling with its tones, the level and the date: units changed on 01/07/2025"


def _listed(candidates: list[Unit], at: date) -> str:
    texts = [
        ", ".join([candidate.name_vi, *(parent.name_vi for parent in ancestors(candidate, at))])
        + f" ({candidate.code})"
        for candidate in candidates[:LISTED]
    ]
    more = len(candidates) - len(texts)
    return "; ".join(texts) + (f"; and {more} more" if more else "")
