"""An old round on other units, exactly: the same tallies counted under the units of another list.

A unit that was merged brings its strata, PSUs, weights and finite populations with it, so the score of the new unit is
the re-aggregation of its parts with their weights, never a mean of published scores. It must not know which unit became
which: that is in the register of units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.estimate.spec import TallySpec

UNIT_BEFORE = "unit_before"


@dataclass(frozen=True)
class Restated:
    """A tally, its specification and its frame under other units; the units before have become strata."""

    tally: pa.Table
    spec: TallySpec
    population: pa.Table | None


def restated(tally: pa.Table, spec: TallySpec, population: pa.Table | None, targets: Mapping[str, str]) -> Restated:
    """Return a merged tally and its frame with each unit under its target.

    Args:
        tally: of the whole round.
        spec: what it was made with.
        population: the frame by stratum, or None.
        targets: unit of the tally or frame → unit that it now belongs to. A unit that is not there stays as it is.

    The stratum becomes (target, unit before, …), and a PSU carries the code of its unit before, since codes of PSUs
    may start anew in every unit.
    """
    other = replace(spec, strata=(UNIT_BEFORE, *spec.strata))
    moved = _moved(tally, spec, targets)
    if spec.is_clustered:
        own = pc.binary_join_element_wise(tally[spec.unit], tally[spec.psu], "/")
        moved = moved.set_column(moved.schema.get_field_index(spec.psu), spec.psu, own)
    moved = moved.select(list(other.schema.names)).sort_by([(name, "ascending") for name in other.key])
    frame = None if population is None else _moved(population, spec, targets)
    return Restated(moved.cast(other.schema), other, frame)


def _moved(table: pa.Table, spec: TallySpec, targets: Mapping[str, str]) -> pa.Table:
    before = table[spec.unit].to_pylist()
    after = pa.array([targets.get(code, code) for code in before], pa.string())
    table = table.append_column(UNIT_BEFORE, pa.array(before, pa.string()))
    return table.set_column(table.schema.get_field_index(spec.unit), spec.unit, after)
