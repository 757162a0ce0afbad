"""Administrative units as data: one row of the register, and one end of a change of units.

A bare code means nothing, since codes are reused: 00004 was phường Trúc Bạch until 30/06/2025 and is phường Ba Đình
after. A unit is known by level, code and date. Read from CSV by `pipelines.geography`; this module reads no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

UNIT_LEVELS = ("province", "district", "commune")


class Change(StrEnum):
    """What became of a unit, from the least to the greatest change."""

    SAME = "same"  # same code, name and extent
    RENAME = "rename"  # same extent; another name, type or code
    MERGE = "merge"  # whole into a larger unit
    SPLIT = "split"  # divided over several units


@dataclass(frozen=True, slots=True)
class Unit:
    """One administrative unit as it stood from `valid_from` to `valid_to`, both inclusive; None: open.

    `code` is zero-padded text of 2 (province), 3 (district) or 5 (commune) digits; `name_vi` the official full name
    (NFC, with its type); `type` its Vietnamese type in lower case (`xã`, `phường`, …); `parent_code` the code one
    level up, empty for a province; `resolution` the legal act that made it, empty where it is older than the register.
    """

    level: str
    code: str
    name_vi: str
    name_en: str
    type: str
    parent_code: str
    valid_from: date | None
    valid_to: date | None
    resolution: str

    @property
    def short_name(self) -> str:
        """The Vietnamese name without its type: `Hòa Thành`."""
        return self.name_vi[len(self.type) + 1 :]


@dataclass(frozen=True, slots=True)
class Target:
    """A unit on the other side of a change, and how it is related.

    `is_default` marks the one unit that stands for the whole where a unit was split; it is true otherwise.
    """

    code: str
    level: str
    kind: Change
    is_default: bool
