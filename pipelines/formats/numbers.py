"""The one place where a number becomes text for a reader: rounding half-up, Vietnamese or English separators.

Rounding acts on the shortest decimal form of the unrounded value, as a reader with a pencil would: 2.675 → 2.68. What
is computed on, stored or hashed is never rounded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Language = Literal["vi", "en"]
NOTHING = "–"  # stands where there is no number to show
MINUS = "−"
_SEPARATORS: dict[Language, tuple[str, str]] = {"vi": (".", ","), "en": (",", ".")}


def round_half_up(value: float, places: int = 2) -> Decimal:
    """Return the value with `places` decimals; a half goes away from zero, and there is no minus zero."""
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def show(value: float | None, language: Language, places: int = 2) -> str:
    """Return the number as text, `–` for None: `1.234,50` in Vietnamese, `1,234.50` in English."""
    if value is None:
        return NOTHING
    thousands, point = _SEPARATORS[language]
    rounded = round_half_up(value, places)
    whole, _, fraction = f"{abs(rounded):,f}".partition(".")
    text = whole.replace(",", thousands) + (point + fraction if fraction else "")
    return MINUS + text if rounded < 0 else text


def show_count(value: int | None, language: Language) -> str:
    """Return a whole number as text, `–` for None."""
    return show(value, language, places=0)


def show_interval(low: float | None, high: float | None, language: Language, places: int = 2) -> str:
    """Return both ends of an interval, `81,02 – 84,55`; `–` where it is unknown."""
    if low is None or high is None:
        return NOTHING
    return f"{show(low, language, places)} – {show(high, language, places)}"
