"""Kiosks of a simulated round: what its devices are reported to have sent, and files that come late, twice, anyhow."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.methods import load_method
from pipelines.rounds import load_round
from pipelines.settings import Settings
from pipelines.simulate import SimulatedRound, files_of, simulate_round, spec_named, write_round
from pipelines.simulate.kiosk_files import kiosk_files
from pipelines.stages.collecting import collect, conform, pending_batches, screen, stale_partitions
from pipelines.stages.context import Context
from pipelines.stages.devices import device_lines, device_rows
from pipelines.stages.operations import operation_loads

SPEC = spec_named("commune", scale=0.2)
INBOX = f"inbox/{SPEC.round_id}/kiosk"


@pytest.fixture(scope="module")
def simulated() -> SimulatedRound:
    return simulate_round(SPEC, load_method("tthc", "2017"), seed=11)


@pytest.fixture(scope="module")
def collected(simulated, tmp_path_factory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    write_round(lake, simulated)
    bring_in(lake)
    return lake


def bring_in(lake: Lake) -> None:
    context = Context(Settings.from_environment(), lake)
    collect(context, "kiosk", SPEC.round_id)
    for batch in pending_batches(context, "kiosk", SPEC.round_id):
        conform(context, batch)
    for key in stale_partitions(context, "kiosk", SPEC.round_id):
        screen(context, key)


def accepted(lake: Lake) -> dict[str, bytes]:
    return {path: lake.read_bytes(path) for path in lake.glob("responses/**/responses.parquet")}


def devices(lake: Lake) -> dict[str, dict[str, object]]:
    rows = device_rows(Context(Settings.from_environment(), lake), load_round(lake, SPEC.round_id))
    return {str(row["device_id"]): row for row in rows}


def missing(found: dict[str, dict[str, object]]) -> set[tuple[str, int]]:
    numbers = set()
    for device, row in found.items():
        for part in filter(None, str(row["missing"]).split(", ")):
            first, _, last = part.partition("–")
            numbers |= {(device, number) for number in range(int(first), int(last or first) + 1)}
    return numbers


def test_devices_are_reported_with_what_was_planted(collected, simulated):
    found, planted = devices(collected), simulated.ledger.planted
    on_the_way = {(r.device_id, r.sequence) for r in simulated.records if r.damage == "unfinished"}
    inside = {(name, number) for name, number in on_the_way if number < found[name]["last_sequence"]}
    assert missing(found) == set(map(tuple, simulated.ledger.sequence_gaps)) | inside
    assert sum(row["gaps"] for row in found.values()) == len(missing(found))
    assert sum(row["repeats"] for row in found.values()) == len(planted["repeated_numbers"]["kiosk"])
    assert sum(row["clock_back"] for row in found.values()) == len(planted["clock_back"]["kiosk"])
    assert (found["K99"]["is_registered"], found["K99"]["records"]) == (False, 0)
    assert (found["K99"]["refused"], found["K90"]["refused"]) == (2, 3)
    assert {name: row["unit_code"] for name, row in found.items()} == dict.fromkeys(("K01", "K02", "K90"), "22243") | {
        "K99": ""
    }
    assert [row["unsigned"] for row in found.values()] == [0] * 4


def test_devices_are_shown_one_a_line_and_loaded_by_the_month(collected, simulated):
    context = Context(Settings.from_environment(), collected)
    lines = {line[0]: line[1:] for line in device_lines(context, SPEC.round_id)}
    assert lines["K99"][0] == "chưa đăng ký\nnot registered" and lines["K01"][0] == "22243"
    loads = {load.table: load.rows for load in operation_loads(context, load_round(collected, SPEC.round_id))}
    assert loads["ops.device"].num_rows == len(lines) == 4


def test_response_of_a_clock_set_back_is_flagged_and_counts(collected, simulated):
    rows = [row for path in accepted(collected) for row in collected.read_table(path).to_pylist()]
    flagged = sorted(row["record_id"] for row in rows if row["is_clock_back"])
    assert flagged == simulated.ledger.planted["clock_back"]["kiosk"]
    assert all(row["signing_key"] for row in rows)


def test_device_of_the_register_that_sent_nothing_is_reported(collected, simulated, tmp_path: Path):
    lake = Lake(str(tmp_path))
    write_round(lake, simulated)
    register = f"rounds/{SPEC.round_id}/devices.csv"
    lake.write_bytes(register, lake.read_bytes(register) + b"K77,22243,,,\n")
    found = devices(lake)
    assert sorted(found) == ["K01", "K02", "K77", "K90"] and {row["records"] for row in found.values()} == {0}


def test_file_that_was_half_copied_is_left_and_counts_once_it_is_whole(simulated, lake: Lake):
    write_round(lake, simulated)
    (part,) = lake.glob(f"{INBOX}/*.part")
    bring_in(lake)
    before = sum(lake.read_table(path).num_rows for path in accepted(lake))
    assert before == simulated.ledger.sources["kiosk"].accepted and lake.exists(part)
    whole = [replace(record, damage="") for record in simulated.records if record.damage == "unfinished"]
    ((name, content),) = kiosk_files(whole, simulated.population.method, SPEC.round_id).items()
    lake.write_bytes(f"{INBOX}/{name}", content)
    lake.remove(part)
    bring_in(lake)
    after = sum(lake.read_table(path).num_rows for path in accepted(lake))
    assert after == before + simulated.ledger.unfinished
    assert missing(devices(lake)) == set(map(tuple, simulated.ledger.sequence_gaps))


def test_files_in_any_order_in_parts_and_twice_come_to_the_same_responses(collected, simulated, lake: Lake):
    write_round(lake, simulated)
    files = {path: content for path, content in files_of(simulated).items() if path.startswith(INBOX)}
    for path in files:
        lake.remove(path)
    names = sorted((path for path in files if not path.endswith(".part")), reverse=True)
    for group in (names[::2], names[1::2]):
        for path in group:
            lake.write_bytes(path, files[path])
        bring_in(lake)
    for path in names[:3]:
        lake.write_bytes(path.replace(".jsonl", "-again.jsonl"), files[path])
    bring_in(lake)
    assert accepted(lake) == accepted(collected)
