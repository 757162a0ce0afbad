"""Declared tables and columns: what `sql/<schema>/<table>/table.yml` says, and what a publication carries along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column: its type (`text`, `integer`, `double`, `boolean`, `date`, `timestamp`), unit and meaning.

    `public` says that it may leave the house in a release; without it, it may not. `checks` are what Great
    Expectations tests (`min`, `max`, `in`, `not_null`).
    """

    name: str
    type: str
    meaning_vi: str
    meaning_en: str
    unit: str = ""
    public: bool = False
    checks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One table, or a view where `query` is not empty. `grain` is its key; `partition` the columns loads replace by."""

    schema: str
    name: str
    meaning_vi: str
    meaning_en: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: tuple[str, ...] = ()
    query: str = ""

    @property
    def full_name(self) -> str:
        """Schema and name, e.g. `mart.index_score`."""
        return f"{self.schema}.{self.name}"
