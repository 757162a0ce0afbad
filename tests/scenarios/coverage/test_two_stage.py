"""Intervals from stratified two-stage samples hold the truth at the rate that they promise; the bench draws more."""

import numpy as np
import pytest
from two_stage import TREE, share_held

SAMPLES = 120


def test_intervals_of_two_stage_samples_hold_the_truth():
    share = share_held(SAMPLES)
    assert share[TREE.code] == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / SAMPLES))
    assert np.mean(list(share.values())) == pytest.approx(0.95, abs=0.03)
