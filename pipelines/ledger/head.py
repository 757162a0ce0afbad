"""A tree head: how many leaves a ledger had at a moment, their root, and who vouches for it; it reads no leaf."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.ledger.merkle import Frontier
from pipelines.signing import is_signed, public_key, sign


@dataclass(frozen=True)
class Head:
    """The state of one ledger. `public` and `signature` are empty where no key was given."""

    ledger: str
    frontier: Frontier
    public: str = ""
    signature: str = ""

    @classmethod
    def made(cls, ledger: str, frontier: Frontier, key: Path | None) -> Head:
        """Return a head, signed where there is a key."""
        if key is None:
            return cls(ledger, frontier)
        return cls(ledger, frontier, public_key(key), sign(key, signed_bytes(ledger, frontier.size, frontier.root)))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self.frontier.size

    @property
    def root(self) -> str:
        """Root hash in hex."""
        return self.frontier.root.hex()

    @property
    def is_signature_valid(self) -> bool:
        """Whether the signature fits; False where there is none."""
        message = signed_bytes(self.ledger, self.size, self.frontier.root)
        return bool(self.public) and is_signed(self.public, message, self.signature)

    def as_dict(self) -> dict[str, Any]:
        """Return the head as plain values, as its file holds it."""
        return {
            "ledger": self.ledger,
            "size": self.size,
            "root": self.root,
            "subtrees": [one.hex() for one in self.frontier.roots],
            "public_key": self.public,
            "signature": self.signature,
        }

    @classmethod
    def of(cls, values: dict[str, Any]) -> Head:
        """Read a head from plain values."""
        frontier = Frontier(int(values["size"]), tuple(bytes.fromhex(one) for one in values["subtrees"]))
        return cls(str(values["ledger"]), frontier, str(values["public_key"]), str(values["signature"]))


def signed_bytes(ledger: str, size: int, root: bytes) -> bytes:
    """Return what a signature covers: a line of JSON with sorted keys."""
    return json.dumps({"ledger": ledger, "root": root.hex(), "size": size}, sort_keys=True).encode()
