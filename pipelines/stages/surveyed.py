"""Indicators of a governance index that are scores of a survey: taken from its tallies, with their covariances.

`indicators.csv` of the round says which score of which round an indicator is. It must not combine them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines import estimate as statistics
from pipelines import geography, rounds
from pipelines.estimate.tree import valid_in
from pipelines.model.errors import InputError
from pipelines.model.method import Measure, Method, Node
from pipelines.model.round import Round
from pipelines.model.unit import UNIT_LEVELS
from pipelines.rounds.indicator_sources import INDICATORS, load_indicator_sources
from pipelines.stages.context import Context
from pipelines.stages.tallied import merged_tally, rollups, score_options, stratum_population
from pipelines.stages.tallying import tally_spec
from pipelines.stages.weighting import weighted_tally

RESPONSES, PERCENT, FROM_INDICATORS = "responses", "percent", "indicators"
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("unit_code", "indicator")),
        *((name, pa.float64()) for name in ("value", "se")),
        *((name, pa.int64()) for name in ("n", "df")),
    ]
)


@dataclass(frozen=True)
class Surveyed:
    """Indicators that are scores of surveys.

    Args:
        table: in the columns of an indicator table.
        covariances: unit → covariance of all indicators of the year, in the order of the tree; NaN where not known.
    """

    table: pa.Table
    covariances: dict[str, np.ndarray]


def survey_rounds(context: Context, round_: Round, method: Method) -> list[Round]:
    """Return the rounds that indicators of a round are scores of."""
    if method.input != FROM_INDICATORS:
        return []
    names = load_indicator_sources(context.lake, round_, method)["round_id"].to_pylist()
    return [context.round(name) for name in sorted(set(names))]


def surveyed_indicators(context: Context, round_: Round, method: Method) -> Surveyed:
    """Return the indicators of a round that are scores of surveys, brought to their own scales.

    A score in percent becomes minimum + (maximum − minimum) · score / 100 of the indicator. Surveys are independent
    samples, so that only indicators of one survey go together. Units are those that the round evaluates.

    Raises:
        InputError: a round is no survey, a measure or node is not there or no percentage, two measures of one survey,
            or its units are not those of this round.
        StateError: a survey has no tallies yet.
    """
    tree = valid_in(method.tree, round_.year)
    if method.input != FROM_INDICATORS or tree is None:
        return Surveyed(SCHEMA.empty_table(), {})
    sources = load_indicator_sources(context.lake, round_, method).to_pylist()
    leaves = {leaf.code: place for place, leaf in enumerate(tree.leaves)}
    covariances: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    for survey in survey_rounds(context, round_, method):
        own = [source for source in sources if source["round_id"] == survey.id and source["indicator"] in leaves]
        found, matrices = _scores(context, round_, survey, own, tree)
        rows += found
        place = [leaves[source["indicator"]] for source in own]
        for unit, matrix in matrices.items():
            whole = covariances.setdefault(unit, np.full((len(leaves), len(leaves)), np.nan))
            whole[np.ix_(place, place)] = matrix
    _between_surveys(covariances, sources, leaves)
    return Surveyed(pa.Table.from_pylist(rows, SCHEMA), covariances)


def _scores(
    context: Context, round_: Round, survey: Round, sources: list[dict[str, Any]], tree: Node
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Return the rows and, by unit, the covariances of the indicators that are scores of one survey."""
    method = context.method(survey)
    measure = _measure(round_, survey, method, sources)
    spec = tally_spec(survey, method)
    tally, population = merged_tally(context, survey, spec), stratum_population(context, survey)
    if own := weighted_tally(context, survey, spec):
        tally, spec = own
    above, options = rollups(context, survey), score_options(context, survey)
    scores = statistics.index_scores(tally, spec, method.tree, population, above, options).to_pylist()
    nodes = [source["node_code"] for source in sources]
    found = {
        (row["unit_code"], row["node_code"]): row
        for row in scores
        if row["measure"] == measure.name and not row["breakdown"] and row["se"] is not None
    }
    evaluated = set(rounds.load_units(context.lake, round_)["unit_code"].to_pylist())
    _expect_same_units(context, round_, survey, evaluated)
    spans = _spans(sources, tree)
    rows = [
        {"unit_code": unit, "indicator": source["indicator"], "value": low + span * row["score"]}
        | {"se": span * row["se"], "n": row["n"], "df": row["df"]}
        for source, (low, span) in zip(sources, spans, strict=True)
        for (unit, node), row in found.items()
        if node == source["node_code"] and unit in evaluated
    ]
    scale = np.array([span for _, span in spans])
    matrices = statistics.node_covariances(tally, spec, method.tree, measure.name, nodes, population, above, options)
    return rows, {unit: matrix * np.outer(scale, scale) for unit, matrix in matrices.items() if unit in evaluated}


def _spans(sources: list[dict[str, Any]], tree: Node) -> list[tuple[float, float]]:
    """Return the least value of each indicator, and by how much it moves where the score moves by one."""
    leaves = {leaf.code: leaf for leaf in tree.leaves}
    bounds = [(leaves[source["indicator"]].minimum or 0.0, leaves[source["indicator"]].maximum) for source in sources]
    return [(low, ((100.0 if high is None else high) - low) / 100) for low, high in bounds]


def _measure(round_: Round, survey: Round, method: Method, sources: list[dict[str, Any]]) -> Measure:
    """Return the one measure of the scores that are taken from a survey."""
    where = f"{round_.folder}/{INDICATORS.file}, round_id {survey.id}"
    if method.input != RESPONSES:
        raise InputError(f"{survey.id} is no survey", where, "name a round whose method rests on responses")
    if strange := sorted({source["node_code"] for source in sources} - set(method.nodes)):
        raise InputError(f"{method.id} has no node {strange[0]!r}", where, f"use codes of {method.id}")
    names = sorted({source["measure"] for source in sources})
    known = {measure.name: measure for measure in method.measures if measure.unit == PERCENT}
    if len(names) > 1 or names[0] not in known:
        remedy = f"use one of {', '.join(known)}, the same for all indicators of a survey"
        raise InputError(f"measure {', '.join(names)}", where, remedy)
    return known[names[0]]


def _expect_same_units(context: Context, round_: Round, survey: Round, evaluated: set[str]) -> None:
    """A code may name another unit after a reform, and a score of one is no indicator of the other."""
    units = rounds.load_units(context.lake, survey).to_pylist()
    own = {row["unit_code"] for row in units if row["level"] == survey.unit_level}
    if survey.unit_level != round_.unit_level or not own & evaluated:
        remedy = "name a survey of the same units"
        raise InputError(f"{survey.id} did not evaluate the units of {round_.id}", survey.folder, remedy)
    first, last = sorted((survey.window_to, round_.window_to))
    if survey.unit_level not in UNIT_LEVELS or first == last:
        return
    for code in sorted(own & evaluated):
        after = geography.successors(code, survey.unit_level, first, last)
        before = geography.predecessors(code, survey.unit_level, first, last)
        if [one.code for one in after] != [code] or [one.code for one in before] != [code]:
            remedy = "name a survey from after the change of units"
            raise InputError(f"{code} is another unit in {survey.id} than in {round_.id}", survey.folder, remedy)


def _between_surveys(covariances: dict[str, np.ndarray], sources: list[dict[str, Any]], leaves: dict[str, int]) -> None:
    """Set the covariances between indicators of different surveys, which are independent samples, to 0."""
    surveys = {leaves[one["indicator"]]: one["round_id"] for one in sources if one["indicator"] in leaves}
    pairs = [(a, b) for a in surveys for b in surveys if surveys[a] != surveys[b]]
    for matrix in covariances.values():
        for a, b in pairs:
            matrix[a, b] = 0.0
