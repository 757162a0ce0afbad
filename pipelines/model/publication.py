"""What a release hands to every format: tables with their declarations, and the facts that go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.model.table import Table


@dataclass(frozen=True)
class PublishedTable:
    """A declared table cut to its public columns, with its rows as a `pyarrow.Table` after disclosure control."""

    declaration: Table
    rows: Any


@dataclass(frozen=True)
class Publication:
    """All that a format may show. `frozen_on` is the ISO date printed in files; no format reads the clock.

    `unit_names` gives code → (Vietnamese, English); `notes` are bilingual remarks (vi, en) to be printed with results.
    `overall_unit` is the unit whose score stands for the round (the roll-up, or the only unit); empty: none does.
    """

    release_id: str
    round: Round
    method: Method
    frozen_on: str
    tables: Mapping[str, PublishedTable]
    unit_names: Mapping[str, tuple[str, str]]
    notes: tuple[tuple[str, str], ...] = ()
    overall_unit: str = ""


@dataclass(frozen=True)
class Format:
    """A publication format: the one value (`FORMAT`) that a module of `pipelines.formats` declares.

    `write` returns file name (relative to the release folder) → bytes; the same publication gives the same bytes.
    """

    name: str
    titles: Mapping[str, str]
    write: Callable[[Publication], dict[str, bytes]]
