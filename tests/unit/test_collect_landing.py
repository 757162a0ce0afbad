"""Landing: bytes before parsing, by hash; a kill or a failing source loses and doubles nothing."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from collect_kit import CONFIG, NOW, ROUND, source

from pipelines.collect.landing import land, receipts
from pipelines.lake import cursor
from pipelines.model.errors import SourceError
from pipelines.model.source import Offer, Source

FILES = (("a.jsonl", b"one\n"), ("b.jsonl", b"two\n"))


def landed_hashes(lake):
    return sorted(one.sha256 for one in receipts(lake, ROUND.id, "kiosk"))


def test_bytes_lie_under_their_hash_with_name_size_and_time(lake):
    landed = land(lake, source(*FILES), CONFIG, ROUND.id, NOW)
    assert [one.name for one in landed] == ["a.jsonl", "b.jsonl"]
    first = landed[0]
    assert first.sha256 == hashlib.sha256(b"one\n").hexdigest() and first.size == 4
    assert lake.read_bytes(first.path) == b"one\n"
    assert first.path == f"landing/kiosk/2023-06-01/{first.sha256}"
    assert (first.landed_at, first.source, first.instance) == ("2023-06-01T00:00:00+00:00", "kiosk", "ward")
    assert receipts(lake, ROUND.id, "kiosk") == sorted(landed, key=lambda one: one.sha256)


def test_landing_twice_gives_nothing_new_and_keeps_the_first_place(lake):
    first = land(lake, source(*FILES), CONFIG, ROUND.id, NOW)
    assert land(lake, source(*FILES), CONFIG, ROUND.id, NOW + timedelta(days=3)) == []
    assert lake.glob("landing/kiosk/*/*") == sorted(one.path for one in first)


def test_the_same_bytes_under_two_names_are_one_object(lake):
    landed = land(lake, source(("a", b"x"), ("b", b"x")), CONFIG, ROUND.id, NOW)
    assert [one.name for one in landed] == ["a"]
    assert len(lake.glob("landing/kiosk/*/*")) == 1


def test_the_same_bytes_in_another_round_are_kept_once_and_received_twice(lake):
    land(lake, source(*FILES), CONFIG, ROUND.id, NOW)
    assert len(land(lake, source(*FILES), CONFIG, "other", NOW + timedelta(days=1))) == 2
    assert len(lake.glob("landing/kiosk/*/*")) == 2


def test_time_of_landing_is_kept_in_utc(lake):
    late = datetime.fromisoformat("2023-06-01T06:30:00+07:00")
    (landed,) = land(lake, source(("a", b"x")), CONFIG, ROUND.id, late)
    assert landed.landed_at == "2023-05-31T23:30:00+00:00"
    assert landed.path.startswith("landing/kiosk/2023-05-31/")
    assert late.astimezone(UTC).date().isoformat() == "2023-05-31"


def test_fetching_continues_from_the_cursor(lake):
    seen = []

    def fetch(config, position):
        seen.append(position)
        start = int(position or 0)
        for number in range(start, start + 2):
            yield Offer(f"page{number}", lambda n=number: io.BytesIO(b"%d" % n), cursor=str(number + 1))

    portal = Source("kiosk", "kiosk", fetch, source().read)
    land(lake, portal, CONFIG, ROUND.id, NOW)
    assert len(land(lake, portal, CONFIG, ROUND.id, NOW)) == 2
    assert seen == ["", "2"]
    assert lake.read_json(cursor(ROUND.id, "kiosk")) == {"cursor": "4"}


def test_a_source_that_fails_midway_keeps_what_landed_and_says_so(lake):
    def fetch(config, position):
        yield Offer("a", lambda: io.BytesIO(b"one\n"), cursor="1")
        raise SourceError("portal answers 500", "page 2", "try again later")

    with pytest.raises(SourceError, match="portal answers 500"):
        land(lake, Source("kiosk", "kiosk", fetch, source().read), CONFIG, ROUND.id, NOW)
    assert landed_hashes(lake) == [hashlib.sha256(b"one\n").hexdigest()]
    assert lake.read_json(cursor(ROUND.id, "kiosk")) == {"cursor": "1"}


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_loses_nothing_when_landing_again(lake, monkeypatch, step):
    """Each of the two files is written in two steps: receipt and cursor; die before one of them."""
    writes = []
    write_json = lake.write_json

    def dying(path, value):
        if len(writes) == step:
            raise KeyboardInterrupt
        writes.append(path)
        return write_json(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "write_json", dying)
        with pytest.raises(KeyboardInterrupt):
            land(lake, source(*FILES), CONFIG, ROUND.id, NOW)
    before = landed_hashes(lake)
    again = land(lake, source(*FILES), CONFIG, ROUND.id, NOW + timedelta(days=1))
    assert sorted([*before, *(one.sha256 for one in again)]) == landed_hashes(lake)
    assert len(landed_hashes(lake)) == 2 and len(lake.glob("landing/kiosk/*/*")) == 2


def test_instance_comes_from_the_configuration(lake):
    (landed,) = land(lake, source(("a", b"x")), replace(CONFIG, instance="other"), ROUND.id, NOW)
    assert landed.instance == "other"


def test_a_stream_that_fails_leaves_nothing_behind(lake):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("the disk of the kiosk is gone")

    with pytest.raises(OSError, match="kiosk"):
        lake.land(Broken(), "landing/kiosk/2023-05-04/{sha256}")
    assert lake.find("") == []
