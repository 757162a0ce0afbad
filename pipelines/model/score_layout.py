"""How a table of published scores is laid out: one row a unit and year, one column a leaf of the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.model.method import Node


@dataclass(frozen=True)
class ScoreLayout:
    """Which heading is what.

    Args:
        unit: heading of the unit's code as the publisher writes it.
        year: heading of the year.
        leaves: heading of a score → number of the leaf (`1.1`); which node that is depends on the year.
        ignore: headings that are not read.
        units: the publisher's code of a unit → our unit code.
    """

    unit: str
    year: str
    leaves: Mapping[str, str]
    ignore: tuple[str, ...]
    units: Mapping[str, str]

    def nodes(self, tree: Node, year: int) -> dict[str, str]:
        """Return heading → code of the leaf that bears its number in a year; a heading without one is left out."""
        by_number = {leaf.code.partition("@")[0]: leaf.code for leaf in tree.leaves if leaf.valid_in(year)}
        return {heading: by_number[number] for heading, number in self.leaves.items() if number in by_number}
