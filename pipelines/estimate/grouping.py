"""Consecutive entries in groups: sums by group, and values by group spread over the entries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pipelines.estimate.spec import Floats, Ints


@dataclass(frozen=True)
class Grouping:
    """Group g has the entries from `starts[g]` up to `starts[g + 1]`; the last start is the number of entries."""

    starts: Ints

    @classmethod
    def of(cls, sizes: Ints) -> Grouping:
        """Make groups of so many entries."""
        return cls(np.append(0, np.cumsum(sizes)))

    @property
    def sizes(self) -> Ints:
        """Number of entries by group."""
        return np.diff(self.starts)

    @property
    def of_entry(self) -> Ints:
        """Number of the group of each entry."""
        return np.repeat(np.arange(len(self.starts) - 1), self.sizes)

    def some(self, start: int, count: int) -> Grouping:
        """Return `count` groups (or as many as there are) from group `start` on; their entries keep their numbers."""
        return Grouping(self.starts[start : start + count + 1])

    def of_entries(self, inner: Grouping) -> Grouping:
        """Return the groups of the entries' own entries, `inner` being how those are grouped."""
        return Grouping(inner.starts[self.starts])

    def sums(self, values: Floats) -> Floats:
        """Return the sums by group of values by entry."""
        entries = len(values)
        return sparse.csr_matrix((np.ones(entries), np.arange(entries), self.starts)) @ values

    def spread(self, values: Floats) -> Floats:
        """Return values by group as values by entry."""
        return np.repeat(values, self.sizes, axis=0)
