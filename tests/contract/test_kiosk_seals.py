"""Seals of kiosk files: what a signature vouches for, what an altered file costs, and what is still being written."""

import os
import time
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import config, inbox
from test_kiosk import EVENT, lines

from pipelines.model.errors import InputError
from pipelines.model.round import Device
from pipelines.model.source import Fault, RawRows
from pipelines.signing import key_id, new_key
from pipelines.sources import seals as seals_module
from pipelines.sources import source
from pipelines.sources.kiosk_events import SCHEMA
from pipelines.sources.seals import check_seals, sealed

TWO, ONE = lines(EVENT, EVENT | {"sequence": 18}), lines(EVENT | {"sequence": 19})


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Device]]:
    """A private key and the line of the register for two devices."""
    folder = tmp_path_factory.mktemp("keys")
    found = {}
    for name in ("K01", "K02"):
        path = folder / f"{name}.pem"
        found[name] = (path, Device(name, "22243", new_key(path)))
    return found


def read(content: bytes, *devices: Device) -> tuple[list[tuple[int, str | None]], list[Fault]]:
    """Return (line, signing key) of the rows, and the faults."""
    parts = list(source("kiosk").read(BytesIO(content), "file", replace(config("kiosk"), devices=devices)))
    rows = [
        row
        for part in parts
        if isinstance(part, RawRows)
        for row in zip(part.lines, part.columns["signing_key"], strict=True)
    ]
    return rows, [part for part in parts if isinstance(part, Fault)]


def test_records_before_a_seal_carry_its_key_and_the_seal_is_no_record(keys):
    path, device = keys["K01"]
    rows, faults = read(sealed(TWO, "K01", path), device)
    assert rows == [(1, key_id(device.public_key)), (2, key_id(device.public_key))] and faults == []


def test_seal_is_as_the_schema_publishes_it(keys):
    seal = orjson.loads(sealed(TWO, "K01", keys["K01"][0]).splitlines()[-1])
    jsonschema.Draft202012Validator(SCHEMA).validate(seal)


def test_file_that_grows_is_sealed_batch_by_batch_and_its_tail_is_not_signed_yet(keys):
    path, device = keys["K01"]
    first = sealed(TWO, "K01", path)
    second = sealed(first + ONE, "K01", path)
    key = key_id(device.public_key)
    assert read(second, device)[0] == [(1, key), (2, key), (4, key)]
    assert read(first + ONE, device)[0] == [(1, key), (2, key), (4, None)]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda content: content.replace(b'"A1":5', b'"A1":1', 1),
        lambda content: content.split(b"\n", 1)[1],
        lambda content: b"\n" + content,
        lambda content: content + content,
        lambda content: content.replace(b'"signature":"', b'"signature":"00', 1),
        lambda content: content.replace(b'"sha256":"', b'"sha256":"x', 1),
        lambda content: content.replace(b'"seal":{', b'"seal":{"more":"",', 1),
        lambda content: content.replace(b'"key":"', b'"key":"0', 1),
        lambda content: content.replace(b'{"device":"K01"', b'{"device":"K02"', 1),
        lambda content: content.replace(b'"seal":', b'"seal": 5, "rest":', 1),
    ],
)
def test_altered_file_is_refused_line_by_line_with_its_payload(keys, tamper):
    (path, device), (_, other) = keys["K01"], keys["K02"]
    content = tamper(sealed(TWO, "K01", path))
    rows, faults = read(content, device, other)
    assert rows == [] and {fault.code.name for fault in faults} == {"R113_BAD_SIGNATURE"}
    records = [line for line in content.decode().splitlines() if '"event_id"' in line]
    assert [fault.payload for fault in faults] == records and all(fault.line for fault in faults)


def test_seal_of_a_device_without_key_in_the_register_vouches_for_nothing_but_must_fit_the_content(keys):
    content = sealed(TWO, "K01", keys["K01"][0])
    assert read(content)[0] == [(1, None), (2, None)]
    assert [fault.code.name for fault in read(content.replace(b'"A1":5', b'"A1":1', 1))[1]] == [
        "R113_BAD_SIGNATURE"
    ] * 2


def test_file_that_is_altered_down_to_its_seal_is_told_all_the_same(keys):
    path, device = keys["K01"]
    rows, (fault,) = read(sealed(TWO, "K01", path).splitlines(keepends=True)[-1], device)
    assert rows == [] and fault.code.name == "R113_BAD_SIGNATURE" and fault.line is None


def test_sealed_file_without_records_is_no_fault(keys):
    path, device = keys["K01"]
    assert read(sealed(b"", "K01", path), device) == ([], [])


def test_half_written_seal_is_a_half_written_line(keys):
    path, device = keys["K01"]
    rows, (fault,) = read(sealed(TWO, "K01", path)[:-40], device)
    assert rows == [(1, None), (2, None)] and fault.code.name == "R106_TRUNCATED"


def test_seal_counts_where_only_its_line_feed_is_missing(keys):
    path, device = keys["K01"]
    rows, faults = read(sealed(TWO, "K01", path)[:-1], device)
    assert [key for _, key in rows] == [key_id(device.public_key)] * 2 and faults == []


def test_record_that_says_itself_that_it_is_signed_is_refused(keys):
    rows, (fault,) = read(lines(EVENT | {"signing_key": key_id(keys["K01"][1].public_key)}), keys["K01"][1])
    assert rows == [] and (fault.code.name, fault.field) == ("R103_UNKNOWN_HEADING", "signing_key")


def test_seals_are_found_wherever_blocks_of_bytes_end(keys, monkeypatch: pytest.MonkeyPatch):
    path, device = keys["K01"]
    content = sealed(sealed(TWO, "K01", path) + ONE, "K01", path)
    for size in (1, 7, 100, len(content) - 1, len(content)):
        monkeypatch.setattr(seals_module, "BLOCK", size)
        found = check_seals(BytesIO(content), [device])
        assert (list(found.lines), found.problem) == ([3, 5], ""), size


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_any_bytes_are_read_without_an_error(before: bytes, after: bytes):
    content = before + b'\n{"seal":' + after
    check_seals(BytesIO(content), [])
    assert all(
        isinstance(part, RawRows | Fault) for part in source("kiosk").read(BytesIO(content), "f", config("kiosk"))
    )


def test_altering_any_one_byte_before_the_seal_is_seen(keys):
    path, device = keys["K01"]
    content = sealed(ONE, "K01", path)
    for place in range(0, len(ONE), 17):
        altered = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert check_seals(BytesIO(altered), [device]).problem, place


# Files that are still being written


def offered(folder: Path, cursor: str = "", **options: object) -> list[str]:
    settings = inbox("kiosk", folder)
    return [o.name for o in source("kiosk").fetch(replace(settings, options=settings.options | options), cursor)]


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_file_whose_last_line_is_half_written_is_left_until_it_is_whole_or_nobody_writes_any_more(tmp_path: Path):
    path = tmp_path / "K01.jsonl"
    path.write_bytes(TWO[:-30])
    assert offered(tmp_path) == []
    age(path, 899)
    assert offered(tmp_path) == []
    age(path, 901)
    assert offered(tmp_path) == ["K01.jsonl"]
    path.write_bytes(TWO)
    assert offered(tmp_path) == ["K01.jsonl"]


def test_settle_is_a_setting_and_a_clock_ahead_of_ours_does_not_hold_a_file_for_ever(tmp_path: Path):
    path = tmp_path / "K01.jsonl"
    path.write_bytes(TWO[:-30])
    assert offered(tmp_path, settle=0) == ["K01.jsonl"]
    age(path, -5000)
    assert offered(tmp_path) == ["K01.jsonl"]
    with pytest.raises(InputError, match="seconds"):
        offered(tmp_path, settle="soon")


def test_where_devices_are_required_a_file_without_seal_at_its_end_is_still_being_written(tmp_path: Path, keys):
    path = tmp_path / "K01.jsonl"
    path.write_bytes(TWO)
    assert offered(tmp_path) == ["K01.jsonl"] and offered(tmp_path, devices="required") == []
    path.write_bytes(sealed(TWO, "K01", keys["K01"][0]))
    assert offered(tmp_path, devices="required") == ["K01.jsonl"]
    path.write_bytes(path.read_bytes() + ONE)
    assert offered(tmp_path, devices="required") == []
    age(path, 901)
    assert offered(tmp_path, devices="required") == ["K01.jsonl"]


def test_rule_for_devices_is_one_of_two(tmp_path: Path):
    (tmp_path / "K01.jsonl").write_bytes(TWO)
    with pytest.raises(InputError, match="always"):
        offered(tmp_path, devices="always")


def test_key_id_is_what_the_schema_says(keys):
    public = keys["K01"][1].public_key
    assert key_id(public) == sha256(bytes.fromhex(public)).hexdigest()[:16]
