"""A proof that one response is in a ledger: a small JSON that anybody can check without the ledger or this program.

It holds no answer: the leaf is a hash of the response's identity and of its content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.ledger.head import signed_bytes
from pipelines.ledger.merkle import root_from_inclusion
from pipelines.signing import is_signed


@dataclass(frozen=True)
class Proof:
    """Leaf, place and audit path, and the head that they lead to; hashes in hex."""

    receipt: str
    ledger: str
    leaf: str
    index: int
    size: int
    path: tuple[str, ...]
    root: str
    public_key: str
    signature: str

    def as_dict(self) -> dict[str, Any]:
        """Return the proof as plain values."""
        return {**vars(self), "path": list(self.path)}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Proof:
        """Read a proof from plain values."""
        return cls(**{**values, "path": tuple(values["path"])})

    @property
    def problems(self) -> list[str]:
        """What is wrong with the proof; empty where it holds."""
        path = [bytes.fromhex(one) for one in self.path]
        root = root_from_inclusion(bytes.fromhex(self.leaf), self.index, self.size, path)
        found = [] if root is not None and root.hex() == self.root else ["the path does not lead to the root"]
        message = signed_bytes(self.ledger, self.size, bytes.fromhex(self.root))
        if self.public_key and not is_signed(self.public_key, message, self.signature):
            found.append("the signature of the tree head does not fit")
        return found
