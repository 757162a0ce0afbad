"""What is tallied and how a tally table is laid out; it must not touch any data.

A tally holds additive sums only. Writing w for the weight of a response, p for the points of its answer to an item
and d for whether that answer is valid, the sums of a cell are

* `n`, `weight` = Σw and `weight2` = Σw² over its responses;
* `count`: the number of responses with each code of each option column, in the order of `slots`; a weighted tally adds
  `count_weight` = Σw and `count_weight2` = Σw² of the same;
* for every measure and inner node, with Y = Σap and D = Σad over the items below the node and their relative weights
  a: `answered` (responses with D > 0) and `squares` = Σw(Y², YD, D²); a weighted tally adds `answered_weight` =
  Σ(w, w²) of those responses;
* where every response is its own PSU: `moments_<measure>`, the second moments Σw²vvᵀ of v = (p₁…p_J, d₁…d_J), as the
  packed upper triangle.

Everything else follows: the totals Σwp and Σwd of an item are combinations of its code counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]

LAST_CODE = 254  # code + 1 is kept in a byte
BREAKDOWN, CATEGORY = "breakdown", "category"


@dataclass(frozen=True)
class TallySpec:
    """Which columns of the responses are counted, and in which cells.

    Args:
        items: columns of the satisfaction items.
        measures: name → points by code; a code without points is no valid answer.
        options: coded columns whose options are counted → their codes, 0 to 254; it must hold every item.
        nodes: inner nodes of the index tree → item → relative weight (`pipelines.estimate.tree.inner_nodes`).
        unit: column of the unit evaluated.
        strata: columns that, with the unit, make a stratum.
        psu: column of the primary sampling unit; empty: every response is its own.
        breakdowns: columns whose categories are estimated besides the whole unit.
        weight: column of a weight for each response; empty: weights are constant within a stratum and are applied when
            the tally is read.
    """

    items: tuple[str, ...]
    measures: dict[str, dict[int, float]]
    options: dict[str, tuple[int, ...]]
    nodes: dict[str, dict[str, float]] = field(default_factory=dict)
    unit: str = "unit_code"
    strata: tuple[str, ...] = ()
    psu: str = ""
    breakdowns: tuple[str, ...] = ()
    weight: str = ""

    def __post_init__(self) -> None:
        """Refuse a specification that contradicts itself."""
        if missing := set(self.items) - set(self.options):
            raise ValueError(f"items without options: {sorted(missing)}")
        if foreign := {item for below in self.nodes.values() for item in below} - set(self.items):
            raise ValueError(f"nodes over unknown items: {sorted(foreign)}")
        if not all(0 <= code <= LAST_CODE for codes in self.options.values() for code in codes):
            raise ValueError(f"codes of options must be between 0 and {LAST_CODE}")

    @property
    def is_clustered(self) -> bool:
        """Whether responses come in PSUs of several."""
        return bool(self.psu)

    @property
    def has_plain_moments(self) -> bool:
        """Whether moments are tallied and without weights, so that the squares of nodes follow from them."""
        return not self.psu and not self.weight

    @property
    def stratum(self) -> tuple[str, ...]:
        """Columns that identify a stratum: the unit first."""
        return (self.unit, *self.strata)

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that identify a row of the tally."""
        return (BREAKDOWN, CATEGORY, *self.stratum, *((self.psu,) if self.psu else ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the responses that are read, each once."""
        named = (*self.key[2:], *self.breakdowns, *self.options, *((self.weight,) if self.weight else ()))
        return tuple(dict.fromkeys(named))

    @cached_property
    def slots(self) -> dict[str, slice]:
        """Option column → its places in `count`."""
        found, start = {}, 0
        for column, codes in self.options.items():
            found[column] = slice(start, start + len(codes))
            start += len(codes)
        return found

    @cached_property
    def sums(self) -> dict[str, tuple[int, type]]:
        """Sum column of the tally → how many numbers it holds, and their type."""
        counts = sum(len(codes) for codes in self.options.values())
        nodes = len(self.measures) * len(self.nodes)
        found: dict[str, tuple[int, type]] = {
            "n": (1, np.int64),
            "weight": (1, np.float64),
            "weight2": (1, np.float64),
            "count": (counts, np.int64),
            "answered": (nodes, np.int64),
            "squares": (3 * nodes, np.float64),
        }
        if self.weight:
            found |= {"count_weight": (counts, np.float64), "count_weight2": (counts, np.float64)}
            found |= {"answered_weight": (2 * nodes, np.float64)}
        if not self.psu:
            width = 2 * len(self.items)
            found |= {f"moments_{measure}": (width * (width + 1) // 2, np.float64) for measure in self.measures}
        return found

    @cached_property
    def schema(self) -> pa.Schema:
        """Schema of a tally: the key as text, then the sums."""
        fields = [pa.field(name, pa.string(), nullable=False) for name in self.key]
        for name, (width, kind) in self.sums.items():
            value = pa.int64() if kind is np.int64 else pa.float64()
            fields.append(pa.field(name, value if name in ("n", "weight", "weight2") else pa.list_(value, width)))
        return pa.schema(fields)

    @cached_property
    def members(self) -> Floats:
        """Relative weights of items in inner nodes: items × nodes."""
        rows = [[below.get(item, 0.0) for item in self.items] for below in self.nodes.values()]
        return np.array(rows).reshape(len(self.nodes), len(self.items)).T

    def scale(self, measure: str) -> tuple[Floats, Floats]:
        """Return points and validity (1 or 0) at every code + 1; no answer is at 0."""
        points, valid = np.zeros((2, LAST_CODE + 2))
        for code, value in self.measures[measure].items():
            points[code + 1], valid[code + 1] = value, 1.0
        return points, valid
