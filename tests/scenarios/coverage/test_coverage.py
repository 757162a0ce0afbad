"""The published intervals hold the truth at the rate that they promise, over many simulated rounds.

`HAILONG_COVERAGE_ROUNDS=200 pytest tests/scenarios/coverage` runs as many rounds as a bench should.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

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
ROUNDS = int(os.environ.get("HAILONG_COVERAGE_ROUNDS", "40"))
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


def rounds_held(lake: Lake, spec: SimulationSpec, seeds: range) -> Iterator[dict[tuple[str, str, str], bool]]:
    """Yield, for each round with a population of its own, whether each interval of a whole unit holds the truth."""
    estimator = Estimator(lake, spec)
    for seed in seeds:
        population = build_population(spec, estimator.method, seed)
        scores = estimator.scores(response_table(simulate_answers(population, seed))).to_pandas()
        scores = scores.set_index(KEY)
        truth = true_values(population).to_pandas().set_index(KEY)["value"]
        assert set(truth.index) == set(scores.index)
        truth = truth.reindex(scores.index)
        yield ((scores.ci_low <= truth) & (truth <= scores.ci_high)).to_dict()


def rate(held: list[dict[tuple[str, str, str], bool]], unit: str, nodes: set[str]) -> float:
    return float(
        np.mean([found for one in held for (code, node, _), found in one.items() if code == unit and node in nodes])
    )


def assert_nominal(held: list[dict[tuple[str, str, str], bool]], unit: str, programme: str, version: str) -> None:
    """The index within four standard errors of 95 %, all items together within three points."""
    method = load_method(programme, version)
    tolerance = 4 * np.sqrt(0.95 * 0.05 / len(held))
    assert rate(held, unit, {method.tree.code}) == pytest.approx(0.95, abs=tolerance)
    assert rate(held, unit, set(method.items)) == pytest.approx(0.95, abs=0.03)


def test_intervals_of_a_commune_hold_the_truth(lake):
    held = list(rounds_held(lake, COMMUNE, range(ROUNDS)))
    assert_nominal(held, "22243", "tthc", "2017")


def test_intervals_of_a_province_hold_the_truth(lake):
    held = list(rounds_held(lake, PROVINCE, range(ROUNDS)))
    assert_nominal(held, "33", "sipas", "2023")
