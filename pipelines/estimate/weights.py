"""Weights of a sample, step by step, each step on record: what went in, what came out, what it did to their spread.

Adjustments to known totals leave a `Centring` behind: the variance of an estimate is then that of what the auxiliary
variables do not explain (Deville & Särndal 1992). Nothing here reads a frame: totals are arguments.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from pipelines.estimate.spec import Bools, Floats, Ints
from pipelines.model.errors import InputError


class Centring(Protocol):
    """Takes out of influence values (responses × k, weights in them) what an adjustment explains."""

    def residual(self, influence: Floats) -> Floats:
        """Return the residuals."""
        ...


@dataclass(frozen=True)
class Step:
    """One step: its name, what it was told, and the weights after it. `deff` is Kish's 1 + cv², `n_eff` n/deff."""

    name: str
    detail: str
    n: int
    total: float
    smallest: float
    largest: float
    cv: float
    deff: float
    n_eff: float


@dataclass(frozen=True)
class Weighting:
    """Weights by response, the steps that led to them, and what is to be taken out of influence values.

    With `count` an entry stands for so many responses of one weight: a cell. Cells have no centrings: a variance from
    them takes the weights as given.
    """

    weight: Floats
    steps: tuple[Step, ...] = ()
    centrings: tuple[Centring, ...] = ()
    count: Floats | None = None

    @property
    def sums(self) -> Floats:
        """Sum of the weights by entry."""
        return self.weight if self.count is None else self.weight * self.count

    def then(self, name: str, detail: str, weight: Floats, centring: Centring | None = None) -> Weighting:
        """Return the weights after a further step."""
        times = np.ones(len(weight)) if self.count is None else self.count
        w, n = weight[times > 0], times[times > 0]
        held, total = float(n[w > 0].sum()), float(n @ w)
        deff = held * float(n @ w**2) / total**2 if total > 0 else float("nan")
        cv = float(np.sqrt(max(deff - 1, 0.0)))
        size = (float(w.min()), float(w.max())) if len(w) else (float("nan"), float("nan"))
        step = Step(name, detail, round(held), total, *size, cv, deff, held / deff)
        kept = self.centrings if centring is None or self.count is not None else (*self.centrings, centring)
        return Weighting(weight, (*self.steps, step), kept, self.count)

    def report(self) -> pa.Table:
        """Return the steps as a table."""
        return pa.Table.from_pylist([vars(step) for step in self.steps])


def base_weights(weight: Floats, name: str = "weight") -> Weighting:
    """Start from given weights; a negative or missing one is an InputError."""
    weight = np.asarray(weight, dtype=float)
    bad = ~np.isfinite(weight) | (weight < 0)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} weights are missing, negative or not finite (first: row {int(np.argmax(bad))})",
            f"column {name}",
            "every response needs a weight of 0 or more",
        )
    if not weight.sum() > 0:
        raise InputError("all weights are 0", f"column {name}", "give at least one response a weight")
    return Weighting(np.empty(0)).then("base", name, weight)


def design_weights(stratum: Sequence[Hashable], population: Mapping[Hashable, float]) -> Weighting:
    """Return N_h/n_h by response, from its stratum and the frame's population by stratum."""
    codes, labels = _factorise(stratum, "stratum")
    size = _totals(labels, population, "stratum")
    return Weighting(np.empty(0)).then("design", f"{len(labels)} strata", (size / np.bincount(codes))[codes])


def adjust_for_nonresponse(weighting: Weighting, responded: Bools, classes: Sequence[Hashable]) -> Weighting:
    """Let those who responded stand for all of their class; the others get the weight 0.

    Raises:
        InputError: nobody of a class responded.
    """
    codes, labels = _factorise(classes, "class")
    weight, answers = weighting.weight, np.asarray(responded, dtype=bool)
    everyone, respondents = np.bincount(codes, weighting.sums), np.bincount(codes, weighting.sums * answers)
    if (empty := (respondents == 0) & (everyone > 0)).any():
        raise InputError(
            "nobody responded", f"class {labels[int(np.argmax(empty))]}", "join the class with one that is like it"
        )
    factor = everyone / np.where(respondents > 0, respondents, 1.0)
    return weighting.then("nonresponse", f"{len(labels)} classes", weight * answers * factor[codes])


def post_stratify(weighting: Weighting, group: Sequence[Hashable], totals: Mapping[Hashable, float]) -> Weighting:
    """Scale the weights of each group to its known total."""
    codes, labels = _factorise(group, "group")
    weight = weighting.weight * _to_margin(weighting.sums, codes, labels, _totals(labels, totals, "group"))
    centring = GroupMeans(codes, weighting.weight, weight)
    return weighting.then("post_stratify", f"{len(labels)} groups", weight, centring)


def rake(
    weighting: Weighting,
    margins: Mapping[str, Sequence[Hashable]],
    totals: Mapping[str, Mapping[Hashable, float]],
    tolerance: float = 1e-12,
    rounds: int = 1000,
) -> Weighting:
    """Scale the weights to each margin in turn until all hold to `tolerance` (relative).

    Raises:
        InputError: margins that add up to different totals, that have no responses, or that cannot all hold.
    """
    read = {name: _factorise(labels, name) for name, labels in margins.items()}
    size = {name: _totals(labels, totals[name], name) for name, (_, labels) in read.items()}
    _expect_same_sum({name: float(values.sum()) for name, values in size.items()})
    weight, times = weighting.weight, 1.0 if weighting.count is None else weighting.count
    for number in range(1, rounds + 1):
        for name, (codes, labels) in read.items():
            weight = weight * _to_margin(weight * times, codes, labels, size[name])
        misfit = max(_misfit(codes, weight * times, size[name]) for name, (codes, _) in read.items())
        if misfit < tolerance:
            centring = Raked(tuple(codes for codes, _ in read.values()), weight)
            return weighting.then("rake", f"{', '.join(read)}; {number} rounds", weight, centring)
    raise InputError(
        f"the margins are not met after {rounds} rounds (off by {misfit:.2g})",
        f"margins {', '.join(read)}",
        "join categories that few responses fall in, or leave a margin out",
    )


def trim(weighting: Weighting, lower: float = 0.0, upper: float = np.inf) -> Weighting:
    """Bring weights into bounds and spread what was cut evenly over the others, until all are within (strict).

    Raises:
        InputError: the bounds cannot hold the sum of the weights.
    """
    weight = weighting.weight.copy()
    times = np.ones(len(weight)) if weighting.count is None else weighting.count
    count, total = float(times[weight > 0].sum()), float(times @ weight)
    if not lower * count <= total <= upper * count:
        raise InputError(
            f"bounds {lower:g} to {upper:g} cannot hold {total:g} over {count:g} responses",
            "weights",
            "widen the bounds",
        )
    free = (weight > 0) & (times > 0)
    while (outside := free & ((weight < lower) | (weight > upper))).any():
        free &= ~outside
        if not free.any():
            raise InputError("no weight is left to take what was cut", "weights", "widen the bounds")
        excess = (times * (weight - np.clip(weight, lower, upper)))[outside].sum()
        weight[outside] = np.clip(weight[outside], lower, upper)
        weight[free] += excess / times[free].sum()
    return weighting.then("trim", f"{lower:g} to {upper:g}", weight)


@dataclass(frozen=True)
class GroupMeans:
    """Centring of post-stratification: deviations from the group's mean, with the weights before the step."""

    group: Ints
    before: Floats
    after: Floats

    def residual(self, influence: Floats) -> Floats:
        """Return influence − weight · mean of influence/weight in the group."""
        per_weight = influence / np.where(self.after == 0, 1.0, self.after)[:, None]
        count = int(self.group.max()) + 1
        sums = np.zeros((count, influence.shape[1]))
        np.add.at(sums, self.group, per_weight * self.before[:, None])
        mean = sums / np.bincount(self.group, self.before, count)[:, None]
        return influence - mean[self.group] * self.after[:, None]


@dataclass(frozen=True)
class Raked:
    """Centring of raking: residuals of a regression on all margins, by passes over them as R's `survey` does."""

    groups: tuple[Ints, ...]
    weight: Floats
    passes: int = 10

    def residual(self, influence: Floats) -> Floats:
        """Return what is left after taking group means out of each margin in turn."""
        per_weight = influence / np.where(self.weight == 0, 1.0, self.weight)[:, None]
        for _ in range(self.passes):
            for group in self.groups:
                sums = np.zeros((int(group.max()) + 1, influence.shape[1]))
                np.add.at(sums, group, per_weight)
                per_weight = per_weight - (sums / np.bincount(group)[:, None])[group]
        return per_weight * self.weight[:, None]


def _misfit(codes: Ints, sums: Floats, size: Floats) -> float:
    """Return the largest departure from a margin, relative to each total; a total of 0 must be met with nothing."""
    found = np.bincount(codes, sums, len(size))
    return float(np.abs(found - size).max(initial=0.0, where=size == 0)) + float(
        np.abs(found / np.where(size > 0, size, 1.0) - 1).max(initial=0.0, where=size > 0)
    )


def _to_margin(sums: Floats, codes: Ints, labels: list[Hashable], size: Floats) -> Floats:
    """Return the factors that bring the sums of each category to its total."""
    found = np.bincount(codes, sums, len(labels)).astype(float)
    if (empty := (found == 0) & (size > 0)).any():
        label = labels[int(np.argmax(empty))]
        raise InputError("no response has a weight there", f"category {label}", "join it with another category")
    return (size / np.where(found > 0, found, 1.0))[codes]


def _factorise(values: Sequence[Hashable], name: str) -> tuple[Ints, list[Hashable]]:
    listed = list(values)
    if missing := sum(value is None or value != value for value in listed):
        raise InputError(f"{missing} responses have no value", f"margin {name}", "give every one a value")
    labels = sorted(set(listed), key=lambda value: (type(value).__name__, value))
    place = {label: number for number, label in enumerate(labels)}
    return np.fromiter((place[value] for value in listed), np.int64, len(listed)), labels


def _totals(labels: list[Hashable], totals: Mapping[Hashable, float], name: str) -> Floats:
    """Return the known totals in the order of the labels; both must name the same categories."""
    if lacking := sorted(map(str, set(labels) - set(totals))):
        raise InputError(f"there is no total for {', '.join(lacking)}", f"margin {name}", "give one for each category")
    if empty := sorted(str(label) for label in set(totals) - set(labels) if totals[label] != 0):
        raise InputError(
            f"no response falls in {', '.join(empty)}",
            f"margin {name}",
            "join the category with another: nobody can stand for it",
        )
    size = np.array([totals[label] for label in labels], dtype=float)
    if (bad := ~np.isfinite(size) | (size < 0)).any():
        raise InputError(f"the total is {size[bad][0]}", f"margin {name}", "a total is a number from 0 up")
    return size


def _expect_same_sum(sums: Mapping[str, float]) -> None:
    low, high = min(sums, key=sums.__getitem__), max(sums, key=sums.__getitem__)
    if sums[high] - sums[low] > 1e-9 * sums[high]:
        raise InputError(
            f"margins add up to different totals: {low} to {sums[low]:g}, {high} to {sums[high]:g}",
            "margins",
            "bring them to the same population",
        )
