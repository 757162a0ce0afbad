"""The finite population: for every member of the frame, the answer he or she would give to every item.

These potential answers are free of channel effects and faults: they are what is true. Who is drawn, and what is then
recorded, is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.simulate.spec import FrameRow, SimulationSpec
from pipelines.simulate.streams import stream

LOWEST, HIGHEST = -2.0, 1.0  # first and last threshold between neighbouring levels, on the latent scale


@dataclass(frozen=True)
class Population:
    """All members, in the order of the frame.

    Args:
        spec: what was to be simulated.
        method: gives items, scale and instruments.
        codes: the answer codes of the scale, from least to most satisfied; shape (levels,).
        row: index of each member's frame row; shape (members,).
        is_organisation: whether the member answers for an organisation; shape (members,).
        answers: potential answer codes; shape (members, items), columns as `method.items`.
    """

    spec: SimulationSpec
    method: Method
    codes: NDArray[np.int8]
    row: NDArray[np.int32]
    is_organisation: NDArray[np.bool_]
    answers: NDArray[np.int8]

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.row)

    @cached_property
    def unit(self) -> NDArray[np.int64]:
        """Index of each member's unit, as in `unit_codes`."""
        position = {code: index for index, code in enumerate(self.unit_codes)}
        return np.array([position[row.unit_code] for row in self.spec.frame])[self.row]

    @cached_property
    def unit_codes(self) -> tuple[str, ...]:
        """The units that have members, sorted."""
        return tuple(sorted({row.unit_code for row in self.spec.frame}))


def build_population(spec: SimulationSpec, method: Method, seed: int) -> Population:
    """Draw the potential answers of every member of the frame.

    Raises:
        InputError: the method is fed by scores, so that there are no answers to simulate.
    """
    codes = scale_codes(method)
    sizes = [row.population for row in spec.frame]
    shifts = _shifts(spec, len(method.items), seed)
    blocks = [_answers(spec, index, shifts[stratum_of(spec, row)], codes, seed) for index, row in enumerate(spec.frame)]
    chance = np.repeat([row.organisation_share for row in spec.frame], sizes)
    return Population(
        spec=spec,
        method=method,
        codes=codes,
        row=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
        is_organisation=stream(seed, "respondent").random(len(chance)) < chance,
        answers=np.concatenate(blocks),
    )


def scale_codes(method: Method) -> NDArray[np.int8]:
    """Return the valid answer codes of the default measure, ascending: a higher code means more satisfied."""
    if method.input != "responses":
        raise InputError(
            f"Method {method.id} is fed by {method.input}, not by answers",
            "simulate",
            "choose a programme with a questionnaire, such as tthc or sipas",
        )
    measure = next((measure for measure in method.measures if measure.is_default), method.measures[0])
    return np.array(sorted(measure.points), dtype=np.int8)


def stratum_of(spec: SimulationSpec, row: FrameRow) -> tuple[str, ...]:
    """Return the stratum of a frame row: its unit and the columns that the design names."""
    return (row.unit_code, *(str(getattr(row, name)) for name in spec.design.strata))


def _shifts(spec: SimulationSpec, items: int, seed: int) -> dict[tuple[str, ...], NDArray[np.float32]]:
    """Return, by stratum, what its members have in common on the latent scale, for each item."""
    effects, shifts = spec.effects, {}
    item = effects.mean + effects.item * stream(seed, "item").standard_normal(items)
    for stratum in dict.fromkeys(stratum_of(spec, row) for row in spec.frame):
        unit = effects.unit * stream(seed, "unit", stratum[0]).standard_normal()
        own = effects.stratum * stream(seed, "stratum", *stratum).standard_normal()
        shifts[stratum] = (item + unit + own).astype(np.float32)
    return shifts


def _answers(
    spec: SimulationSpec, index: int, shift: NDArray[np.float32], codes: NDArray[np.int8], seed: int
) -> NDArray[np.int8]:
    """Return the potential answers of a frame row's members: shape (members, items)."""
    rng, size = stream(seed, "member", str(index)), spec.frame[index].population
    latent = rng.standard_normal((size, len(shift)), dtype=np.float32) + shift
    latent += np.float32(spec.effects.respondent) * rng.standard_normal((size, 1), dtype=np.float32)
    if spec.design.psu:
        latent += np.float32(spec.effects.psu * rng.standard_normal())
    level = np.zeros(latent.shape, dtype=np.int8)
    for threshold in np.linspace(LOWEST, HIGHEST, len(codes) - 1, dtype=np.float32):
        level += latent > threshold
    return codes[level]
