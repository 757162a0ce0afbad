"""The scores of a publication as people ask for them: the headline, the tree below it, the units in their order.

Reads the table `index_score` only; no number is computed here. The page and the workbook are laid out from this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from pipelines.formats.labels import Text
from pipelines.formats.tables import public_rows
from pipelines.model.method import Level, Measure, Node
from pipelines.model.publication import Publication

TABLE = "index_score"


@dataclass(frozen=True)
class Score:
    """One published score with its evidence; None where a figure is withheld, unknown or not part of the table."""

    measure: str = ""
    unit_code: str = ""
    breakdown: str = ""
    category: str = ""
    node_code: str = ""
    node_level: str = ""
    score: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float | None = None
    n: int | None = None
    flag: str = ""
    flag_reason: str = ""
    basis: str = ""
    rank: int | None = None
    rank_of: int | None = None
    group_no: int | None = None
    obs_status: str = "A"

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Score:
        """Take the known columns of a row; nulls become the defaults."""
        return cls(**{f.name: row[f.name] for f in fields(cls) if row.get(f.name) is not None})


@dataclass(frozen=True)
class Results:
    """The scores of one publication by one measure."""

    publication: Publication
    measure: str
    scores: tuple[Score, ...]

    @cached_property
    def root(self) -> Node:
        """The node at the top of the index tree."""
        return self.publication.method.tree

    @cached_property
    def headline(self) -> Score | None:
        """The score that stands for the round."""
        return next((s for s in self._overall if s.unit_code == self.publication.overall_unit), None)

    @cached_property
    def units(self) -> tuple[Score, ...]:
        """The overall score of each other unit, best rank first, then those without a rank by code."""
        others = (s for s in self._overall if s is not self.headline)
        return tuple(sorted(others, key=lambda s: (s.rank is None, s.rank or 0, s.unit_code)))

    def below(self, unit_code: str, *levels: Level) -> list[tuple[Node, Score]]:
        """Return nodes of the given levels with a unit's scores, in the order of the tree."""
        found = {s.node_code: s for s in self._whole_units if s.unit_code == unit_code}
        nodes = (node for node in self.root.walk() if node.level in levels)
        return [(node, found[node.code]) for node in nodes if node.code in found]

    def categories(self, unit_code: str) -> dict[str, list[Score]]:
        """Return the overall score of each category of each breakdown of a unit."""
        result: dict[str, list[Score]] = {}
        for score in self.scores:
            if score.unit_code == unit_code and score.breakdown and score.node_code == self.root.code:
                result.setdefault(score.breakdown, []).append(score)
        return {name: sorted(found, key=lambda s: s.category) for name, found in sorted(result.items())}

    @cached_property
    def _whole_units(self) -> tuple[Score, ...]:
        return tuple(score for score in self.scores if not score.breakdown)

    @cached_property
    def _overall(self) -> tuple[Score, ...]:
        return tuple(score for score in self._whole_units if score.node_code == self.root.code)

    def unit_name(self, unit_code: str) -> Text:
        """Return a unit's name in Vietnamese and English; the code where it has none."""
        return self.publication.unit_names.get(unit_code, (unit_code, unit_code))


def measures_shown(publication: Publication) -> list[Measure]:
    """Return the method's measures that have scores, the default one first."""
    present = set(publication.tables[TABLE].rows["measure"].to_pylist())
    found = [measure for measure in publication.method.measures if measure.name in present]
    return sorted(found, key=lambda measure: not measure.is_default)


def results_of(publication: Publication, measure: str) -> Results:
    """Return the scores by the named measure."""
    rows = public_rows(publication.tables[TABLE]).to_pylist()
    return Results(publication, measure, tuple(Score.of(row) for row in rows if row["measure"] == measure))
