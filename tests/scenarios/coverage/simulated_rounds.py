"""Simulated rounds of the demo commune and province with known truth: which of their intervals hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines import estimate
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.rounds import load_round
from pipelines.settings import Settings
from pipelines.simulate import (
    SimulationSpec,
    build_population,
    response_table,
    simulate_answers,
    spec_named,
    true_values,
)
from pipelines.simulate.round_folder import round_files
from pipelines.simulate.sampling import plan_sample
from pipelines.stages.context import Context
from pipelines.stages.scoring import rollups, score_options, stratum_population
from pipelines.stages.tallying import tally_spec

COMMUNE = spec_named("commune").without_faults()
PROVINCE = spec_named("province", communes=5, scale=0.05).without_faults()
KEY = ["unit_code", "node_code", "measure"]


class Estimator:
    """The estimation of a round as the stages do it, for responses that never were in files."""

    def __init__(self, lake: Lake, spec: SimulationSpec) -> None:
        self.method = load_method(spec.programme, spec.method_version)
        for name, content in round_files(spec, self.method, plan_sample(spec, 0)).items():
            lake.write_bytes(f"rounds/{spec.round_id}/{name}", content)
        context, survey = Context(Settings.from_environment(), lake), load_round(lake, spec.round_id)
        self.spec = replace(tally_spec(survey, self.method), breakdowns=())  # the truth is known of whole units
        self.arguments = {
            "population": stratum_population(context, survey),
            "rollups": rollups(context, survey),
            "options": score_options(context, survey),
        }

    def scores(self, responses: pa.Table) -> pa.Table:
        tally = estimate.merge([estimate.tally(responses.to_batches(), self.spec)], self.spec)
        return estimate.index_scores(tally, self.spec, self.method.tree, **self.arguments)


def rounds_held(lake: Lake, spec: SimulationSpec, seeds: range) -> Iterator[pd.DataFrame]:
    """Yield, for each round with a population of its own, a row an interval of a whole unit: does it hold the truth?"""
    estimator = Estimator(lake, spec)
    for seed in seeds:
        population = build_population(spec, estimator.method, seed)
        scores = estimator.scores(response_table(simulate_answers(population, seed))).to_pandas().set_index(KEY)
        truth = true_values(population).to_pandas().set_index(KEY)["value"]
        assert set(truth.index) == set(scores.index)
        truth = truth.reindex(scores.index)
        held = (scores.ci_low <= truth) & (truth <= scores.ci_high)
        yield pd.DataFrame({"level": scores.node_level, "flag": scores.flag, "held": held}).reset_index()


def coverage(rounds: list[pd.DataFrame]) -> pd.DataFrame:
    """Return by kind of unit, level of the tree and measure: intervals, the share that holds the truth, its error.

    The standard error is that between rounds: intervals of one round are about the same people.
    """
    held = pd.concat(rounds, keys=range(len(rounds)), names=["round", None]).reset_index("round")
    key = ["unit", "level", "measure"]
    by_round = held.assign(unit=held.unit_code.str.len().map({2: "province", 5: "commune"})).groupby([*key, "round"])
    rates = by_round.held.mean().groupby(key)
    return pd.DataFrame(
        {
            "intervals": by_round.held.size().groupby(key).sum(),
            "share": rates.mean(),
            "error": rates.std() / np.sqrt(len(rounds)),
        }
    )
