"""Reads which indicators of a round are scores of a survey: `indicators.csv` of the round's folder.

It must not look at the survey.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.rounds.tables import Shape, read_table

INDICATORS = Shape(
    file="indicators.csv",
    columns=("indicator", "round_id", "measure", "node_code"),
    filled=("indicator", "round_id", "measure", "node_code"),
    key=("indicator",),
)


def load_indicator_sources(lake: Lake, survey: Round, method: Method) -> pa.Table:
    """Return `indicators.csv`: indicator, round_id, measure, node_code, all text; no file: no rows.

    Raises:
        InputError: naming file, line, column and remedy; also for an indicator that the method does not have.
    """
    where = f"{survey.folder}/{INDICATORS.file}"
    if not lake.exists(where):
        return INDICATORS.schema.empty_table()
    table = read_table(lake, survey, INDICATORS)
    if unknown := sorted(set(table["indicator"].to_pylist()) - set(method.items)):
        remedy = f"use leaves of {method.id}, such as {', '.join(method.items[:3])}"
        raise InputError(f"the index has no indicator {', '.join(unknown)}", f"{where}, column indicator", remedy)
    return table
