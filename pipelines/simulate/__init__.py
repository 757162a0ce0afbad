"""Synthetic populations and rounds with known truth, written in the wire formats of the real sources.

Everything follows from a specification, a method and a seed: the same three give the same bytes. This package must not
read what the pipeline computed, and the pipeline must not read the truth that is written beside the round.
"""

from pipelines.simulate.answers import response_table, simulate_answers, simulate_responses
from pipelines.simulate.population import Population, build_population
from pipelines.simulate.simulation import SimulatedRound, files_of, simulate_round, write_round
from pipelines.simulate.spec import (
    Channel,
    Effects,
    Faults,
    FrameRow,
    Sample,
    SimulationSpec,
    UnitRow,
)
from pipelines.simulate.specs import commune_spec, province_spec, spec_named
from pipelines.simulate.truth import true_values

__all__ = [
    "Channel",
    "Effects",
    "Faults",
    "FrameRow",
    "Population",
    "Sample",
    "SimulatedRound",
    "SimulationSpec",
    "UnitRow",
    "build_population",
    "commune_spec",
    "files_of",
    "province_spec",
    "response_table",
    "simulate_answers",
    "simulate_responses",
    "simulate_round",
    "spec_named",
    "true_values",
    "write_round",
]
