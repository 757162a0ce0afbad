"""Random streams: one independent generator for each purpose, all following from one seed.

A new purpose takes a new name, so that adding a fault never changes who is drawn.
"""

from __future__ import annotations

import uuid

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of a purpose; the same seed and names always give the same numbers."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def new_uuid(rng: np.random.Generator) -> str:
    """Return a random (version 4) UUID from a generator."""
    return str(uuid.UUID(bytes=rng.bytes(16), version=4))
