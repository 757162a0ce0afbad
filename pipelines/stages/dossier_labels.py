"""Words for what is counted from dossiers, so that a reader of the counts finds question and answer in `ref` too.

It only words the rules of the method; it must not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.model.dossier import LevelOf, PointRule
from pipelines.model.method import Method

Text = tuple[str, str]
AGAINST_LIMIT: tuple[Text, ...] = (
    ("Sớm hơn hoặc ít hơn quy định", "Earlier or less than the limit"),
    ("Đúng như quy định", "At the limit"),
    ("Muộn hơn hoặc nhiều hơn quy định", "Later or more than the limit"),
)
HAS: tuple[Text, ...] = (("Không", "No"), ("Có", "Yes"))


def dossier_questions(method: Method) -> Iterator[tuple[str, str, str]]:
    """Yield code, Vietnamese and English label of all that is counted from dossiers; nothing for other methods."""
    if method.dossiers is None:
        return
    for rule in method.dossiers.points:
        node = method.nodes[rule.node]
        yield rule.node, node.title_vi, node.title_en
    for rate in method.dossiers.rates:
        for fault in rate.faults:
            yield rate.question(fault), fault.title_vi, fault.title_en


def dossier_choices(method: Method) -> Iterator[tuple[str, int, str, str]]:
    """Yield question, answer code, Vietnamese and English label of every level that is counted."""
    if method.dossiers is None:
        return
    for rule in method.dossiers.points:
        for level in sorted(rule.points):
            yield rule.node, level, *_level(rule, level)
    for rate in method.dossiers.rates:
        for fault in rate.faults:
            for level, (vi, en) in enumerate(HAS):
                yield rate.question(fault), level, vi, en


def _level(rule: PointRule, level: int) -> Text:
    match rule.level_of:
        case LevelOf.COMPARE:
            return AGAINST_LIMIT[level]
        case LevelOf.COUNT if level == max(rule.points):
            return f"{level} trở lên", f"{level} or more"
        case LevelOf.COUNT:
            return str(level), str(level)
    return f"Mức {level}", f"Level {level}"
