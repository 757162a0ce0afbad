"""How the dossiers of a one-stop system become scores: fields, and a rule for each leaf of the index, all data.

Read from the section `dossiers` of `method.yml`; this module must not look at a dossier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipelines.model.instrument import Status
from pipelines.model.record import FieldKind, RecordField, RecordLayout

DOSSIER = "record_id"
COMMON = (
    RecordField(DOSSIER, FieldKind.TEXT, required=True),
    RecordField("unit_code", FieldKind.UNIT, required=True),
    RecordField("procedure_code", FieldKind.TEXT),
    RecordField("procedure_field", FieldKind.TEXT),
    RecordField("channel", FieldKind.TEXT),
)


class LevelOf(StrEnum):
    """How a dossier gets its level on a leaf of the index."""

    COMPARE = "compare"  # first field below, equal to or above the second: level 0, 1 or 2
    COUNT = "count"  # the count itself; the last level holds for all above
    CODE = "code"  # the code itself


@dataclass(frozen=True)
class PointRule:
    """The points of a dossier on a leaf, by level; the leaf's score is their mean over the dossiers that have one."""

    node: str
    level_of: LevelOf
    fields: tuple[str, ...]
    points: Mapping[int, float]
    status: Status
    source: str = ""


@dataclass(frozen=True)
class Fault:
    """What counts against a dossier: the day in `late[0]` after that in `late[1]`, or any of some flags."""

    name: str
    title_vi: str
    title_en: str
    late: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class RateRule:
    """Points from a rate: 100 % less the percentage of each fault; full points from `full_from` percent on.

    The percentages are subtracted each for itself, so a dossier with two faults counts twice, as the decree reads.
    """

    node: str
    faults: tuple[Fault, ...]
    full_points: float
    full_from: float
    status: Status
    source: str = ""

    def question(self, fault: Fault) -> str:
        """Return what the counts of dossiers with and without a fault are listed under."""
        return f"{self.node}:{fault.name}"


@dataclass(frozen=True)
class Classes:
    """Classes of a total by its lower bounds, best first; they hold where the leaves that apply reach `maximum`."""

    maximum: float
    bounds: tuple[float, ...]


@dataclass(frozen=True)
class DossierRules:
    """The section `dossiers` of a method. `day` is the field whose day says to which round a dossier belongs."""

    fields: tuple[RecordField, ...]
    day: str
    points: tuple[PointRule, ...] = ()
    rates: tuple[RateRule, ...] = ()
    classes: Classes | None = None

    @property
    def layout(self) -> RecordLayout:
        """The layout of a dossier's record: what every dossier has, and the fields of the method."""
        return RecordLayout((*COMMON, *self.fields), key=(DOSSIER,), private=DOSSIER, day=self.day)
