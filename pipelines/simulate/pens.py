"""Draws what people do with a pen on a printed page: fill, tick, cross, pale pencil, stray dots, crossed-out mistakes.

A page is grey pixels, 8 a millimetre; places are in millimetres. It must not know templates: it is given centres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Points = Sequence[tuple[float, float]]
SCALE = 8
SHIFT = 4  # sub-pixel bits of OpenCV's drawing
DARK, PENCIL = (20, 70), (120, 145)  # grey levels
STYLES = {"fill": 0.55, "scribble": 0.15, "pencil": 0.12, "tick": 0.10, "cross": 0.08}  # how often


def draw_mark(page: Gray, x: float, y: float, radius: float, style: str, rng: Generator) -> None:
    """Draw one mark of a style (see `STYLES`) at a bubble's centre, on the page itself."""
    x, y = x + rng.normal(0, 0.15), y + rng.normal(0, 0.15)
    _PENS[style](page, x, y, radius, rng)


def draw_dot(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    """Draw a stray dot in a bubble: a pen that was put down."""
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.6) * radius
    _stroke(page, [(x + far * np.cos(angle), y + far * np.sin(angle))] * 2, rng.uniform(0.4, 0.9), _level(DARK, rng))


def draw_circle(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    """Draw a circle around a bubble, as people do who do not fill."""
    turns = np.linspace(0, 2 * np.pi * rng.uniform(0.95, 1.1), 40)
    wide, high = radius * rng.uniform(1.2, 1.5), radius * rng.uniform(1.2, 1.5)
    _stroke(page, list(zip(x + wide * np.cos(turns), y + high * np.sin(turns), strict=True)), 0.5, _level(DARK, rng))


def draw_words(page: Gray, left: float, top: float, width: float, rng: Generator) -> None:
    """Draw a line of something like handwriting."""
    across = np.linspace(left, left + width * rng.uniform(0.3, 0.9), 240)
    heights = top + 3 + np.cumsum(rng.normal(0, 0.5, across.size)).clip(-2, 2)
    _stroke(page, list(zip(across, heights, strict=True)), 0.5, _level(DARK, rng))


def _fill(page: Gray, x: float, y: float, radius: float, rng: Generator, level: int | None = None) -> None:
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radii = radius * rng.uniform(0.75, 1.05, turns.size)
    edge = np.stack([x + radii * np.cos(turns), y + radii * np.sin(turns)], axis=1)
    shade = _level(DARK, rng) if level is None else level
    cv2.fillPoly(page, [_fixed(edge)], shade, cv2.LINE_AA, SHIFT)


def _pencil(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    _fill(page, x, y, radius, rng, _level(PENCIL, rng))


def _scribble(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    across = np.linspace(-0.8, 0.8, int(rng.integers(8, 13)))
    heights = np.where(np.arange(across.size) % 2, 0.75, -0.75) + rng.normal(0, 0.1, across.size)
    points = list(zip(x + radius * across, y + radius * heights, strict=True))
    _stroke(page, points, rng.uniform(0.35, 0.6), _level(DARK, rng))


def _tick(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    size = radius * rng.uniform(0.8, 1.25)
    points = [(x - size, y - 0.1 * size), (x - 0.2 * size, y + 0.8 * size), (x + size, y - size)]
    _stroke(page, points, rng.uniform(0.4, 0.7), _level(DARK, rng))


def _cross(page: Gray, x: float, y: float, radius: float, rng: Generator) -> None:
    size, width, level = radius * rng.uniform(0.7, 1.1), rng.uniform(0.4, 0.7), _level(DARK, rng)
    _stroke(page, [(x - size, y - size), (x + size, y + size)], width, level)
    _stroke(page, [(x - size, y + size), (x + size, y - size)], width, level)


def _stroke(page: Gray, points: Points, width: float, level: int) -> None:
    cv2.polylines(page, [_fixed(np.array(points))], False, level, max(round(width * SCALE), 1), cv2.LINE_AA, SHIFT)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round((points * SCALE - 0.5) * (1 << SHIFT)).astype(np.int32)


def _level(bounds: tuple[int, int], rng: Generator) -> int:
    return int(rng.integers(*bounds))


_PENS: dict[str, Callable[[Gray, float, float, float, Generator], None]] = {
    "fill": _fill,
    "scribble": _scribble,
    "pencil": _pencil,
    "tick": _tick,
    "cross": _cross,
}
