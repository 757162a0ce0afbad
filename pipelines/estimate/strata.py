"""The design of a round as its tally and its frame show it: strata, their PSUs, weights and corrections.

It must not look at an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.estimate.spec import BREAKDOWN, Floats, Ints, TallySpec
from pipelines.estimate.tallying import sums_of
from pipelines.model.errors import InputError

Key = tuple[str, ...]


@dataclass(frozen=True)
class Strata:
    """Strata with answers, in the order of `keys`, and the strata of the frame that have none.

    `responses` and `psus` count what was observed, `weight` is the weight of each response beside any weight tallied,
    `correction` the finite population correction 1 − sampled/all (1: none).
    """

    keys: tuple[Key, ...]
    responses: Ints
    psus: Ints
    weight: Floats
    correction: Floats
    without_answers: tuple[Key, ...]

    def position(self) -> dict[Key, int]:
        """Return the position of each stratum."""
        return {key: number for number, key in enumerate(self.keys)}

    @cached_property
    def names(self) -> list[str]:
        """The strata's names for messages."""
        return [" / ".join(key) for key in self.keys]


def strata_of(tally: pa.Table, spec: TallySpec, population: pa.Table | None, finite: bool = True) -> Strata:
    """Return the strata of a merged tally.

    Args:
        tally: the whole round.
        spec: what it was made with.
        population: the stratum columns of `spec`, `population` (people or dossiers in the frame) and, where the design
            has clusters, optionally `psu_population` (PSUs in the frame); None: every response counts one.
        finite: whether to correct for the finite population; with clusters that needs `psu_population`.

    Raises:
        InputError: a stratum of the responses is not in the frame, has more responses or PSUs than the frame holds,
            or a PSU lies in two strata.
    """
    overall = tally.filter(pc.equal(tally[BREAKDOWN], ""))
    of_row = list(zip(*(overall[name].to_pylist() for name in spec.stratum), strict=True))
    if spec.is_clustered:
        _expect_nested(of_row, overall[spec.psu].to_pylist())
    keys = tuple(sorted(set(of_row)))
    position = {key: number for number, key in enumerate(keys)}
    at = np.array([position[key] for key in of_row], dtype=np.int64)
    responses = np.bincount(at, sums_of(overall, "n")[:, 0], len(keys)).astype(np.int64)
    psus = np.bincount(at, minlength=len(keys)) if spec.is_clustered else responses
    ones = np.ones(len(keys))
    if population is None:
        return Strata(keys, responses, psus, ones, ones, ())
    people = _frame(population, spec, "population")
    _expect_in_frame(keys, people)
    size = np.array([people[key] for key in keys])
    weight = ones if spec.weight else size / responses
    correction = _correction(keys, psus, population, spec) if finite else ones
    without = tuple(sorted(key for key, count in people.items() if key not in position and count > 0))
    return Strata(keys, responses, psus, weight, correction, without)


def stratum_weights(tally: pa.Table, spec: TallySpec, population: pa.Table | None) -> pa.Table:
    """Return every stratum of tally and frame: its columns, `population`, `responses`, `psus` and `weight`.

    A stratum that no response stands for has 0 responses and no weight: estimates are for the population without it.
    """
    strata = strata_of(tally, spec, population, finite=False)
    people = {} if population is None else _frame(population, spec, "population")
    count = len(strata.keys)
    keys = (*strata.keys, *strata.without_answers)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    columns: dict[str, list] = {name: [keys[i][part] for i in order] for part, name in enumerate(spec.stratum)}
    columns["population"] = [people.get(keys[i]) for i in order]
    columns["responses"] = [int(strata.responses[i]) if i < count else 0 for i in order]
    columns["psus"] = [int(strata.psus[i]) if i < count else 0 for i in order]
    columns["weight"] = [float(strata.weight[i]) if i < count else None for i in order]
    kinds = [pa.string()] * len(spec.stratum) + [pa.float64(), pa.int64(), pa.int64(), pa.float64()]
    return pa.table(columns, schema=pa.schema(list(zip(columns, kinds, strict=True))))


def unit_population(population: pa.Table, spec: TallySpec) -> dict[str, float]:
    """Return the population of each unit of the frame."""
    found: dict[str, float] = {}
    for key, count in _frame(population, spec, "population").items():
        found[key[0]] = found.get(key[0], 0.0) + count
    return found


def _frame(population: pa.Table, spec: TallySpec, column: str) -> dict[Key, float]:
    if missing := [name for name in (*spec.stratum, column) if name not in population.column_names]:
        raise InputError(f"the frame has no column {', '.join(missing)}", "frame", "add it to the frame of the round")
    keys = list(zip(*(_text(population[name]) for name in spec.stratum), strict=True))
    counts = population[column].cast(pa.float64()).to_pylist()
    for key, count in zip(keys, counts, strict=True):
        if count is None or not count >= 0:
            raise InputError(f"“{column}” is {count}", f"frame, stratum {' / '.join(key)}", "give a number from 0 up")
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError("the stratum is there twice", f"frame, stratum {' / '.join(twice)}", "keep one line a stratum")
    return dict(zip(keys, counts, strict=True))


def _text(column: pa.ChunkedArray) -> list[str]:
    return pc.fill_null(column.cast(pa.string()), "").to_pylist()


def _correction(keys: tuple[Key, ...], psus: Ints, population: pa.Table, spec: TallySpec) -> Floats:
    column = "psu_population" if spec.is_clustered else "population"
    if column not in population.column_names:
        return np.ones(len(keys))
    frame = _frame(population, spec, column)
    size = np.array([frame[key] for key in keys])
    if (over := psus > size).any():
        first = int(np.argmax(over))
        what = "PSUs" if spec.is_clustered else "responses"
        raise InputError(
            f"{psus[first]} {what}, but the frame holds {size[first]:g}",
            f"frame, stratum {' / '.join(keys[first])}",
            "correct the frame, or switch the finite population correction off",
        )
    return 1.0 - psus / size


def _expect_in_frame(keys: tuple[Key, ...], people: dict[Key, float]) -> None:
    for key in keys:
        if not people.get(key):
            raise InputError(
                "there are responses from a stratum that the frame does not hold, or holds with 0",
                f"frame, stratum {' / '.join(key)}",
                "add the stratum with its population to the frame",
            )


def _expect_nested(of_row: list[Key], psus: list[str]) -> None:
    seen: dict[tuple[str, str], Key] = {}
    for key, psu in zip(of_row, psus, strict=True):
        other = seen.setdefault((key[0], psu), key)
        if other != key:
            raise InputError(
                f"PSU “{psu}” lies in two strata: {' / '.join(other)} and {' / '.join(key)}",
                f"unit {key[0]}",
                "a PSU belongs to one stratum: correct the frame, or give its parts codes of their own",
            )
