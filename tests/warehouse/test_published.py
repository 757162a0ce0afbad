"""What BI tools read: the released rows of the release in force of each round, the same on both engines."""

import datetime as dt

import pyarrow as pa
import pytest
from declared_rows import sample

from pipelines.warehouse import Load, read, replace

MAY, JUNE = dt.datetime(2026, 5, 1, tzinfo=dt.UTC), dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
RELEASES = [
    # release, round, state, frozen, revision of
    ("tthc-2025.1", "tthc-2025", "SUPERSEDED", MAY, ""),
    ("tthc-2025.1-r1", "tthc-2025", "PUBLISHED", JUNE, "tthc-2025.1"),
    ("tthc-2026.1", "tthc-2026", "PUBLISHED", MAY, ""),
    ("tthc-2026.1-r1", "tthc-2026", "APPROVED", JUNE, "tthc-2026.1"),
    ("sipas-2026.1", "sipas-2026", "WITHDRAWN", MAY, ""),
    # Frozen at once: the greater id by bytes, where a locale would have C after b.
    ("papi-2026.b", "papi-2026", "PUBLISHED", MAY, ""),
    ("papi-2026.C", "papi-2026", "PUBLISHED", MAY, ""),
]
RELEASED_TABLES = ("mart.released_score", "mart.released_answer_count", "mart.released_change")
RELEASED_TABLES += ("mart.released_share_change", "mart.released_driver", "mart.released_plan_progress")
IN_FORCE = ["papi-2026.b", "tthc-2025.1-r1", "tthc-2026.1"]


def release_rows(catalogue):
    schema = sample(catalogue["ops.release"], {}, 0).schema
    for release, round_id, state, frozen_at, revision_of in RELEASES:
        row = {"release_id": release, "round_id": round_id, "programme": round_id[:4], "state": state}
        row |= {"frozen_by": "Lan", "frozen_at": frozen_at, "manifest_sha256": "0" * 64, "revision_of": revision_of}
        yield Load("ops.release", {"release_id": release}, pa.Table.from_pylist([row], schema))


def loads(catalogue):
    """A warehouse in use: five rounds of two methods, several releases, marts that have moved on."""
    yield from release_rows(catalogue)
    for release, *_ in RELEASES:
        for name in RELEASED_TABLES:
            key = {"release_id": release}
            yield Load(name, key, sample(catalogue[name], key))
    for round_id in {round_id for _, round_id, *_ in RELEASES}:
        key = {"round_id": round_id}
        method = key | {"programme": round_id[:4], "method_version": "2017"}
        yield Load("ref.round", key, sample(catalogue["ref.round"], method, 1))
        yield Load("ref.round_unit", key, sample(catalogue["ref.round_unit"], key))
        yield Load("mart.index_score", key, sample(catalogue["mart.index_score"], key))
    for programme in ("tthc", "sipa", "papi"):
        for version in ("2012", "2017"):
            key = {"programme": programme, "method_version": version}
            for name in ("ref.method", "ref.node", "ref.item", "ref.choice"):
                yield Load(name, key, sample(catalogue[name], key, 1 if name == "ref.method" else 10))


@pytest.fixture
def filled(warehouse, catalogue):
    replace(warehouse, catalogue, list(loads(catalogue)))
    return warehouse


def test_the_release_in_force_is_the_latest_published_one_of_each_round(filled, catalogue):
    assert read(filled, catalogue["published.release"])["release_id"].to_pylist() == IN_FORCE


@pytest.mark.parametrize("name", ["index_score", "answer_count", "change", "share_change", "driver", "plan_progress"])
def test_published_rows_are_those_of_the_releases_in_force(filled, catalogue, name):
    rows = read(filled, catalogue[f"published.{name}"])
    assert sorted(set(rows["release_id"].to_pylist())) == IN_FORCE
    assert rows.num_rows == 30


def test_published_rows_stay_when_the_mart_moves_on(filled, catalogue):
    before = read(filled, catalogue["published.index_score"])
    later = sample(catalogue["mart.index_score"], {"round_id": "tthc-2026", "flag_reason": "changed"}, 3)
    replace(filled, catalogue, [Load("mart.index_score", {"round_id": "tthc-2026"}, later)])
    assert read(filled, catalogue["published.index_score"]).equals(before)


def test_names_are_those_of_published_rounds_and_their_methods(filled, catalogue):
    units = read(filled, catalogue["published.unit"])
    assert set(units["round_id"].to_pylist()) == {"tthc-2025", "tthc-2026", "papi-2026"}
    for name in ("method", "node", "item", "choice"):
        rows = read(filled, catalogue[f"published.{name}"])
        assert set(zip(rows["programme"].to_pylist(), rows["method_version"].to_pylist(), strict=True)) == {
            ("tthc", "2017"),
            ("papi", "2017"),
        }


def test_every_view_gives_the_same_rows_on_both_engines(duckdb, postgresql, catalogue):
    for engine in (duckdb, postgresql):
        replace(engine, catalogue, list(loads(catalogue)))
    for name, table in catalogue.items():
        if table.query:
            rows = read(duckdb, table)
            assert rows.num_rows > 0, f"{name} was compared empty"
            assert rows.equals(read(postgresql, table)), name
