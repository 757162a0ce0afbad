"""What the column `group_no` means for a reader: quartile groups of units, or the classes that a method gives totals.

It only words what the method says; no score is put into a group here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.formats.labels import RULE_STATUS, Text
from pipelines.formats.numbers import NOTHING, show
from pipelines.model.publication import Publication

CLASSES = "classes"  # the rule that names the classes of a total


@dataclass(frozen=True)
class Grouping:
    """Heading and meaning of the groups, and the names that the method gives to some of them."""

    heading: Text
    meaning: Text
    names: Mapping[int, str] = field(default_factory=dict)

    def show(self, number: int | None) -> str:
        """Return a group as text: its name where it has one."""
        return NOTHING if number is None else self.names.get(number, str(number))


QUARTILES = Grouping(
    ("Nhóm", "Group"),
    (
        "Bốn nhóm theo tứ phân vị của điểm: 1 là nhóm cao nhất, 4 là nhóm thấp nhất.",
        "Four groups by the quartiles of the score: 1 is the highest, 4 the lowest.",
    ),
)


def grouping_of(publication: Publication) -> Grouping:
    """Return how the units of a publication are grouped: by the classes of its method, else by quartiles."""
    rules = publication.method.dossiers
    if rules is None or rules.classes is None:
        return QUARTILES
    rule = publication.method.rules.get(CLASSES)
    names = {int(number): str(name) for number, name in rule.value.items()} if rule else {}
    bounds = [show(bound, "vi", 0) for bound in rules.classes.bounds]
    told = "; ".join(f"{names.get(at, at)} ≥ {bound}" for at, bound in enumerate(bounds, start=1))
    vi, en = RULE_STATUS[rule.status.value] if rule else RULE_STATUS["local"]
    meaning = (f"Theo tổng điểm: {told} (quy tắc này: {vi}).", f"By the total: {told} (this rule: {en}).")
    return Grouping(("Xếp loại", "Class"), meaning, names)
