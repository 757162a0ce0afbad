"""Fixtures that every test family shares: where the reference material lies, and a lake of its own for each test."""

from pathlib import Path

import pytest

from pipelines.lake import Lake

PROJECT = Path(__file__).resolve().parent.parent
REFERENCE = PROJECT.parent / "shared" / "reference"


@pytest.fixture
def reference() -> Path:
    """The reference folder beside the project; without it the test is skipped, and says so."""
    if not REFERENCE.is_dir():
        pytest.skip(f"REFERENCE MATERIAL ABSENT: {REFERENCE}; this test compares with it and did not run")
    return REFERENCE


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake in a temporary folder."""
    return Lake(str(tmp_path / "data"))
