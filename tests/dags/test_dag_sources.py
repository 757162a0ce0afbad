"""Portals and spreadsheets through their DAGs, faults and troubles switched on: the account closes to the last row."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from airflow_kit import ROUND, run, states

from pipelines.demo import standin
from pipelines.demo.portals import TROUBLES, portals
from pipelines.demo.server import PORTAL_TOKEN
from pipelines.demo.standin import Served
from pipelines.simulate import Channel, commune_spec
from pipelines.sources import web

SOURCES = ("limesurvey", "odk", "spreadsheet")
DEVICES = {"spreadsheet": ("google-1", "microsoft-1")}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def spec():
    """The commune's citizens, all of one month, by two portals and by form services."""
    commune = commune_spec(scale=0.2)
    return replace(
        commune,
        window_from=date(2023, 10, 1),
        instruments={"citizen": "citizen"},
        frame=tuple(replace(row, organisation_share=0.0) for row in commune.frame),
        channels=tuple(Channel(name, "portal", 1 / 3, DEVICES.get(name, ("W1", "W2"))) for name in SOURCES),
    )


def test_every_row_of_portals_and_spreadsheets_meets_its_fate(bag, make_lake, simulated, monkeypatch):
    lake = make_lake()
    monkeypatch.setattr(web, "BACKOFF", 0.01)
    monkeypatch.setattr(web, "MAX_WAIT", 0.05)
    monkeypatch.setattr(standin, "HANG", 0.1)
    with Served(portals(simulated / "portal", PORTAL_TOKEN, TROUBLES)) as served:
        monkeypatch.setenv("HAILONG_PORTAL_URL", served.url)
        for source in SOURCES:
            done = run(bag, f"collect__{source}", round=ROUND)
            assert str(done.state) == "success" and states(done)["whole"] == {"skipped"}
    for source, account in lake.read_json(f"truth/{ROUND}.json")["sources"].items():
        (path,) = lake.glob(f"responses/**/source={source}/responses.parquet")
        assert lake.read_table(path).num_rows == account["accepted"]
        tables = [lake.read_table(path) for path in lake.glob(f"rejects/**/source={source}/**/*.parquet")]
        assert Counter(pa.concat_tables(tables)["code"].to_pylist()) == account["duplicate"] | account["rejected"]
