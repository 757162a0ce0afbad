"""Intervals as small inline SVG pictures on one shared axis; positions in percent, so that they fit any width.

The pictures repeat what stands as text beside them: they are hidden from screen readers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from pipelines.formats.results import Score

STEPS = (1, 2, 5, 10, 20, 25, 50, 100)
MOST_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """A stretch of the scale of scores, with whole numbers to mark."""

    low: float
    high: float
    ticks: tuple[int, ...]

    def position(self, value: float) -> str:
        """Return where a value lies, in percent of the width, cut at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def axis_for(scores: Iterable[Score]) -> Axis:
    """Return an axis that holds every score and interval, from one round number to another."""
    values = [value for s in scores for value in (s.score, s.ci_low, s.ci_high) if value is not None] or [0.0, 100.0]
    lowest, highest = min(values), max(values)
    step = next((step for step in STEPS if _reach(lowest, highest, step) <= MOST_TICKS), STEPS[-1])
    first = math.floor(lowest / step)
    ticks = tuple(step * i for i in range(first, max(math.ceil(highest / step), first + 1) + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _reach(lowest: float, highest: float, step: int) -> int:
    return math.ceil(highest / step) - math.floor(lowest / step)


def whisker(score: Score, axis: Axis) -> Markup:
    """Return the interval as a line and the score as a dot; an empty picture where there is none."""
    parts = [_line(axis.position(tick), axis.position(tick), "0", "100%", "grid") for tick in axis.ticks]
    if score.ci_low is not None and score.ci_high is not None:
        parts.append(_line(axis.position(score.ci_low), axis.position(score.ci_high), "50%", "50%", "interval"))
    if score.score is not None:
        parts.append(f'<circle class="dot {score.flag}" cx="{axis.position(score.score)}" cy="50%" r="5"/>')
    return _picture("whisker", "".join(parts))


def scale(axis: Axis) -> Markup:
    """Return the numbers of the axis as a picture, to stand above the whiskers."""
    ends = {axis.ticks[0]: "start", axis.ticks[-1]: "end"}
    return _picture(
        "scale",
        "".join(
            f'<text x="{axis.position(tick)}" y="80%" text-anchor="{ends.get(tick, "middle")}">{tick}</text>'
            for tick in axis.ticks
        ),
    )


def _line(x1: str, x2: str, y1: str, y2: str, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>'


def _picture(kind: str, content: str) -> Markup:
    return Markup(f'<svg class="{kind}" aria-hidden="true" focusable="false">{content}</svg>')
