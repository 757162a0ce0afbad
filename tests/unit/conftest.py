"""The simulated rounds, made once a session."""

import pytest
from simulated_kit import COMMUNE, PROVINCE, SIPAS, TTHC

from pipelines.simulate import files_of, simulate_round


@pytest.fixture(scope="session")
def commune():
    return simulate_round(COMMUNE, TTHC, seed=7)


@pytest.fixture(scope="session")
def province():
    return simulate_round(PROVINCE, SIPAS, seed=7)


@pytest.fixture(scope="session")
def commune_files(commune):
    return files_of(commune)


@pytest.fixture(scope="session")
def province_files(province):
    return files_of(province)
