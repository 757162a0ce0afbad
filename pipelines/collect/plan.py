"""What conforming and screening need to know of a round, brought together by the caller.

Plain values only: which units, procedures and sampling units exist is looked up elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.collect.devices import DeviceRule
from pipelines.model.correction import Correction
from pipelines.model.method import Method
from pipelines.model.round import Mapping as FormMapping
from pipelines.model.round import Round
from pipelines.privacy.keeper import Keeper


@dataclass(frozen=True)
class ConformPlan:
    """How the records of one source become responses of one round.

    Args:
        round: gives the zone in which months are counted.
        method: gives the instruments and so the columns.
        mappings: the mappings to try, in this order.
        units: every code a unit may be named by within the round's window → the code to keep (itself, or the unit
            that it is an alias of).
        procedures: procedure code → its field, from the frame; empty: procedures are not checked.
        psus: sampling units of the frame; empty: they are not checked.
        payload_limit: characters kept of a rejected row.
        devices: the register of devices; None: the round has none, and nothing is asked of a device.
        keeper: what becomes of identity.
        corrections: reviewed corrections of records of this source.
    """

    round: Round
    method: Method
    mappings: tuple[FormMapping, ...]
    units: Mapping[str, str]
    procedures: Mapping[str, str] = field(default_factory=dict)
    psus: frozenset[str] = frozenset()
    payload_limit: int = 4000
    devices: DeviceRule | None = None
    keeper: Keeper = field(default_factory=Keeper)
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True)
class ScreenPlan:
    """Which conformed responses belong to the round.

    Args:
        round: gives window, zone and programme.
        method: gives the instruments and so the columns.
        units: units of the round; empty: every known unit belongs to it.
        minimum_items: satisfaction items that must be answered.
        minimum_age: years, where the instrument asks the age as a number.
        refused_states: states of review at the source that refuse a record; `unreviewed` is that of no state.
        waiting_states: states in which a record waits: it counts once a later revision of it is in another state.
        numbers_once: whether a running number of a device stands for one response in a month, the first submitted.
        excluded: response id → the decision by which it does not count, for responses that would be accepted.
    """

    round: Round
    method: Method
    units: frozenset[str] = frozenset()
    minimum_items: int = 1
    minimum_age: int = 18
    refused_states: tuple[str, ...] = ("rejected",)
    waiting_states: tuple[str, ...] = ("on_hold",)
    numbers_once: bool = False
    excluded: Mapping[str, str] = field(default_factory=dict)
