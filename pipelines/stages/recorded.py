"""The stages of a round whose input is a table of records: dossiers of a one-stop system, or values of indicators.

Both are conformed by a layout, screened for the latest of each key, and scored; nothing is weighed or tallied.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines import estimate, rounds
from pipelines.collect.landing import receipts
from pipelines.collect.latest import KEY, screen_records
from pipelines.collect.records import Check, Columns, RecordPlan, conform_records, no_check
from pipelines.estimate.tree import valid_in
from pipelines.lake import records
from pipelines.methods import load_record_mapping
from pipelines.model.errors import InputError, StateError
from pipelines.model.method import Method, Node
from pipelines.model.record import INDICATOR, RecordLayout, indicator_layout
from pipelines.model.round import Round
from pipelines.sources import source as source_named
from pipelines.stages.context import Context
from pipelines.stages.reports import keep
from pipelines.stages.surveyed import Surveyed

DOSSIERS, INDICATORS = "dossiers", "indicators"


def has_records(method: Method) -> bool:
    """Whether a method starts from a table of records rather than from responses or published scores."""
    return method.input in (DOSSIERS, INDICATORS)


def conform_recorded(
    context: Context, round_: Round, method: Method, batch: dict[str, Any], units: dict[str, str], basis: str
) -> None:
    """Conform landed tables, and screen all records of their source anew."""
    source = str(batch["source"])
    plan = record_plan(context, round_, method, source, units)
    config = context.config(round_, source)
    landed = {one.sha256: one for one in receipts(context.lake, round_.id, source)}
    for sha256 in batch["objects"]:
        work = partial(conform_records, context.lake, plan, source_named(source), config, landed[sha256])
        keep(context, f"{source}~{sha256}", basis, work)
    keep(context, f"{source}~{KEY}", basis, partial(screen_records, context.lake, plan, source))


def recorded_tables(
    context: Context,
    round_: Round,
    method: Method,
    rollups: dict[str, tuple[str, ...]],
    options: estimate.ScoreOptions,
    surveyed: Surveyed,
) -> tuple[pa.Table, pa.Table | None]:
    """Return the score table of a round of records, and the counts of dossiers where there are any.

    `surveyed` are indicators that come from surveys, besides those of the tables.
    """
    if method.dossiers is None:
        table = _indicators(context, round_, method, surveyed)
        return estimate.indicator_scores(table, method.tree, round_.year, options, surveyed.covariances), None
    table = accepted_records(context, round_, method)
    units = rounds.load_units(context.lake, round_).to_pylist()
    evaluated = [unit["unit_code"] for unit in units if unit["level"] == round_.unit_level]
    return estimate.dossier_scores(table, method.tree, method.dossiers, evaluated, method.breakdowns, rollups)


def _indicators(context: Context, round_: Round, method: Method, surveyed: Surveyed) -> pa.Table:
    """Return the indicators of tables and surveys together; a round may have either alone."""
    if surveyed.table.num_rows and not context.lake.glob(records(round_.id, "*")):
        return surveyed.table
    given = accepted_records(context, round_, method).select(surveyed.table.column_names)
    return pa.concat_tables([given.cast(surveyed.table.schema), surveyed.table])


def accepted_records(context: Context, round_: Round, method: Method) -> pa.Table:
    """Return the accepted records of all sources of a round."""
    paths = context.lake.glob(records(round_.id, "*"))
    if not paths:
        raise StateError(
            f"round {round_.id} has no {method.input} yet",
            f"rounds/{round_.id}",
            "collect first, or see `hailong status` for what was rejected",
        )
    return pa.concat_tables(context.lake.read_table(path) for path in paths)


def record_plan(context: Context, round_: Round, method: Method, source: str, units: dict[str, str]) -> RecordPlan:
    """Bring together what conforming and screening need to know of a round."""
    layout, check = record_layout(method, round_.year)
    return RecordPlan(
        round=round_,
        layout=layout,
        mapping=load_record_mapping(method, layout, round_.source(source)),
        units=units,
        members=frozenset(rounds.load_units(context.lake, round_)["unit_code"].to_pylist()),
        check=check,
    )


def record_layout(method: Method, year: int) -> tuple[RecordLayout, Check]:
    """Return the layout of a method's records in a year, and what is checked beyond single cells."""
    if method.dossiers is not None:
        return method.dossiers.layout, no_check
    tree = valid_in(method.tree, year)
    if tree is None:
        raise InputError(f"{method.id} has no indicator in {year}", method.folder, "choose the version of that year")
    leaves = {leaf.code: leaf for leaf in tree.leaves}
    return indicator_layout(frozenset(leaves)), partial(_outside_scales, leaves)


def _outside_scales(leaves: dict[str, Node], columns: Columns) -> list[tuple[str, np.ndarray]]:
    """Return where values lie outside the scale of their indicator, and standard errors below 0."""
    values, errors = (columns[name].to_numpy(zero_copy_only=False).astype(float) for name in ("value", "se"))
    codes = columns[INDICATOR].to_pylist()
    low, high = (
        np.array([getattr(leaves[code], bound) if code else np.nan for code in codes], dtype=float)
        for bound in ("minimum", "maximum")
    )
    return [("value", (values < low) | (values > high)), ("se", errors < 0)]
