"""Partitions, batches and the account that every stage closes: in = accepted + duplicate + rejected."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.model.errors import AccountError


@dataclass(frozen=True)
class Partition:
    """What one task works on: a round, optionally one source and one month (`2023-05`) of it."""

    round_id: str
    source: str = ""
    month: str = ""

    @property
    def key(self) -> str:
        """Text form, used as Airflow partition key and in file names: `tthc-2023~kiosk~2023-05`."""
        return "~".join(part for part in (self.round_id, self.source, self.month) if part)

    @classmethod
    def of(cls, key: str) -> Partition:
        """Read a key back."""
        return cls(*key.split("~"))


@dataclass(frozen=True)
class Landed:
    """Bytes that have landed: hash, size, the name the source gave and when they first arrived (UTC, ISO 8601)."""

    sha256: str
    path: str
    name: str
    size: int
    landed_at: str
    source: str
    instance: str


@dataclass(frozen=True)
class Reject:
    """One row that was not accepted, with everything needed to find and replay it."""

    code: str
    stage: str
    file: str
    landing_sha256: str
    line: int | None
    field: str
    value: str
    message_vi: str
    message_en: str
    payload: str
    response_id: str = ""


@dataclass
class StageReport:
    """What a stage did. `rows_in` counts rows or, where bytes could not be split into rows, files."""

    stage: str
    partition: Partition
    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def close(self) -> StageReport:
        """Return the report if its account closes; raise AccountError otherwise."""
        if self.rows_in != self.accepted + self.duplicate + self.rejected:
            raise AccountError(
                f"stage {self.stage}: {self.rows_in} rows in, but {self.accepted} accepted + {self.duplicate} "
                f"duplicate + {self.rejected} rejected",
                self.partition.key,
                "nothing was written; report this with the input file: rows must never be lost",
            )
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)
