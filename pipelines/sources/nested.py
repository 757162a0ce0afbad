"""Records of JSON brought to headings and cells: groups, repeated groups, questions that move between groups.

A question is called by its name without its groups (`g_access/a1` is `a1`), because the groups of a question change
between versions of a form; where a mapping of the round writes the whole path, that is kept. Two answers under one
heading are never one of them. A repeated group makes several answers of one question: without a rule the record is
refused; `options.repeats` gives one a group: `only` (taken where there is one entry, else refused), `first`, `last` or
`ignore`. It must not interpret answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.round import SourceConfig
from pipelines.sources.blocks import MAX_COLUMNS
from pipelines.sources.cells import text_of

MAX_DEPTH = 32
RULES = ("only", "first", "last", "ignore")
Cells = dict[str, str | None]


class Refused(Exception):
    """The record cannot be brought to cells; says why in the terms of a fault."""

    def __init__(self, code: RejectCode, field: str, value: str) -> None:
        """Keep code, field and value."""
        super().__init__(value)
        self.code, self.field, self.value = code, field, value


@dataclass(frozen=True)
class Shape:
    """How the records of one source are brought to cells.

    Args:
        own: patterns of paths that keep their groups: the portal's own fields.
        paths: paths that mappings of the round name whole.
        repeats: repeated group → rule.
    """

    own: tuple[str, ...]
    paths: frozenset[str]
    repeats: Mapping[str, str]

    @classmethod
    def of(cls, config: SourceConfig, own: tuple[str, ...]) -> Shape:
        """Read the options and mappings of a source.

        Raises:
            InputError: `options.repeats` is no table of known rules.
        """
        repeats = config.options.get("repeats", {})
        where = f"round.yml, options.repeats of source {config.source}"
        if not isinstance(repeats, dict) or not all(rule in RULES for rule in repeats.values()):
            raise InputError("the rules of repeated groups cannot be used", where, f"write group: {', '.join(RULES)}")
        named = (name for mapping in config.mappings for name in (*mapping.headings, *mapping.when))
        return cls(own, frozenset(name for name in named if "/" in name), repeats)

    def heading(self, path: str) -> str:
        """Return what a path is called."""
        is_whole = path in self.paths or any(fnmatchcase(path, pattern) for pattern in self.own)
        return path if is_whole else path.rpartition("/")[2]

    def cells(self, record: Mapping[str, Any], made: Collection[str] = ()) -> Cells:
        """Return the cells of a record; `made` are headings that it must not have itself.

        Raises:
            Refused: two answers under one heading, a repeated group without rule, too many columns or levels.
        """
        cells: Cells = {}
        for path, value in self._leaves(record, "", 0):
            heading = self.heading(path)
            if heading in cells or heading in made:
                raise Refused(RejectCode.R107_BROKEN_LINE, heading, f"{path}: 2 × {heading}")
            cells[heading] = text_of(value)
            if len(cells) > MAX_COLUMNS:
                raise Refused(RejectCode.R105_TOO_LARGE, "", f"> {MAX_COLUMNS}")
        return cells

    def entry(self, group: str, entries: list[Any]) -> Any:
        """Return the entry of a repeated group that counts, None where the rule is to ignore it."""
        rule = self.repeats.get(group) or self.repeats.get(group.rpartition("/")[2])
        if rule == "ignore" or not entries:
            return None
        if rule is None or (rule == "only" and len(entries) > 1):
            raise Refused(RejectCode.R110_REPEATED_GROUP, group, f"{len(entries)} ×")
        return entries[-1] if rule == "last" else entries[0]

    def _leaves(self, value: Mapping[str, Any], group: str, depth: int) -> Iterator[tuple[str, Any]]:
        if depth > MAX_DEPTH:
            raise Refused(RejectCode.R105_TOO_LARGE, group, f"> {MAX_DEPTH}")
        for key, inner in value.items():
            path = f"{group}/{key}" if group and not key.startswith(f"{group}/") else key
            if isinstance(inner, list) and any(isinstance(entry, dict) for entry in inner):
                inner = self.entry(path, inner)
                if inner is None:
                    continue
            if isinstance(inner, dict):
                yield from self._leaves(inner, path, depth + 1)
            else:
                yield path, inner
