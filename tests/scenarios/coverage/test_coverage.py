"""The published intervals hold the truth at the rate that they promise, over simulated rounds; the bench runs more."""

import numpy as np
import pandas as pd
import pytest
from simulated_rounds import COMMUNE, PROVINCE, rounds_held

from pipelines.methods import load_method

ROUNDS = 40


def assert_nominal(rounds: list[pd.DataFrame], unit: str, programme: str, version: str) -> None:
    """The index within four standard errors of 95 %, all items together within three points."""
    method = load_method(programme, version)
    found = pd.concat(rounds)
    own = found[found.unit_code == unit]
    tolerance = 4 * np.sqrt(0.95 * 0.05 / len(rounds))
    assert own[own.node_code == method.tree.code].held.mean() == pytest.approx(0.95, abs=tolerance)
    assert own[own.node_code.isin(method.items)].held.mean() == pytest.approx(0.95, abs=0.03)


def test_intervals_of_a_commune_hold_the_truth(lake):
    assert_nominal(list(rounds_held(lake, COMMUNE, range(ROUNDS))), "22243", "tthc", "2017")


def test_intervals_of_a_province_hold_the_truth(lake):
    assert_nominal(list(rounds_held(lake, PROVINCE, range(ROUNDS))), "33", "sipas", "2023")
