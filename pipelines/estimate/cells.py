"""Weights of a round by cell: respondents who share stratum and margins share a weight, so a table holds them all.

Design weight from frame and plan, adjustment for those who did not answer, raking to known margins, trimming: each a
step on record. A response gets its weight by looking its cell up; nothing here reads a file or an answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.estimate.spec import Floats, Ints
from pipelines.estimate.weights import Weighting, rake, trim
from pipelines.model.errors import InputError

Key = tuple[str, ...]
WEIGHT = "weight"


@dataclass(frozen=True)
class Margin:
    """Known totals of one variable, by unit (empty: of the whole round) and category."""

    variable: str
    totals: Mapping[tuple[str, str], float]

    @property
    def by_unit(self) -> bool:
        """Whether every unit has totals of its own."""
        return any(unit for unit, _ in self.totals)


@dataclass(frozen=True)
class Scheme:
    """What the weights of a round follow from.

    Args:
        strata: columns of a stratum, the unit first.
        population: stratum → people or dossiers of the frame; None: without a frame every response starts with 1.
        issued: stratum → forms given out; a stratum that is not there has no known sample, and its responses stand
            for it at once.
        classes: columns of the strata within which those who answered stand for the others; empty: the strata.
        margins: to rake to; empty: none.
        trim: largest weight in multiples of the mean; None: no bound.
    """

    strata: tuple[str, ...]
    population: Mapping[Key, float] | None
    issued: Mapping[Key, float] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    margins: tuple[Margin, ...] = ()
    trim: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a cell."""
        return tuple(dict.fromkeys((*self.strata, *(margin.variable for margin in self.margins))))


@dataclass(frozen=True)
class CellWeights:
    """Cells in the order of their keys, responses and weight of each, and the steps behind them."""

    columns: tuple[str, ...]
    keys: tuple[Key, ...]
    n: Ints
    weighting: Weighting

    def table(self) -> pa.Table:
        """Return one row a cell: its columns, `n`, `weight`."""
        columns = {name: [key[i] for key in self.keys] for i, name in enumerate(self.columns)}
        return pa.table(columns | {"n": self.n, WEIGHT: self.weighting.weight})

    def attach(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return responses with their weight; a KeyError says that a response belongs to no cell."""
        place = {key: number for number, key in enumerate(self.keys)}
        at = [place[key] for key in keys_of(batch, self.columns)]
        return batch.append_column(WEIGHT, pa.array(self.weighting.weight[at]))


def keys_of(batch: pa.RecordBatch, columns: Sequence[str]) -> Iterable[Key]:
    """Return the cell of each response; a missing value is the empty text."""
    return zip(*(pc.fill_null(batch[name].cast(pa.string()), "").to_pylist() for name in columns), strict=True)


def cell_weights(scheme: Scheme, counts: Mapping[Key, int]) -> CellWeights:
    """Return the weights of all cells; `counts` are the responses by cell, in the order of `scheme.columns`.

    Raises:
        InputError: a stratum that the frame does not hold, a class nobody answered in, margins that do not add up.
    """
    keys = tuple(sorted(counts))
    n = np.array([counts[key] for key in keys], dtype=np.int64)
    width = len(scheme.strata)
    sizes: dict[Key, int] = {}
    for key, count in zip(keys, n.tolist(), strict=True):
        sizes[key[:width]] = sizes.get(key[:width], 0) + count
    by_stratum, weighting = _strata_weights(scheme, sizes)
    weight = np.array([by_stratum[key[:width]] for key in keys])
    weighting = replace(weighting, weight=weight, count=n.astype(float))
    if scheme.margins:
        weighting = _raked(scheme, keys, weighting)
    if scheme.trim is not None:
        weighting = trim(weighting, upper=scheme.trim * weighting.sums.sum() / n.sum())
    return CellWeights(scheme.columns, keys, n, weighting)


def _strata_weights(scheme: Scheme, responses: Mapping[Key, int]) -> tuple[dict[Key, float], Weighting]:
    """Return the weight of each stratum with responses after the adjustment for those who did not answer.

    The design step counts forms given out, the next one responses: N/issued, then · issued/responses of the class.
    """
    if scheme.population is None:
        ones = np.ones(len(responses))
        counted = Weighting(np.empty(0), count=np.array(list(responses.values()), dtype=float))
        return dict.fromkeys(responses, 1.0), counted.then("base", "no frame: every response counts 1", ones)
    _expect_in_frame(scheme.population, responses)
    strata = sorted(key for key, people in scheme.population.items() if people > 0)
    sampled = [key for key in strata if scheme.issued.get(key) or responses.get(key)]
    out = np.array([scheme.issued.get(key) or responses[key] for key in sampled], dtype=float)
    design = np.array([scheme.population[key] for key in sampled]) / out
    known = sum(1 for key in sampled if scheme.issued.get(key))
    weighting = Weighting(np.empty(0), count=out).then(
        "design", f"N/n of {len(sampled)} strata, {known} with a sample that is known from the plan", design
    )
    answered = np.array([responses.get(key, 0) for key in sampled], dtype=float)
    return _answered(scheme, sampled, weighting, answered)


def _answered(
    scheme: Scheme, sampled: list[Key], weighting: Weighting, answered: Floats
) -> tuple[dict[Key, float], Weighting]:
    """Let those who answered stand for their class; without declared classes a stratum stands for itself or is lost."""
    assert weighting.count is not None
    places = [scheme.strata.index(name) for name in scheme.classes] or list(range(len(scheme.strata)))
    classes = [" / ".join(key[at] for at in places) for key in sampled]
    design, out = weighting.weight, weighting.count
    everyone: dict[str, float] = {}
    respondents: dict[str, float] = {}
    for name, d, issued, n in zip(classes, design, out, answered, strict=True):
        everyone[name] = everyone.get(name, 0.0) + d * issued
        respondents[name] = respondents.get(name, 0.0) + d * n
    for name, weight in respondents.items():
        if scheme.classes and not weight:
            raise InputError("nobody responded", f"class {name}", "join the class with one that is like it")
    factor = np.array([everyone[name] / respondents[name] if respondents[name] else 0.0 for name in classes])
    adjusted = replace(weighting, count=answered).then(
        "nonresponse", f"{len(respondents)} classes by {', '.join(scheme.classes or scheme.strata)}", design * factor
    )
    return dict(zip(sampled, (design * factor).tolist(), strict=True)), adjusted


def _raked(scheme: Scheme, keys: Sequence[Key], weighting: Weighting) -> Weighting:
    """Rake to the margins; responses without a value of a variable keep their share of its total."""
    total = weighting.sums.sum() if scheme.population is None else sum(scheme.population.values())
    labels: dict[str, list[Hashable]] = {}
    totals: dict[str, Mapping[Hashable, float]] = {}
    for margin in scheme.margins:
        at, unit = scheme.columns.index(margin.variable), scheme.columns.index(scheme.strata[0])
        found = [((key[unit] if margin.by_unit else ""), key[at]) for key in keys]
        labels[margin.variable] = list(found)
        totals[margin.variable] = _with_blanks(margin, found, weighting, total, scheme)
    return rake(weighting, labels, totals)


def _with_blanks(
    margin: Margin, labels: Sequence[tuple[str, str]], weighting: Weighting, total: float, scheme: Scheme
) -> Mapping[Hashable, float]:
    known = sum(margin.totals.values())
    if scheme.population is not None and known != total:
        raise InputError(
            f"the totals add up to {known:g}, the frame to {total:g}",
            f"margins.csv, variable {margin.variable}",
            "bring both to the same population",
        )
    held: dict[str, float] = {}
    blank: dict[str, float] = {}
    for (unit, category), weight in zip(labels, weighting.sums, strict=True):
        held[unit] = held.get(unit, 0.0) + weight
        if not category:
            blank[unit] = blank.get(unit, 0.0) + weight
    of_unit: dict[str, float] = {}
    for (unit, _), count in margin.totals.items():
        of_unit[unit] = of_unit.get(unit, 0.0) + count
    part = {unit: weight / held[unit] for unit, weight in blank.items()}
    found: dict[Hashable, float] = {
        (unit, one): count * (1 - part.get(unit, 0.0)) for (unit, one), count in margin.totals.items()
    }
    return found | {(unit, ""): of_unit.get(unit, 0.0) * share for unit, share in part.items()}


def _expect_in_frame(population: Mapping[Key, float], responses: Mapping[Key, int]) -> None:
    for key in responses:
        if not population.get(key):
            raise InputError(
                "there are responses from a stratum that the frame does not hold, or holds with 0",
                f"frame, stratum {' / '.join(key)}",
                "add the stratum with its population to the frame",
            )
