"""The stages from a round's tallies to its scores: weigh, estimate, and the gate on the scores.

They read tallies, frame and units of one round and write its result tables; it must not read a response.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import estimate as statistics
from pipelines.estimate.shares import SCHEMA as SHARES
from pipelines.lake import docs, result
from pipelines.model.method import Method
from pipelines.model.round import Round
from pipelines.model.run import Partition, StageReport
from pipelines.quality.gates import Subject, run_gate
from pipelines.quality.suites import read_suite
from pipelines.stages.context import Context
from pipelines.stages.published import has_published_scores, published_table
from pipelines.stages.recorded import has_records, recorded_tables
from pipelines.stages.reports import keep
from pipelines.stages.surveyed import survey_rounds, surveyed_indicators
from pipelines.stages.tallied import SELF_SELECTED
from pipelines.stages.tallied import basis as basis
from pipelines.stages.tallied import merged_tally as merged_tally
from pipelines.stages.tallied import rollups as rollups
from pipelines.stages.tallied import score_options as score_options
from pipelines.stages.tallied import stratum_population as stratum_population
from pipelines.stages.tallying import keep_gate, tally_spec
from pipelines.stages.weighting import keep_weights, weighted_tally

RESPONSES = "responses"
PUBLISHED, REGISTER = "published", "register"


def weigh(context: Context, round_id: str) -> str:
    """Compute the weights of a round, step by step, and which strata nobody answers for; return the round.

    Written to `results/<round>/`: `stratum`, `weight` (by cell), `weight_step`. A round that declares weights of its
    own is tallied once more with them; else the estimate uses those of the strata.
    """
    round_ = context.unsealed(round_id)
    method = context.method(round_)
    if method.input != RESPONSES:
        return round_id
    spec = tally_spec(round_, method)

    def work() -> StageReport:
        merged = merged_tally(context, round_, spec)
        population = stratum_population(context, round_)
        table = statistics.stratum_weights(merged, spec, population)
        path = result(round_id, "stratum")
        context.lake.write_table(path, table)
        paths = [path, *keep_weights(context, round_, spec, merged, population)]
        return StageReport("weigh", Partition(round_id), table.num_rows, table.num_rows, outputs=paths)

    keep(context, round_id, round_.sha256, work)
    return round_id


def estimate(context: Context, round_id: str) -> str:
    """Compute every score and every answer count of a round from its tallies; return the round."""
    round_ = context.unsealed(round_id)

    def work() -> StageReport:
        scores, counts = score_tables(context, round_, is_final=True)
        paths = [result(round_id, "index_score"), result(round_id, "answer_count")]
        for path, table in zip(paths, (scores, counts), strict=True):
            context.lake.write_table(path, table)
        rows = scores.num_rows + counts.num_rows
        return StageReport("estimate", Partition(round_id), rows, rows, outputs=paths)

    keep(context, round_id, round_.sha256, work)
    return round_id


def gate_scores(context: Context, round_id: str) -> str:
    """Check the scores of a round with Great Expectations; return the round.

    Raises:
        GateError: a critical expectation failed, or one could not be evaluated.
    """
    suite = read_suite(context.settings.project / "expectations" / "scores.json")
    outcome = run_gate(
        [Subject(context.lake.read_table(result(round_id, "index_score")), suite)],
        context.lake.full(docs(f"{round_id}~scores")) if context.lake.is_local else None,
        f"scores {round_id}",
    )
    keep_gate(context, Partition(round_id), "scores", outcome)
    outcome.raise_if_stopped()
    return round_id


def score_tables(context: Context, round_: Round, is_final: bool = False) -> tuple[pa.Table, pa.Table]:
    """Return the tables index_score and answer_count of a round from what is tallied so far.

    Only final scores are under the round's own weights: those are made when it is closed.
    """
    method = context.method(round_)
    if has_published_scores(method):
        scores = labelled(published_table(context, round_, method), round_, method, PUBLISHED)
        return scores, labelled(SHARES.empty_table(), round_, method)
    if has_records(method):
        above, options = rollups(context, round_), score_options(context, round_)
        kinds = {basis(one) for one in (round_, *survey_rounds(context, round_, method))}
        options = replace(options, probability_sample=SELF_SELECTED not in kinds)
        surveyed = surveyed_indicators(context, round_, method)
        found, counts = recorded_tables(context, round_, method, above, options, surveyed)
        rests_on = max(kinds) if counts is None else REGISTER  # one self-selected survey makes the whole so
        shares = SHARES.empty_table() if counts is None else counts
        return labelled(found, round_, method, rests_on), labelled(shares, round_, method)
    spec = tally_spec(round_, method)
    merged, population = merged_tally(context, round_, spec), stratum_population(context, round_)
    if is_final and (own := weighted_tally(context, round_, spec)):
        merged, spec = own
    arguments: dict[str, Any] = {
        "population": population,
        "rollups": rollups(context, round_),
        "options": score_options(context, round_),
    }
    scores = statistics.index_scores(merged, spec, method.tree, **arguments)
    shares = statistics.option_shares(merged, spec, **arguments)
    return labelled(scores, round_, method, basis(round_)), labelled(shares, round_, method)


def labelled(table: pa.Table, round_: Round, method: Method, rests_on: str = "") -> pa.Table:
    """Return the table with round, programme and method version, and what the intervals rest on where given."""
    constants = {"round_id": round_.id, "programme": round_.programme}
    if rests_on:
        constants |= {"method_version": method.version, "basis": rests_on}
    for name, value in constants.items():
        table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    return table


def strata_without_answers(context: Context, round_id: str) -> pa.Table:
    """Return the strata of the frame that nobody answered for; none where the round has no strata."""
    if not context.lake.exists(result(round_id, "stratum")):
        return pa.table({})
    table = context.lake.read_table(result(round_id, "stratum"))
    return table.filter(pc.equal(table["responses"], 0))
