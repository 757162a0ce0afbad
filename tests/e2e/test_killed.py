"""A run that is killed at every stage, one kill after the other, ends with the same bytes as one left in peace."""

import json
import multiprocessing
import shutil
import signal
from pathlib import Path

import pytest
from e2e_kit import RELEASE, ROUND, context, outcome, write_small_round
from killing import Moment, until, whole_way

from pipelines.stages import verify_release

MOMENTS = [
    Moment("bring in", "before", "landing/kiosk/*"),
    Moment("bring in", "after", "landing/kiosk/*"),
    Moment("bring in", "before", "cursors/*"),
    Moment("bring in", "after", "conformed/*"),
    Moment("bring in", "before", "stale/*"),
    Moment("bring in", "before", "runs/*/conform/*"),
    Moment("bring in", "before", "responses/*"),
    Moment("bring in", "after", "responses/*"),
    Moment("bring in", "before", "gates/*/responses/*"),
    Moment("bring in", "before", "tallies/*"),
    Moment("bring in", "after", "runs/*/tally/*"),
    Moment("weigh", "before", "results/*/stratum.parquet"),
    Moment("estimate", "after", "results/*/index_score.parquet"),
    Moment("gate scores", "before", "gates/*/scores/*"),
    Moment("load", "commit"),
    Moment("load", "before", "runs/*/load/*"),
    Moment("freeze", "before", "releases/.*/results.xlsx"),
    Moment("freeze", "before", f"releases/{RELEASE}"),
    Moment("freeze", "commit"),
    Moment("check", "commit"),
    Moment("approve", "commit"),
    Moment("publish", "commit"),
    Moment("publish", "before", "releases/latest.json"),
]


@pytest.fixture(scope="module")
def process():
    """Processes that begin with everything imported and nothing started."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["killing", "great_expectations", "openpyxl", "pyxform.xls2json_backends"])
    return made


def ends_with(process, target, *arguments: object) -> int | None:
    """Run something in a process of its own and return how that ended."""
    running = process.Process(target=target, args=arguments)
    running.start()
    running.join(120)
    return running.exitcode


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_round_killed_at_every_stage_completes_with_nothing_lost_or_doubled(process, tmp_path: Path):
    write_small_round(tmp_path / "sources", sources=("kiosk",))
    peaceful, killed = (shutil.copytree(tmp_path / "sources", tmp_path / name) for name in ("peaceful", "killed"))
    assert ends_with(process, whole_way, peaceful) == 0
    step = "bring in"
    for moment in MOMENTS:
        assert ends_with(process, until, killed, step, moment) == -signal.SIGKILL, f"failed or never came: {moment}"
        step = moment.step
    assert ends_with(process, whole_way, killed) == 0
    expected, found = outcome(peaceful), outcome(killed)
    assert all(expected.values()) and len(expected["results"]) >= 3
    for part, content in expected.items():
        assert found[part] == content, part
    latest = json.loads((killed / "releases/latest.json").read_bytes())
    assert latest[ROUND]["release_id"] == RELEASE
    assert verify_release(context(killed), RELEASE) == []
