"""A versioned methodology as data: measures, index tree, rules with their legal basis and how sure each is.

Read from `method.yml` by `pipelines.methods`; this module must not compute scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pipelines.model.dossier import DossierRules
from pipelines.model.form_crosswalk import FormCrosswalk
from pipelines.model.instrument import Instrument
from pipelines.model.instrument import Status as Status

DECIMALS = 2


class Combination(StrEnum):
    """How a node follows from what is below it."""

    POOLED = "pooled"  # mean of all items below, each with equal weight
    MEAN = "mean"  # weighted mean of the children
    SUM = "sum"  # weighted sum of the children
    SCALED = "scaled"  # children brought from their own scales to that of the node, by weights that add up to 1


class Level(StrEnum):
    """Level of a node in the index tree, from the leaves up."""

    ITEM = "item"
    FACTOR = "factor"
    DOMAIN = "domain"
    INDEX = "index"


@dataclass(frozen=True)
class Rule:
    """One labelled rule of the method: its value, how sure it is and where it comes from."""

    name: str
    value: Any
    status: Status
    source: str = ""


@dataclass(frozen=True)
class Measure:
    """How one answer becomes an item score, as a table code → points (`top2`: 4 and 5 → 100, else 0).

    Codes that are not listed are no valid answer. `unit` is `percent` or `points`.
    """

    name: str
    points: dict[int, float]
    unit: str
    is_default: bool
    title_vi: str
    title_en: str
    status: Status


@dataclass(frozen=True)
class Node:
    """A node of the index tree. Leaves are items of the instrument, or scores given from outside (PAPI).

    `weight` counts in its parent's combination. `minimum` and `maximum` bound a published score or an indicator where
    the method has such a scale. `year_from`/`year_to` say for which years the node has this meaning (None: always).
    """

    code: str
    level: Level
    title_vi: str
    title_en: str
    combination: Combination | None = None
    children: tuple[Node, ...] = ()
    weight: float = 1.0
    minimum: float | None = None
    maximum: float | None = None
    year_from: int | None = None
    year_to: int | None = None

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, parents before children."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def leaves(self) -> tuple[Node, ...]:
        """The leaves below this node, in order; a leaf's only leaf is itself."""
        return tuple(node for node in self.walk() if not node.children)

    def valid_in(self, year: int) -> bool:
        """Whether the node has this meaning in the given year."""
        return (self.year_from is None or self.year_from <= year) and (self.year_to is None or year <= self.year_to)


@dataclass(frozen=True)
class Method:
    """A versioned methodology of a programme.

    `input` is `responses` (a survey), `scores` (published scores of the leaves), `dossiers` (of a one-stop system) or
    `indicators` (values of the leaves with standard errors). `sha256` covers every file of the method's folder, so that
    a score's method is pinned to the byte.
    """

    programme: str
    version: str
    regime: str
    input: str
    title_vi: str
    title_en: str
    tree: Node
    measures: tuple[Measure, ...]
    instruments: tuple[Instrument, ...]
    rules: dict[str, Rule]
    sha256: str
    legal_basis: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    folder: str = ""
    dossiers: DossierRules | None = None
    crosswalks: tuple[FormCrosswalk, ...] = ()

    @property
    def id(self) -> str:
        """Programme and version, e.g. `tthc/2017`."""
        return f"{self.programme}/{self.version}"

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Codes of the leaves of the tree, in order: the columns that are tallied for the index."""
        return tuple(leaf.code for leaf in self.tree.leaves)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """All nodes by code, parents before children."""
        return {node.code: node for node in self.tree.walk()}

    @property
    def decimals(self) -> int:
        """How many decimals a score is printed with, by the rule `rounding`; 2 where the method does not say."""
        return int(self.rules["rounding"].value["decimals"]) if "rounding" in self.rules else DECIMALS

    def rule(self, name: str) -> Any:
        """Return the value of a rule; a KeyError names a rule the method does not have."""
        return self.rules[name].value

    def instrument(self, instrument_id: str) -> Instrument:
        """Return an instrument of the method by id; a KeyError names one it does not have."""
        for instrument in self.instruments:
            if instrument.id == instrument_id:
                return instrument
        raise KeyError(instrument_id)
