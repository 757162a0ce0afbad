"""Who is drawn: probability samples from the frame, so that intervals can be held against the truth.

Without primary sampling units: a simple random sample without replacement in each stratum. With them: units are drawn
with probability proportional to size, then equally many members of each; every member of a stratum has the same chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.model.errors import InputError
from pipelines.simulate.population import Population, stratum_of
from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.streams import stream

Members = NDArray[np.int64]


@dataclass(frozen=True)
class Take:
    """A part of the plan: so many members (`size`) of these frame rows together."""

    rows: tuple[int, ...]
    size: int


def plan_sample(spec: SimulationSpec, seed: int) -> tuple[Take, ...]:
    """Return how many are drawn of which frame rows: a take for each stratum or each drawn primary sampling unit."""
    strata: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(spec.frame):
        strata.setdefault(stratum_of(spec, row), []).append(index)
    if spec.design.psu:
        rng = stream(seed, "psu")
        return tuple(take for rows in strata.values() for take in _psu_takes(spec, rows, rng))
    return _stratum_takes(spec, strata)


def draw_sample(population: Population, seed: int) -> Members:
    """Return the drawn members, ascending."""
    rng = stream(seed, "sample")
    ends = np.cumsum([row.population for row in population.spec.frame])
    drawn = [
        rng.choice(
            np.concatenate(
                [np.arange(ends[row] - population.spec.frame[row].population, ends[row]) for row in take.rows]
            ),
            take.size,
            replace=False,
        )
        for take in plan_sample(population.spec, seed)
    ]
    return np.sort(np.concatenate(drawn))


def drop_nonrespondents(population: Population, sample: Members, seed: int) -> Members:
    """Return the members of a sample who answer; the less satisfied drop out rather where the slope is positive."""
    faults = population.spec.faults
    lost = round(faults.nonresponse * len(sample))
    if not lost:
        return sample
    satisfaction = population.answers[sample].mean(axis=1)
    chance = np.exp(-faults.nonresponse_slope * (satisfaction - satisfaction.mean()))
    gone = stream(seed, "nonresponse").choice(len(sample), lost, replace=False, p=chance / chance.sum())
    return np.delete(sample, gone)


def _stratum_takes(spec: SimulationSpec, strata: dict[tuple[str, ...], list[int]]) -> tuple[Take, ...]:
    sizes = {key: sum(spec.frame[row].population for row in rows) for key, rows in strata.items()}
    of_unit: dict[str, int] = {}
    for key, size in sizes.items():
        of_unit[key[0]] = of_unit.get(key[0], 0) + size
    takes = []
    for key, rows in strata.items():
        share = -(-spec.sample.size * sizes[key] // of_unit[key[0]])  # rounded up: never fewer than asked for
        takes.append(Take(tuple(rows), min(max(share, spec.sample.minimum), sizes[key])))
    return tuple(takes)


def _psu_takes(spec: SimulationSpec, rows: list[int], rng: np.random.Generator) -> list[Take]:
    """Draw systematically with probability proportional to size from a random order."""
    order = rng.permutation(rows)
    sizes = np.array([spec.frame[row].population for row in order])
    step = sizes.sum() / spec.sample.psus
    if sizes.max() > step or sizes.min() < spec.sample.size:
        raise InputError(
            f"Primary sampling units of {sizes.min()} to {sizes.max()} members do not allow to draw "
            f"{spec.sample.psus} of them with {spec.sample.size} members each",
            f"simulate, unit {spec.frame[rows[0]].unit_code}",
            "give more units or more even sizes, or draw fewer",
        )
    points = step * (rng.random() + np.arange(spec.sample.psus))
    chosen = order[np.searchsorted(np.cumsum(sizes), points, side="right")]
    return [Take((int(row),), spec.sample.size) for row in sorted(chosen)]
