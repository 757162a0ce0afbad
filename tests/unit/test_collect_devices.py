"""Devices: who may hand in answers, whose key must have signed them, and a running number that was used twice."""

import json
from dataclasses import replace
from datetime import date

import pytest
from collect_kit import HEADINGS, MAPPING, PLAN, ROUND, SCREEN, accepted, collect, conform, lines, row

from pipelines.collect.devices import DeviceRule, device_rule
from pipelines.collect.rejects import read_rejects
from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.round import Device, SourceConfig
from pipelines.rounds import load_devices
from pipelines.signing import key_id

ONE, TWO, OLD = "11" * 32, "22" * 32, "33" * 32
REGISTER = (
    Device("K01", "22243", OLD, date(2023, 1, 1), date(2023, 5, 3)),
    Device("K01", "22243", ONE, date(2023, 5, 4)),
    Device("K02", "22243", TWO),
    Device("K03", "22243"),
)
SIGNED = replace(MAPPING, headings=HEADINGS | {"key": "signing_key"})


def refused(lake: Lake, is_required: bool, **changes: str | None) -> list[tuple[str, str, str]]:
    """Code, field and value of what becomes of one row of 4 May 2023."""
    plan = replace(PLAN, mappings=(SIGNED,), devices=DeviceRule(REGISTER, is_required))
    conform(lake, lines(row(**changes)), plan=plan)
    return [(one["code"], one["field"], one["value"]) for one in read_rejects(lake, ROUND.id).to_pylist()]


@pytest.mark.parametrize(
    ("device", "key", "code"),
    [
        ("K01", key_id(ONE), None),
        ("K01", None, "R114_UNSIGNED"),
        ("K01", key_id(TWO), "R211_OTHER_DEVICE"),
        ("K01", key_id(OLD), "R211_OTHER_DEVICE"),
        ("K03", None, None),
        ("K03", key_id(ONE), "R211_OTHER_DEVICE"),
        ("K99", None, "R210_UNKNOWN_DEVICE"),
        ("K99", key_id(ONE), "R210_UNKNOWN_DEVICE"),
    ],
)
def test_where_the_register_is_required_only_its_devices_may_hand_in_and_sign_with_their_key(lake, device, key, code):
    assert refused(lake, True, device=device, key=key) == ([(code, "device", device)] if code else [])


def test_device_counts_as_registered_on_the_days_of_its_line_in_the_zone_of_the_round(lake):
    midnight = {"start": "2023-05-03T16:50:00Z", "key": key_id(OLD)}
    assert refused(lake, True, end="2023-05-03T16:59:59Z", **midnight) == []
    assert refused(lake, True, end="2023-05-03T17:00:00Z", **midnight) == [("R211_OTHER_DEVICE", "device", "K01")]


def test_record_without_device_is_refused_where_the_register_is_required(lake):
    assert refused(lake, True, device=None) == [("R210_UNKNOWN_DEVICE", "device", "")]


@pytest.mark.parametrize("device", ["K01", "K99", None])
def test_where_devices_are_reported_nobody_is_refused_for_want_of_registration_or_signature(lake, device):
    assert refused(lake, False, device=device) == []


@pytest.mark.parametrize(("key", "code"), [(ONE, None), (OLD, None), (TWO, "R211_OTHER_DEVICE")])
def test_key_of_another_device_is_refused_even_where_devices_are_reported(lake, key, code):
    assert [found for found, _, _ in refused(lake, False, key=key_id(key))] == ([code] if code else [])


def test_row_with_a_bad_time_has_that_problem_only(lake):
    assert [code for code, _, _ in refused(lake, True, end="yesterday", device="K99")] == ["R204_BAD_TIME"]


def test_rule_is_asked_of_a_source_only_where_there_is_a_register():
    config = SourceConfig("kiosk", "x", "kiosk")
    assert device_rule(config) is None
    assert device_rule(replace(config, devices=REGISTER)) == DeviceRule(REGISTER, False)
    required = replace(config, options={"devices": "required"})
    assert device_rule(replace(required, devices=REGISTER)) == DeviceRule(REGISTER, True)
    with pytest.raises(InputError, match="none is registered") as caught:
        device_rule(required)
    assert "devices.csv" in caught.value.remedy


# The register


def register(lake: Lake, text: str) -> tuple[Device, ...]:
    lake.write_bytes(f"{ROUND.folder}/units.csv", b"unit_code,name_vi,level\n22243,X,commune\n")
    lake.write_bytes(f"{ROUND.folder}/devices.csv", text.encode())
    return load_devices(lake, ROUND)


def test_register_is_read_with_its_days_and_keys(lake):
    assert load_devices(lake, ROUND) == ()
    text = f"device_id,unit_code,public_key,valid_from,valid_to\nK01,22243,{ONE},2023-05-04,\nK03,22243,,,2023-06-01\n"
    assert register(lake, text) == (
        Device("K01", "22243", ONE, date(2023, 5, 4)),
        Device("K03", "22243", "", None, date(2023, 6, 1)),
    )


@pytest.mark.parametrize(
    ("row", "what", "where"),
    [
        ("K01,22243,abc,,", "public key", "device K01, column public_key"),
        ("K01,22243,,4/5/2023,", "no date", "valid_from"),
        ("K01,22243,,2023-06-01,2023-05-01", "before", "device K01"),
        ("K01,99999,,,", "unknown unit", "unit_code"),
        (",22243,,,", "empty", "device_id"),
        (f"K01,22243,{ONE},,\nK02,22243,{ONE},,", "that of device K01", "device K02"),
        ("K01,22243,,,\nK01,22243,,,", "repeats line 2", "line 3"),
    ],
)
def test_mistake_in_the_register_is_told_with_its_place(lake, row, what, where):
    with pytest.raises(InputError, match=what) as caught:
        register(lake, f"device_id,unit_code,public_key,valid_from,valid_to\n{row}\n")
    assert where in caught.value.where and caught.value.remedy


# A number used twice


ONCE = replace(SCREEN, numbers_once=True)


def later(number: int, **changes: str) -> dict[str, str]:
    return row(id=f"r{number}", end=f"2023-05-04T08:{10 + number}:00+07:00", **changes)


def duplicates(lake: Lake) -> list[tuple[str, str, str]]:
    rows = read_rejects(lake, ROUND.id).to_pylist()
    return sorted((json.loads(one["payload"])["record_id"], one["code"], one["value"]) for one in rows)


@pytest.mark.parametrize("order", [1, -1])
def test_number_used_twice_by_a_device_counts_once_for_the_first_submitted_whatever_came_first(lake, order):
    files = [lines(later(3, seq="7")), lines(later(1, seq="7")), lines(later(2, seq="8"))]
    collect(lake, *files[::order], screen=ONCE)
    assert [one["record_id"] for one in accepted(lake)] == ["r1", "r2"]
    assert duplicates(lake) == [("r3", "D404_SAME_NUMBER", "r1")]


@pytest.mark.parametrize("changes", [{"seq": "8"}, {"device": "K02"}, {"seq": None}])
def test_other_number_other_device_or_no_number_is_no_repeat(lake, changes):
    collect(lake, lines(later(1, seq="7"), later(2, **({"seq": "7"} | changes))), screen=ONCE)
    assert len(accepted(lake)) == 2


def test_where_devices_are_only_reported_a_repeated_number_counts(lake):
    collect(lake, lines(later(1, seq="7"), later(2, seq="7")))
    assert len(accepted(lake)) == 2


def test_refused_or_repeated_record_takes_nobody_of_its_number_with_it(lake):
    refused = later(1, seq="7", state="rejected")
    again = later(2, seq="7")
    collect(lake, lines(refused, again, again | {"id": "r2b"}), screen=ONCE)
    assert [one["record_id"] for one in accepted(lake)] == ["r2"]
    assert [code for _, code, _ in duplicates(lake)] == ["R305_REFUSED_AT_SOURCE", "D402_SAME_CONTENT"]
