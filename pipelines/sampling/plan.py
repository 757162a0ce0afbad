"""From a frame to the cells of a sample plan: strata with shares of a size, or PSUs drawn with equal takes.

Types of procedures are looked after: each stratum gets at least what its types need, and a type that nobody can be
asked about is named. It must not read a file, nor draw people: that needs a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from pipelines.model.errors import InputError
from pipelines.sampling.allocation import Cell, Key, allocate, spread
from pipelines.sampling.selection import pps_systematic

FrameRow = Mapping[str, str | int | None]


class Method(StrEnum):
    """What strata are given shares by."""

    PROPORTIONAL = "proportional"
    NEYMAN = "neyman"


@dataclass(frozen=True)
class PlanCell:
    """One line of `plan.csv`."""

    unit_code: str
    procedure_field: str = ""
    psu_code: str = ""
    channel: str = ""
    planned: int = 0


@dataclass(frozen=True)
class Warned:
    """Something that the plan cannot do, for a person to judge."""

    unit_code: str
    name: str
    message_vi: str
    message_en: str


@dataclass(frozen=True)
class Allocation:
    """A plan and what it cannot do."""

    cells: tuple[PlanCell, ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True)
class Minima:
    """The fewest of each stratum and of each type of procedure, as far as there are so many."""

    stratum: int = 1
    procedure: int = 1


def plan_strata(
    frame: Sequence[FrameRow],
    strata: Sequence[str],
    sizes: Mapping[str, int],
    minima: Minima,
    deviations: Mapping[Key, float] | None = None,
) -> Allocation:
    """Share the size of each unit out over its strata.

    Args:
        frame: rows of `frame.csv`.
        strata: columns of the frame that, with the unit, make a stratum.
        sizes: unit → size of its sample.
        minima: the fewest of a stratum and of a type.
        deviations: stratum (unit first) → standard deviation of what is measured: Neyman's allocation. None:
            proportional to size.

    Raises:
        InputError: a size that does not fit, or a stratum without deviation.
    """
    cells: list[PlanCell] = []
    for unit, rows in _by(frame, ("unit_code",)).items():
        groups = _by(rows, ("unit_code", *strata))
        own = [_stratum(key, members, minima, deviations) for key, members in groups.items() if _people(members)]
        counts = allocate(sizes[unit[0]], own, f"plan, unit {unit[0]}")
        cells += [_plan_cell(groups[cell.key][0], strata, count) for cell, count in zip(own, counts, strict=True)]
    return Allocation(_summed(cells), tuple(_warnings(frame, minima.procedure)))


def plan_clusters(frame: Sequence[FrameRow], strata: Sequence[str], psus: int, take: int, seed: int) -> Allocation:
    """Draw PSUs of each stratum with probability proportional to size, and take about as many people of each.

    All people of a stratum have the same chance psus · take / population: a PSU so large that it is drawn with
    certainty is asked for more, by its size.

    Raises:
        InputError: a PSU without population, or smaller than its take.
    """
    cells: list[PlanCell] = []
    warnings: list[Warned] = []
    for key, rows in _by(frame, ("unit_code", *strata)).items():
        members = _by(rows, ("psu_code",))
        names, sizes = [name[0] for name in members], [_people(one) for one in members.values()]
        _expect_psus(key, names, sizes)
        count = min(psus, len(names))
        if count < psus:
            warnings.append(_too_few(key, count, psus))
        drawn = pps_systematic(sizes, count, seed, key)
        shares = [
            Cell((names[one.position],), sizes[one.position], sizes[one.position] / one.probability) for one in drawn
        ]
        takes = allocate(count * take, shares, f"plan, stratum {' / '.join(key)}")
        first = _plan_cell(rows[0], strata, 0)
        cells += [replace(first, psu_code=share.key[0], planned=n) for share, n in zip(shares, takes, strict=True)]
    return Allocation(_summed(cells), tuple(warnings))


def split_channels(plan: Allocation, shares: Sequence[tuple[str, float]]) -> Allocation:
    """Split every cell over channels by their shares; without channels the plan stays as it is."""
    if not shares:
        return plan
    parts = [Fraction(str(share)) for _, share in shares]
    keys = [(channel,) for channel, _ in shares]
    cells = []
    for cell in plan.cells:
        counts = spread(cell.planned, [cell.planned * part / sum(parts) for part in parts], keys)
        cells += [replace(cell, channel=name, planned=n) for (name,), n in zip(keys, counts, strict=True) if n]
    return Allocation(tuple(cells), plan.warnings)


def _by(rows: Iterable[FrameRow], names: Sequence[str]) -> dict[Key, list[FrameRow]]:
    found: dict[Key, list[FrameRow]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[name] or "") for name in names), []).append(row)
    return found


def _people(rows: Iterable[FrameRow]) -> int:
    return sum(int(row["population"] or 0) for row in rows)


def _stratum(key: Key, rows: list[FrameRow], minima: Minima, deviations: Mapping[Key, float] | None) -> Cell:
    size = _people(rows)
    types = sum(min(minima.procedure, _people([row])) for row in rows if row["procedure_code"])
    if deviations is None:
        share: float | Fraction = size
    elif key in deviations:
        share = size * Fraction(deviations[key])
    else:
        raise InputError("there is no standard deviation", f"stratum {' / '.join(key)}", "add a line for the stratum")
    return Cell(key, size, share, max(min(minima.stratum, size), types))


def _plan_cell(row: FrameRow, strata: Sequence[str], planned: int) -> PlanCell:
    named = {name: str(row[name] or "") for name in ("procedure_field", "psu_code") if name in strata}
    return PlanCell(str(row["unit_code"]), **named, planned=planned)


def _summed(cells: Iterable[PlanCell]) -> tuple[PlanCell, ...]:
    """Add up cells that the plan cannot tell apart: a stratum may be finer than a line of the plan."""
    sums: dict[PlanCell, int] = {}
    for cell in cells:
        line = replace(cell, planned=0)
        sums[line] = sums.get(line, 0) + cell.planned
    return tuple(replace(line, planned=count) for line, count in sums.items() if count)


def _warnings(frame: Sequence[FrameRow], wanted: int) -> Iterable[Warned]:
    for row in frame:
        if row["procedure_code"] and (people := _people([row])) < wanted:
            yield Warned(
                str(row["unit_code"]),
                f"{row['procedure_code']} {row['procedure_name_vi'] or ''}".strip(),
                f"khung mẫu chỉ có {people} hồ sơ, cần ít nhất {wanted} phiếu",
                f"the frame holds {people} dossiers, at least {wanted} answers are wanted",
            )


def _too_few(key: Key, there: int, wanted: int) -> Warned:
    return Warned(
        key[0],
        " / ".join(key),
        f"chỉ có {there} địa bàn, cần {wanted}: chọn tất cả",
        f"there are {there} PSUs, {wanted} are wanted: all are taken",
    )


def _expect_psus(key: Key, names: Sequence[str], sizes: Sequence[int]) -> None:
    for name, size in zip(names, sizes, strict=True):
        if not name or not size:
            raise InputError(
                "a row of the frame has no PSU" if not name else f"PSU {name} has no population",
                f"frame, stratum {' / '.join(key)}",
                "fill in psu_code and population: PSUs are drawn by their size",
            )
