"""Return rates of a round: of what was issued, how much came back, and how much of it is valid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """Rates in percent; None where there is nothing to divide by."""

    returned: float | None
    valid_of_collected: float | None
    valid_of_issued: float | None


def rates(issued: int, collected: int, valid: int) -> Rates:
    """Return collected/issued, valid/collected and valid/issued in percent."""
    return Rates(_percent(collected, issued), _percent(valid, collected), _percent(valid, issued))


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
