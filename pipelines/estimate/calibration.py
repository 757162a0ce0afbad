"""Calibration of weights to known totals of any variables, with bounds: Deville & Särndal (1992), R's `calibrate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.estimate.spec import Floats
from pipelines.estimate.weights import Weighting
from pipelines.model.errors import InputError

Factor = Callable[[Floats, float, float], tuple[Floats, Floats]]


def calibrate(
    weighting: Weighting,
    auxiliary: Floats,
    totals: Sequence[float],
    distance: str = "linear",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    tolerance: float = 1e-12,
    rounds: int = 200,
) -> Weighting:
    """Scale weights as little as possible so that the weighted sums of the auxiliary variables are the known totals.

    Args:
        weighting: the weights so far.
        auxiliary: responses × variables, a column of ones among them where the size of the population is known.
        totals: known total of each variable.
        distance: `linear` (with finite bounds: truncated), `raking` (factors stay positive) or `logit` (needs bounds).
        bounds: smallest and largest factor.
        tolerance: largest difference from a total, relative to 1 + the total.
        rounds: steps of Newton's method.

    Raises:
        InputError: a missing auxiliary value, or totals that cannot be met within the bounds.
    """
    known = np.asarray(totals, dtype=float)
    _expect_usable(auxiliary, known, distance, bounds)
    base = weighting.weight
    eta = np.zeros(len(known))
    factor, slope = FACTORS[distance](auxiliary @ eta, *bounds)
    for number in range(1, rounds + 1):
        misfit = known - (base * factor) @ auxiliary
        if (np.abs(misfit) <= tolerance * (1 + np.abs(known))).all():
            centring = Regression.on(auxiliary, base, factor)
            detail = f"{distance}, {len(known)} totals, {number - 1} steps"
            return weighting.then("calibrate", detail, base * factor, centring)
        hessian = (auxiliary * (base * slope)[:, None]).T @ auxiliary
        step = np.linalg.pinv(hessian, rcond=1e-13, hermitian=True) @ misfit
        eta, factor, slope = _damped(eta, step, auxiliary, distance, bounds)
    worst = int(np.argmax(np.abs(misfit) / (1 + np.abs(known))))
    raise InputError(
        f"the total {known[worst]:g} is not met after {rounds} steps (off by {misfit[worst]:.3g})",
        f"auxiliary variable {worst + 1}",
        "widen the bounds, or leave variables out",
    )


def _damped(
    eta: Floats, step: Floats, auxiliary: Floats, distance: str, bounds: tuple[float, float]
) -> tuple[Floats, Floats, Floats]:
    """Take a step, halved until all factors are finite."""
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            factor, slope = FACTORS[distance](auxiliary @ (eta + step), *bounds)
        if np.isfinite(factor).all() and np.isfinite(slope).all():
            return eta + step, factor, slope
        step = step / 2


def _linear(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    inside = (1 + u >= low) & (1 + u <= high)
    return np.clip(1 + u, low, high), inside.astype(float)


def _raking(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    inside = (np.exp(u) >= low) & (np.exp(u) <= high)
    return np.clip(np.exp(u), low, high), np.exp(u) * inside


def _logit(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    speed = (high - low) / ((1 - low) * (high - 1))
    e = np.exp(speed * u)
    below = high - 1 + (1 - low) * e
    factor = (low * (high - 1) + high * (1 - low) * e) / below
    return factor, e * ((high - low) / below) ** 2


FACTORS: dict[str, Factor] = {"linear": _linear, "raking": _raking, "logit": _logit}


@dataclass(frozen=True)
class Regression:
    """Centring of calibration: residuals of the weighted regression on the auxiliary variables."""

    basis: Floats
    scale: Floats

    @classmethod
    def on(cls, auxiliary: Floats, base: Floats, factor: Floats) -> Regression:
        """Take the orthonormal basis of the auxiliary variables in the metric of the weights."""
        root = np.sqrt(base)
        vectors, values, _ = np.linalg.svd(auxiliary * root[:, None], full_matrices=False)
        return cls(vectors[:, values > 1e-10 * values[0]], root * factor)

    def residual(self, influence: Floats) -> Floats:
        """Return influence less its projection."""
        scaled = influence / np.where(self.scale == 0, 1.0, self.scale)[:, None]
        return (scaled - self.basis @ (self.basis.T @ scaled)) * self.scale[:, None]


def _expect_usable(auxiliary: Floats, totals: Floats, distance: str, bounds: tuple[float, float]) -> None:
    if auxiliary.shape[1] != len(totals):
        raise InputError(
            f"{auxiliary.shape[1]} auxiliary variables, {len(totals)} totals", "calibration", "give a total for each"
        )
    if not np.isfinite(auxiliary).all():
        row, column = np.argwhere(~np.isfinite(auxiliary))[0]
        raise InputError(
            "the value is missing", f"row {row}, auxiliary variable {column + 1}", "fill it in, or leave it out"
        )
    if not bounds[0] < 1 < bounds[1] or (distance == "logit" and not np.isfinite(bounds).all()):
        raise InputError(f"bounds {bounds[0]:g} to {bounds[1]:g}", "calibration", "bounds lie on both sides of 1")
