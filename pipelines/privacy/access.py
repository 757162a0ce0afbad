"""The audit: a file for every access of a person to identity, payloads or crops, never overwritten; the lake keeps it.

It must not hold what was seen, nor the telephone number or name that was looked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pipelines.lake import Lake, access

VAULT_READ = "VAULT_READ"  # what the vault holds of a person
PAYLOAD_READ = "PAYLOAD_READ"  # what came in a row that was refused
REVIEW_READ = "REVIEW_READ"  # a crop of a form, or what two keyers keyed of it
ERASE, RETENTION = "ERASE", "RETENTION"


@dataclass(frozen=True)
class Access:
    """Who did what to which object, when and why. `accessed_at` is UTC."""

    round_id: str
    accessed_at: datetime
    person: str
    access: str  # one of the above
    subject: str  # a receipt, pseudonym, hash or place; never identity
    reason: str

    def write(self, lake: Lake) -> None:
        """Keep it; two that differ in nothing are one."""
        values = self.as_row() | {"accessed_at": self.accessed_at.isoformat()}
        sha256 = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()
        lake.write_json(access(self.round_id, f"{self.accessed_at:%Y%m%dT%H%M%S.%f}-{sha256[:8]}"), values)

    def as_row(self) -> dict[str, Any]:
        """Return the row of `ops.access`."""
        return asdict(self)


def accesses(lake: Lake, round_id: str) -> list[Access]:
    """Return every access that concerns a round, in order."""
    found = (lake.read_json(path) for path in lake.glob(access(round_id, "*")))
    return [Access(**one | {"accessed_at": datetime.fromisoformat(one["accessed_at"])}) for one in found]
