"""One small simulated round a session, copied for each test; a lake of the test's own and the command pointed at it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_kit import TOKEN, Command, write_small_round

from pipelines.demo.portal import Portal


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inboxes, the portal's files and the folder of a small round; nothing is collected yet."""
    folder = tmp_path_factory.mktemp("simulated")
    write_small_round(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The root of an empty lake."""
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake"


@pytest.fixture
def hailong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> Command:
    """The command, pointed at the lake of the test."""
    return Command(monkeypatch, capsys, folder)


@pytest.fixture
def portal(simulated: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """The stand-in portal with the simulated round's answers, its lake copied to the test's."""
    shutil.copytree(simulated, folder, dirs_exist_ok=True)
    with Portal(folder / "portal" / "kobo", TOKEN) as running:
        monkeypatch.setenv("HAILONG_PORTAL_URL", running.url)
        monkeypatch.setenv("HAILONG_PORTAL_TOKEN", TOKEN)
        yield running
