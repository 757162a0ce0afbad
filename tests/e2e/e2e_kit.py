"""What the end-to-end tests share: places, the command as a user meets it, and what a run leaves to be compared."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import cli, stages
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.settings import PROJECT, Settings
from pipelines.simulate import Faults, commune_spec, simulate_round, write_round

PROGRAMME, ROUND = "tthc", "tthc-2023-hoa-thanh"
RELEASE = f"{ROUND}.1"
TOKEN = "e2e-token"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ONE_OF_EACH = {
    name: 1
    for name in Faults.__dataclass_fields__
    if isinstance(Faults.__dataclass_fields__[name].default, int)  # counts; shares stay as they are
}


def write_small_round(folder: Path, sources: tuple[str, ...] = ("kiosk", "postal", "kobo")) -> None:
    """Write the commune's round made small: one month, one device a source, and one of every fault."""
    spec = commune_spec(scale=0.1)
    channels = [replace(one, devices=one.devices[:1]) for one in spec.channels if one.source in sources]
    shares = [1 / len(channels)] * len(channels)
    small = replace(
        spec,
        window_from=date(2023, 5, 3),
        window_to=date(2023, 5, 24),
        channels=tuple(replace(one, share=share) for one, share in zip(channels, shares, strict=True)),
        faults=replace(spec.faults, **ONE_OF_EACH),
    )
    write_round(Lake(str(folder)), simulate_round(small, load_method(PROGRAMME, "2017"), seed=7))


def settings(folder: Path, methods: tuple[Path, ...] = (), person: str = "thong-ke") -> Settings:
    """Return settings for a lake in a folder of its own."""
    return Settings(str(folder), f"duckdb:///{folder}/warehouse.duckdb", methods, PROJECT, person)


def context(folder: Path, methods: tuple[Path, ...] = ()) -> stages.Context:
    """Open a lake in a folder of its own."""
    return stages.open_context(settings(folder, methods))


@dataclass(frozen=True)
class Told:
    """What a command said and the code it ended with."""

    code: int
    out: str
    err: str


class Command:
    """The command `hailong` within this process: arguments, environment and exit code are the real ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        """Point the environment at a lake."""
        self.monkeypatch, self.capsys, self.folder = monkeypatch, capsys, folder
        for name in ("HAILONG_WAREHOUSE", "HAILONG_METHODS", "HAILONG_PROJECT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HAILONG_DATA", str(folder))
        monkeypatch.setenv("HAILONG_WAREHOUSE", f"duckdb:///{folder}/warehouse.duckdb")
        monkeypatch.setenv("HAILONG_PERSON", "thong-ke")
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: str) -> Told:
        """Run it; anything but an orderly end, a traceback too, passes through and fails the test."""
        self.monkeypatch.setattr(sys, "argv", ["hailong", *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self.capsys.readouterr()
        return Told(int(ended.value.code or 0), said.out, said.err)


def reports(folder: Path, round_id: str = ROUND) -> list[dict[str, Any]]:
    """Return the reports of all stages of a round."""
    lake = Lake(str(folder))
    return [lake.read_json(path) for path in lake.glob(f"runs/{round_id}/*/*.json")]


def warehouse(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the warehouse."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def warehouse_counts(folder: Path) -> dict[str, int]:
    """Return the number of rows of every table and view of the warehouse."""
    names = warehouse(folder, "SELECT table_schema || '.' || table_name FROM information_schema.tables ORDER BY 1")
    assert names, "the warehouse has no table"
    return {name: warehouse(folder, f"SELECT count(*) FROM {name}")[0][0] for (name,) in names}


def hashes(folder: Path, pattern: str) -> dict[str, str]:
    """Return path → SHA-256 of the files that match."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


def outcome(folder: Path, round_id: str = ROUND) -> dict[str, Any]:
    """Return what must be the same however often a run was broken off: results, releases and warehouse.

    DuckDB writes a random identifier into its file, so that this one is left out here, and its hash in the manifest.
    """
    releases = hashes(folder, "releases/[!.]*/*")
    stable = {name: sha256 for name, sha256 in releases.items() if not name.endswith((".duckdb", "manifest.json"))}
    manifests = [json.loads((folder / name).read_bytes()) for name in releases if name.endswith("manifest.json")]
    for manifest in manifests:
        manifest["outputs"] = [one for one in manifest["outputs"] if not one["file"].endswith(".duckdb")]
    return {
        "results": hashes(folder, f"results/{round_id}/[!.]*"),
        "responses": hashes(folder, "responses/**/[!.]*.parquet"),
        "rejects": hashes(folder, "rejects/**/[!.]*.parquet"),
        "release": stable,
        "manifests": manifests,
        "warehouse": warehouse_counts(folder),
    }
