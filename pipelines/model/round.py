"""One execution of a survey: programme, method, period, window, design, sources and settings.

Read from `rounds/<id>/round.yml` by `pipelines.rounds`; this module only holds the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.model.errors import InputError


class Rollup(StrEnum):
    """How a province follows from its communes."""

    POOLED = "pooled"  # the ratio mean over all responses with their weights
    MEAN_OF_UNITS = "mean_of_units"
    POPULATION_WEIGHTED = "population_weighted"  # mean of units by the frame's population


@dataclass(frozen=True)
class Mapping:
    """Which heading of a source's file or record is which field or answer of the response, for one form version.

    Args:
        form: id of the instrument whose answers these are.
        when: heading → values; the mapping holds for rows where every heading has one of its values. Empty: the
            mapping holds for every row of a file that has all its headings.
        headings: heading → target. A target is a field of `pipelines.model.response.HEADER` or the code of a question.
        ignore: headings known to carry nothing we keep, or patterns of them with `*` and `?`.
        constants: header field → value that the file does not carry (channel, unit, time of a dated export).
        codes: code list name or question code → {text as written in the source: code}.
        time_zone: zone of times that carry none; empty means the round's.
        time_format: `strptime` format of times; empty means ISO 8601.
        identity: heading → what it tells of the person (`pipelines.model.response.IDENTITY_FIELDS`); kept in the
            vault or nowhere.
        crosswalk: name of the method's crosswalk through which answers of an older version go; `headings` and `codes`
            then name questions and answers of that version.
    """

    form: str
    headings: dict[str, str]
    when: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    constants: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, int]] = field(default_factory=dict)
    time_zone: str = ""
    time_format: str = ""
    identity: dict[str, str] = field(default_factory=dict)
    crosswalk: str = ""

    def ignores(self, heading: str) -> bool:
        """Whether a heading carries nothing we keep; brackets stand for themselves, as services write `… [Score]`."""
        return any(fnmatchcase(heading, pattern.replace("[", "[[]")) for pattern in self.ignore)


@dataclass(frozen=True)
class Device:
    """A line of the register of devices: from the first to the last day it may answer with this key.

    `unit_code` is where it stands; `public_key` (Ed25519, hex) is empty where it cannot sign, and a day is None where
    there is no bound. A device that gets another key has another line.
    """

    device_id: str
    unit_code: str
    public_key: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid(self, day: date) -> bool:
        """Whether it may answer on a day."""
        return (self.valid_from or day) <= day <= (self.valid_to or day)


@dataclass(frozen=True)
class SourceConfig:
    """How one source serves one round.

    `options` are the connector's own (inbox folder, address, form id); secrets are never here but in the environment,
    under the name that `options["secret"]` gives. `self_selected` says that answers are no probability sample.
    `devices` is the round's register of devices.
    """

    source: str
    instance: str
    channel: str
    options: dict[str, Any] = field(default_factory=dict)
    mappings: tuple[Mapping, ...] = ()
    self_selected: bool = True
    devices: tuple[Device, ...] = ()

    @property
    def requires_devices(self) -> bool:
        """Whether answers of devices that are not registered, or do not sign, are refused: `options.devices`.

        Raises:
            InputError: the option is neither `required` nor `reported`, the default.
        """
        said = self.options.get("devices", "reported")
        if said not in ("required", "reported"):
            where = f"round.yml, options.devices of source {self.source}"
            raise InputError(f"unknown rule {said!r} for devices", where, "use required or reported")
        return bool(said == "required")


@dataclass(frozen=True)
class Design:
    """How respondents were selected.

    `strata` are columns of the response that, with `unit_code`, make a stratum. `psu` is the column of the primary
    sampling unit; empty: every response is its own.
    """

    strata: tuple[str, ...] = ()
    psu: str = ""
    finite_population: bool = True

    @property
    def is_clustered(self) -> bool:
        """Whether responses come in clusters."""
        return bool(self.psu)


@dataclass(frozen=True)
class WeightPlan:
    """How the weights of a round go beyond those of its strata; `margins.csv` holds the totals.

    Args:
        classes: columns of the strata by which those who answered stand for those who did not; empty: the strata.
        margins: fields or questions of the response that the weights are raked to.
        trim: the largest weight, in multiples of the mean; None: no weight is cut.
    """

    classes: tuple[str, ...] = ()
    margins: tuple[str, ...] = ()
    trim: float | None = None


@dataclass(frozen=True)
class Round:
    """One round of a programme. `sha256` covers every file of the round's folder.

    `previous` is the id of the round that it is compared with; empty: none.
    """

    id: str
    programme: str
    method_version: str
    year: int
    title_vi: str
    title_en: str
    window_from: date
    window_to: date
    unit_level: str
    design: Design
    sources: tuple[SourceConfig, ...]
    settings: dict[str, Any]
    folder: str
    sha256: str
    rollup: Rollup | None = None
    time_zone: str = "Asia/Ho_Chi_Minh"
    previous: str = ""
    weighting: WeightPlan | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days and months of the round are counted."""
        return ZoneInfo(self.time_zone)

    def source(self, name: str) -> SourceConfig:
        """Return the configuration of a source; a KeyError names one that does not serve the round."""
        for config in self.sources:
            if config.source == name:
                return config
        raise KeyError(name)
