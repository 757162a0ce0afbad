"""Where things are: one frozen object read from the environment, nothing else reads it.

It must not hold secrets: those are read where they are used and never logged; of keys it holds where they lie.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.model.errors import InputError

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
        vault: folder or URL of the encrypted identity of respondents (`HAILONG_VAULT`; empty: none is kept).
        vault_recipient: to whom the vault is encrypted, `age1…` (`HAILONG_VAULT_RECIPIENT`).
        pseudonym_keys: folder with a key a year (`HAILONG_PSEUDONYM_KEYS`; empty: there are no pseudonyms).
        raw_recipient: to whom landed bytes are encrypted (`HAILONG_RAW_RECIPIENT`; empty: they lie as they came).
        age_identity: file that opens what is encrypted (`HAILONG_AGE_IDENTITY`); whoever only collects needs it for
            encrypted raw bytes alone.
        backups: how many copies of the warehouse are kept (`HAILONG_BACKUPS`, default 7).
    """

    data: str
    warehouse: str
    methods: tuple[Path, ...]
    project: Path
    person: str
    vault: str = ""
    vault_recipient: str = ""
    pseudonym_keys: str = ""
    raw_recipient: str = ""
    age_identity: Path | None = None
    backups: int = 7

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the variables; relative local paths are made absolute so that tasks may run in any folder."""
        data = os.environ.get("HAILONG_DATA", "data")
        if "://" not in data:
            data = str(Path(data).resolve())
        identity = os.environ.get("HAILONG_AGE_IDENTITY", "")
        local = data if "://" not in data else str(Path("data").resolve())
        return cls(
            data=data,
            warehouse=os.environ.get("HAILONG_WAREHOUSE", f"duckdb:///{local}/warehouse.duckdb"),
            methods=tuple(Path(p) for p in os.environ.get("HAILONG_METHODS", "").split(os.pathsep) if p),
            project=Path(os.environ.get("HAILONG_PROJECT", PROJECT)),
            person=os.environ.get("HAILONG_PERSON") or os.environ.get("USER") or "unknown",
            vault=os.environ.get("HAILONG_VAULT", ""),
            vault_recipient=os.environ.get("HAILONG_VAULT_RECIPIENT", ""),
            pseudonym_keys=os.environ.get("HAILONG_PSEUDONYM_KEYS", ""),
            raw_recipient=os.environ.get("HAILONG_RAW_RECIPIENT", ""),
            age_identity=Path(identity) if identity else None,
            backups=_count("HAILONG_BACKUPS", 7),
        )


def _count(name: str, default: int) -> int:
    text = os.environ.get(name, "") or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{text!r} is no count", name, "write a whole number from 1 up")
    return int(text)
