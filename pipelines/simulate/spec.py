"""What is to be simulated, as frozen data: units, frame, sample, channels, effects and faults.

It must hold no randomness and no result; `pipelines.simulate.specs` fills it for the two built-in rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pipelines.model.errors import InputError
from pipelines.model.response import RESPONDENTS
from pipelines.model.round import Design
from pipelines.simulate.action_plan import Task
from pipelines.simulate.record import SOURCES


@dataclass(frozen=True)
class UnitRow:
    """A line of `units.csv`: a unit that is evaluated."""

    unit_code: str
    parent_code: str
    name_vi: str
    name_en: str
    level: str


@dataclass(frozen=True)
class FrameRow:
    """A line of `frame.csv`: a procedure (with its field) or a primary sampling unit, and how many belong to it.

    `organisation_share` is the share of members who answer for an organisation.
    """

    unit_code: str
    population: int
    name_vi: str
    name_en: str
    procedure_code: str = ""
    procedure_field: str = ""
    psu_code: str = ""
    organisation_share: float = 0.0


@dataclass(frozen=True)
class Channel:
    """A way in which answers come.

    `share` of respondents use it. `effect` is the share of item answers that move one level up (positive) or down
    (negative) because of the channel: a mode effect. `devices` record the answers; `respondents` can use it.
    """

    source: str
    channel: str
    share: float
    devices: tuple[str, ...]
    effect: float = 0.0
    respondents: tuple[str, ...] = RESPONDENTS

    def __post_init__(self) -> None:
        """Refuse a source whose wire format is not written: its records would be lost."""
        if self.source not in SOURCES:
            raise InputError(f"source “{self.source}” cannot be simulated", remedy=f"use one of {', '.join(SOURCES)}")


@dataclass(frozen=True)
class Sample:
    """How many are drawn in each unit.

    Without primary sampling units: `size` members, in proportion to the strata but at least `minimum` in each. With
    them: `psus` in each stratum with probability proportional to size, and `size` members of each.
    """

    size: int
    minimum: int = 0
    psus: int = 0


@dataclass(frozen=True)
class Effects:
    """The model of true answers: standard deviations on a latent scale whose noise has standard deviation 1."""

    mean: float = 1.0
    unit: float = 0.25
    stratum: float = 0.25
    psu: float = 0.3
    respondent: float = 0.8
    item: float = 0.3


@dataclass(frozen=True)
class Faults:
    """What goes wrong; nothing by default.

    The first group are shares: of answers left blank, respondents who tick one column, sampled members who do not
    answer (`nonresponse_slope` > 0: the less satisfied rather do not), respondents with a comment. The second group
    are counts for each source that can have the fault.
    """

    blanks: float = 0.0
    straight_liners: float = 0.0
    nonresponse: float = 0.0
    nonresponse_slope: float = 0.0
    comments: float = 0.0

    personal_data: int = 0
    decomposed: int = 0
    late: int = 0
    revised: int = 0
    exact_duplicates: int = 0
    content_duplicates: int = 0
    unknown_codes: int = 0
    unknown_units: int = 0
    foreign_units: int = 0
    unknown_frame_codes: int = 0
    outside_window: int = 0
    empty_forms: int = 0
    refused_at_source: int = 0
    broken_lines: int = 0
    half_lines: int = 0
    sequence_gaps: int = 0
    repeated_numbers: int = 0
    clock_back: int = 0
    unregistered: int = 0
    tampered: int = 0
    unfinished: int = 0
    on_hold: int = 0
    deleted: int = 0
    encrypted: int = 0
    unmapped: int = 0
    incomplete: int = 0
    bad_times: int = 0
    broken_files: int = 0
    repeated_files: int = 0


@dataclass(frozen=True)
class SimulationSpec:
    """A round to be simulated.

    `previous` is the round it is compared with, `tasks` its action plan, `settings` what it changes of the defaults.
    `instruments` says which instrument of the method a respondent (citizen, organisation) fills in. `seconds` is the
    median time for one questionnaire. `foreign_unit` exists at the time, but is not in the round. `scanned` of those
    who answer by post answer on sheets that a machine reads; all others are keyed.
    """

    round_id: str
    programme: str
    method_version: str
    year: int
    title_vi: str
    title_en: str
    window_from: date
    window_to: date
    unit_level: str
    units: tuple[UnitRow, ...]
    frame: tuple[FrameRow, ...]
    design: Design
    sample: Sample
    channels: tuple[Channel, ...]
    instruments: dict[str, str]
    effects: Effects = field(default_factory=Effects)
    faults: Faults = field(default_factory=Faults)
    seconds: float = 180.0
    rollup: str = ""
    scanned: int = 0
    foreign_unit: str = "00004"
    previous: str = ""
    tasks: tuple[Task, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    time_zone: str = "Asia/Ho_Chi_Minh"

    @property
    def population(self) -> int:
        """Members of the whole frame."""
        return sum(row.population for row in self.frame)

    def without_faults(self) -> SimulationSpec:
        """Return the same round with no fault and no channel effect: its intervals are to cover the truth."""
        channels = tuple(replace(channel, effect=0.0) for channel in self.channels)
        return replace(self, faults=Faults(), channels=channels)
