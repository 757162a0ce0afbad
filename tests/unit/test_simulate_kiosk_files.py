"""Kiosk files of a simulated round: their contract, and every fault that is planted in them."""

import io
import json
from collections import Counter
from pathlib import Path

import jsonschema
from simulated_kit import below, kiosk_events, kiosk_lines

from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, RawRows
from pipelines.rounds import load_devices, load_round
from pipelines.simulate import files_of, write_round
from pipelines.simulate.specs import FAULTS
from pipelines.sources import kiosk
from pipelines.sources import source as connector
from pipelines.sources.seals import check_seals

KIOSK_SCHEMA = Path(__file__).resolve().parents[2] / "pipelines" / "sources" / "kiosk.schema.json"


def test_kiosk_lines_fit_the_published_schema(commune_files):
    validator = jsonschema.Draft202012Validator(json.loads(KIOSK_SCHEMA.read_text(encoding="utf-8")))
    events = list(kiosk_events(commune_files))
    assert len(events) > 250
    for name, event in events:
        assert not list(validator.iter_errors(event)), name
        assert event["submitted_at"].endswith("+07:00")
        assert name.startswith(f"{event['device']}-")


def test_kiosk_file_holds_the_events_of_its_device_and_day_unless_they_came_late(commune, commune_files):
    ledger = commune.ledger.planted
    late = {*ledger["late"]["kiosk"], *ledger["exact_duplicates"]["kiosk"]}
    for name, event in kiosk_events(commune_files):
        if event["event_id"] not in late:
            assert name == f"{event['device']}-{event['submitted_at'][:10]}.jsonl"


def test_spoilt_lines_are_no_json_and_a_half_one_ends_its_file(commune, commune_files):
    contents = [content for name, content in below(commune_files, "kiosk").items() if name.endswith(".jsonl")]
    cut = [content for content in contents if not content.endswith(b"\n")]
    assert len(cut) == FAULTS.half_lines
    whole = [line for content in contents for line in content.split(b"\n")[:-1]]
    broken = []
    for line in whole:
        try:
            json.loads(line)
        except ValueError:
            broken.append(line)
    assert len(broken) == FAULTS.broken_lines


def test_files_of_kiosks_are_sealed_as_the_contract_says_but_for_the_one_that_was_tampered_with(lake, commune):
    write_round(lake, commune)
    survey = load_round(lake, commune.spec.round_id)
    devices = load_devices(lake, survey)
    assert {device.device_id for device in devices} == {"K01", "K02", "K90"}
    for name, content in below(files_of(commune), "kiosk").items():
        seals, device = check_seals(io.BytesIO(content), devices), name[:3]
        assert bool(seals.problem) == (device == "K90"), name
        assert len(seals.lines) == (device in ("K01", "K02") and not name.endswith(".part")), name


def test_unfinished_file_breaks_off_and_has_another_ending(commune, commune_files):
    ((name, content),) = [item for item in below(commune_files, "kiosk").items() if item[0].endswith(".part")]
    assert name == "K01-2023-10-31.jsonl.part"
    assert not content.endswith(b"\n") and content.count(b"\n") == commune.ledger.unfinished - 1


def test_repeated_number_is_that_of_an_earlier_record_of_the_same_month_that_is_accepted(commune):
    kiosk = [record for record in commune.records if record.source == "kiosk"]
    for again in [record for record in kiosk if "repeated_numbers" in record.marks]:
        same = [r for r in kiosk if (r.device_id, r.sequence) == (again.device_id, again.sequence) and r.is_accepted]
        assert any(r.submitted_at < again.submitted_at and r.arrives.month == again.arrives.month for r in same)


def test_clock_set_back_puts_a_record_before_the_one_that_precedes_it_on_the_same_day(commune):
    numbers = {(r.device_id, r.sequence): r for r in commune.records if r.source == "kiosk" and r.is_accepted}
    for record in [one for one in numbers.values() if "clock_back" in one.marks]:
        before = numbers[record.device_id, record.sequence - 1]
        assert record.submitted_at < before.submitted_at
        assert record.submitted_at.date() == before.submitted_at.date()


def test_exact_duplicates_are_the_same_line_in_another_file(commune, commune_files):
    lines = Counter(line for own in kiosk_lines(commune_files).values() for line in own)
    repeated = [json.loads(line)["event_id"] for line, count in lines.items() if count == 2]
    assert sorted(repeated) == commune.ledger.planted["exact_duplicates"]["kiosk"]


def test_content_duplicates_differ_in_identity_and_number_only(commune_files):
    def content(event):
        return json.dumps({key: value for key, value in event.items() if key not in ("event_id", "sequence")})

    by_id = {event["event_id"]: event for _, event in kiosk_events(commune_files)}
    repeated = Counter(content(event) for event in by_id.values())
    assert sum(count - 1 for count in repeated.values()) == FAULTS.content_duplicates


def test_late_records_come_in_a_file_of_a_later_month(commune, commune_files):
    late = set(commune.ledger.planted["late"]["kiosk"])
    files = {event["event_id"]: (name, event) for name, event in kiosk_events(commune_files)}
    for event_id in late:
        name, event = files[event_id]
        assert name.removeprefix(f"{event['device']}-")[:7] > event["submitted_at"][:7]


def test_sequence_has_exactly_the_planted_gaps(commune):
    found = {}
    for record in commune.records:
        if record.source == "kiosk":
            found.setdefault(record.device_id, set()).add(record.sequence)
    missing = {
        (device, number) for device, own in found.items() for number in range(1, max(own) + 1) if number not in own
    }
    assert missing == set(commune.ledger.sequence_gaps)
    assert len(missing) == FAULTS.sequence_gaps


def test_kiosk_files_read_a_batch_at_once_give_what_reading_one_by_one_gives(commune_files, monkeypatch):
    def read_all():
        config = SourceConfig("kiosk", "ward", "kiosk")
        files = sorted(below(commune_files, "kiosk").items())
        parts = [part for name, content in files for part in connector("kiosk").read(io.BytesIO(content), name, config)]
        faults = [part for part in parts if isinstance(part, Fault)]
        blocks = [part for part in parts if isinstance(part, RawRows)]
        return faults, [(list(one.lines), {h: list(cells) for h, cells in one.columns.items()}) for one in blocks]

    at_once = read_all()
    monkeypatch.setattr(kiosk, "_at_once", lambda batch, seals: None)
    assert read_all() == at_once and len(at_once[1]) > 20
