"""Collecting a simulated round accepts, sets aside and rejects exactly what its ledger says, whatever was planted."""

from collections import Counter
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.demo import standin
from pipelines.demo.portals import TROUBLES, portals
from pipelines.demo.standin import Served
from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.settings import Settings
from pipelines.simulate import SimulatedRound, simulate_round, spec_named, write_round
from pipelines.simulate.record import PORTALS
from pipelines.sources import web
from pipelines.stages.collecting import collect, conform, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context

SPECS = {"commune": spec_named("commune", scale=0.3), "province": spec_named("province", communes=4, scale=0.1)}


@pytest.fixture(scope="module", params=sorted(SPECS))
def simulated(request) -> SimulatedRound:
    spec = SPECS[request.param]
    return simulate_round(spec, load_method(spec.programme, spec.method_version), seed=11)


def collect_all(
    lake: Lake, simulated: SimulatedRound, sources: list[str], visits: tuple[str, ...] = ("portal",)
) -> None:
    """Collect, conform and screen sources of the round, once for each folder that the portals are then played from."""
    context, round_id = Context(Settings.from_environment(), lake), simulated.spec.round_id
    played = portals(Path(lake.root) / visits[0], "token", TROUBLES)
    with Served(played) as served, pytest.MonkeyPatch.context() as environment:
        environment.setattr(web, "BACKOFF", 0.01)
        environment.setattr(web, "MAX_WAIT", 0.05)
        environment.setattr(standin, "HANG", 0.1)
        environment.setenv("HAILONG_PORTAL_URL", served.url)
        environment.setenv("HAILONG_PORTAL_TOKEN", "token")
        for visit, source in product(visits, sources):
            for portal in played:
                portal.folder = Path(lake.root) / visit / portal.folder.name
            collect(context, source, round_id)
            for batch in pending_batches(context, source, round_id):
                conform(context, batch)
            for key in stale_partitions(context, source, round_id):
                screen(context, key)


@pytest.fixture(scope="module")
def collected(simulated, tmp_path_factory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    write_round(lake, simulated)
    collect_all(lake, simulated, sorted(simulated.ledger.sources))
    return lake


def read_all(lake: Lake, pattern: str) -> pa.Table:
    return pa.concat_tables([lake.read_table(path) for path in lake.glob(pattern)], promote_options="permissive")


def test_every_row_meets_the_fate_that_the_ledger_gives_it(collected, simulated):
    for source, account in simulated.ledger.sources.items():
        accepted = read_all(collected, f"responses/**/source={source}/responses.parquet")
        refused = read_all(collected, f"rejects/**/source={source}/**/*.parquet")
        assert accepted.num_rows == account.accepted
        assert Counter(refused["code"].to_pylist()) == account.duplicate | account.rejected


def test_planted_personal_data_is_in_no_accepted_response(collected, simulated):
    comments = "\n".join(filter(None, read_all(collected, "responses/**/responses.parquet")["comment"].to_pylist()))
    assert len(comments) > 100
    assert not [datum for datum in simulated.ledger.personal_data if datum.text in comments]


def test_what_changes_between_two_visits_to_the_portals_supersedes_doubles_nothing_and_is_never_lost(
    lake: Lake, simulated
):
    write_round(lake, simulated)
    ledger = simulated.ledger
    sources = sorted(set(PORTALS) & set(ledger.sources))
    collect_all(lake, simulated, sources, ("portal-before-edits", "portal"))
    for source in sources:
        account, edited, deleted = ledger.sources[source], ledger.edited[source], ledger.deleted[source]
        accepted = read_all(lake, f"responses/**/source={source}/responses.parquet")
        assert accepted.num_rows == account.accepted + deleted and deleted > 0
        assert accepted["revision"].to_pylist().count(2) == edited > 0
        codes = Counter(read_all(lake, f"rejects/**/source={source}/**/*.parquet")["code"].to_pylist())
        assert (codes["D403_SUPERSEDED"], codes["R307_GONE_AT_SOURCE"]) == (edited, deleted)
