"""What every test family shares: reference material, a lake of its own for each test, and the order of the files."""

from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.lake import Lake

settings.register_profile("hailong", deadline=None)  # how busy the machine is, is not what a test is about
settings.load_profile("hailong")
PROJECT = Path(__file__).resolve().parent.parent
REFERENCE = PROJECT.parent / "shared" / "reference"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no process is left with one of them while the other has ended."""
    long_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long_files)


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
