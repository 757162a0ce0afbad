"""Where things are: one frozen object read from the environment, nothing else reads it.

It must not hold secrets: those are read where they are used and never logged.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Places and identity.

    Args:
        data: root of the lake, a path or an fsspec URL (`HAILONG_DATA`, default `./data`).
        warehouse: SQLAlchemy URL (`HAILONG_WAREHOUSE`, default a DuckDB file in a local lake).
        methods: folders searched for methods before the built-in ones (`HAILONG_METHODS`, separated like PATH).
        project: folder that holds `sql/` and `expectations/` (`HAILONG_PROJECT`, default this checkout).
        person: who acts, for decisions and the audit (`HAILONG_PERSON`, default the system's user name).
    """

    data: str
    warehouse: str
    methods: tuple[Path, ...]
    project: Path
    person: str

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the five variables; relative local paths are made absolute so that tasks may run in any folder."""
        data = os.environ.get("HAILONG_DATA", "data")
        if "://" not in data:
            data = str(Path(data).resolve())
        local = data if "://" not in data else str(Path("data").resolve())
        return cls(
            data=data,
            warehouse=os.environ.get("HAILONG_WAREHOUSE", f"duckdb:///{local}/warehouse.duckdb"),
            methods=tuple(Path(p) for p in os.environ.get("HAILONG_METHODS", "").split(os.pathsep) if p),
            project=Path(os.environ.get("HAILONG_PROJECT", PROJECT)),
            person=os.environ.get("HAILONG_PERSON") or os.environ.get("USER") or "unknown",
        )
