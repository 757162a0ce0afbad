"""Reads the action plan of a round: who leads each node (`owners.csv`) and what is to be reached (`targets.csv`).

A plan of a province or commune names, for each content of an index, a lead department and a target for the year. An
empty `unit_code` means every unit of the round. It must not compare a target with a result.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.rounds.tables import Shape, load_units, read_table, unit_codes


class Goal(StrEnum):
    """What a target is about."""

    SCORE = "score"  # a score of at least
    RANK = "rank"  # this rank or a better one
    RANK_CHANGE = "rank_change"  # so many places better than in the round before


OWNERS = Shape(
    file="owners.csv",
    columns=("unit_code", "node_code", "owner_vi", "owner_en", "document"),
    filled=("node_code", "owner_vi"),
    key=("unit_code", "node_code"),
)
TARGETS = Shape(
    file="targets.csv",
    columns=("unit_code", "node_code", "goal", "target", "document"),
    filled=("node_code", "goal", "target"),
    key=("unit_code", "node_code", "goal"),
    numbers=("target",),
    options={"goal": tuple(Goal)},
)


def load_owners(lake: Lake, survey: Round, method: Method) -> pa.Table:
    """Return `owners.csv`: unit_code, node_code, owner_vi, owner_en, document, all text; no file: no rows.

    Raises:
        InputError: naming file, line, column and remedy; also for a node that the method does not have.
    """
    return _load(lake, survey, method, OWNERS)


def load_targets(lake: Lake, survey: Round, method: Method) -> pa.Table:
    """Return `targets.csv`: unit_code, node_code, goal, target (float64), document; no file: no rows.

    Raises:
        InputError: naming file, line, column and remedy; also for a node that the method does not have.
    """
    return _load(lake, survey, method, TARGETS)


def _load(lake: Lake, survey: Round, method: Method, shape: Shape) -> pa.Table:
    where = f"{survey.folder}/{shape.file}"
    if not lake.exists(where):
        return shape.schema.empty_table()
    table = read_table(lake, survey, shape, {None, *unit_codes(lake, survey), *_parents(lake, survey)})
    _expect_nodes(table["node_code"].to_pylist(), method, where)
    return table


def _parents(lake: Lake, survey: Round) -> set[str]:
    """Return the units above those of the round, which have a plan too."""
    return {code for code in load_units(lake, survey)["parent_code"].to_pylist() if code}


def _expect_nodes(codes: Collection[str], method: Method, where: str) -> None:
    if unknown := sorted(set(codes) - set(method.nodes)):
        remedy = f"use codes of {method.id}, such as {', '.join(list(method.nodes)[:3])}"
        raise InputError(f"the index has no node {', '.join(unknown)}", f"{where}, column node_code", remedy)
