"""Points and validity of answers as one lookup, in single precision where sums of their products stay exact.

It must not sum anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.estimate.spec import Codes, Floats, TallySpec

EXACT = 1 << 24  # whole numbers up to here are exact in single precision


@dataclass(frozen=True)
class Points:
    """Points (real part) and validity (imaginary part) at every code + 1, the points in multiples of `unit`."""

    pairs: npt.NDArray[Any]
    unit: float

    @classmethod
    def of(cls, spec: TallySpec, measure: str, most: float) -> Points:
        """Read a measure; `most` is the largest sum, in squared points of 1, that must be exact: rows of a product."""
        points, valid = spec.scale(measure)
        whole = bool((points == np.rint(points)).all() and np.abs(points).max() < EXACT)
        unit = float(math.gcd(*points.astype(np.int64).tolist()) or 1) if whole else 1.0
        pairs = points / unit + 1j * valid
        is_exact = whole and most * max(np.abs(points / unit).max(), 1.0) ** 2 < EXACT
        return cls(pairs.astype(np.complex64 if is_exact else np.complex128), unit)

    def of_codes(self, codes: Codes) -> npt.NDArray[Any]:
        """Return points and validity in turn: responses × (items × 2)."""
        found = self.pairs.take(codes, mode="clip")  # a byte is never beyond the table: clipping only spares the check
        return found.view(found.real.dtype)

    @property
    def units(self) -> Floats:
        """Factors that bring (points, validity) to their own units."""
        return np.array([self.unit, 1.0])
