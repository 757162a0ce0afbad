"""What a view is made from, read from its SQL: the order to create views in, and the inputs the dictionary shows.

It finds the names after FROM and JOIN; a name without a schema (an alias, a common table expression) is none of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from pipelines.model.errors import InputError
from pipelines.model.table import Table

COMMENT = re.compile(r"--[^\n]*")
SOURCE = re.compile(r"\b(?:from|join)\s+([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)", re.IGNORECASE)


def inputs(view: Table) -> tuple[str, ...]:
    """Return the full names that the query of a view reads from, sorted; nothing for a table."""
    return tuple(sorted({name.lower() for name in SOURCE.findall(COMMENT.sub("", view.query))}))


def views_in_order(catalogue: Mapping[str, Table]) -> list[Table]:
    """Return the views so that each comes after the views it reads.

    Raises:
        InputError: a view reads a table that is not declared, or views read each other in a circle.
    """
    graph = {name: inputs(table) for name, table in catalogue.items()}
    for name, sources in graph.items():
        if unknown := [source for source in sources if source not in catalogue]:
            raise InputError(f"reads {', '.join(unknown)}, not declared", _where(name), "declare it under sql/")
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise InputError(f"views read each other in a circle: {circle}", "sql/", "break the circle") from error
    return [catalogue[name] for name in order if catalogue[name].query]


def _where(name: str) -> str:
    return f"sql/{name.replace('.', '/')}/query.sql"
