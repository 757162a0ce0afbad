"""Reads `devices.csv` of a round: which devices may hand in answers, from where, when and with which key.

It must not look at what they hand in.
"""

from __future__ import annotations

from datetime import date

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.round import Device, Round
from pipelines.rounds.tables import Shape, read_table, unit_codes
from pipelines.signing import PUBLIC_KEY

DEVICES = Shape(
    file="devices.csv",
    columns=("device_id", "unit_code", "public_key", "valid_from", "valid_to"),
    filled=("device_id", "unit_code"),
    key=("device_id", "public_key", "valid_from"),
)


def load_devices(lake: Lake, survey: Round) -> tuple[Device, ...]:
    """Return the devices of `devices.csv` in its order; no file: none.

    Raises:
        InputError: naming file, device, column and remedy.
    """
    where = f"{survey.folder}/{DEVICES.file}"
    if not lake.exists(where):
        return ()
    rows = read_table(lake, survey, DEVICES, unit_codes(lake, survey)).to_pylist()
    devices = tuple(_device(row, where) for row in rows)
    _check_keys(devices, where)
    return devices


def _device(row: dict[str, str | None], where: str) -> Device:
    place = f"{where}, device {row['device_id']}"
    public = (row["public_key"] or "").lower()
    if public and not PUBLIC_KEY.fullmatch(public):
        remedy = "write the 64 hex digits that `hailong device keygen` prints, or leave the cell empty"
        raise InputError("the public key is none", f"{place}, column public_key", remedy)
    first, last = (_day(row[name], f"{place}, column {name}") for name in ("valid_from", "valid_to"))
    if first and last and first > last:
        raise InputError("valid_to is before valid_from", place, "exchange them")
    return Device(str(row["device_id"]), str(row["unit_code"]), public, first, last)


def _day(text: str | None, place: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{text!r} is no date", place, "write a date such as 2023-02-15") from None


def _check_keys(devices: tuple[Device, ...], where: str) -> None:
    """A key belongs to one device, or a signature would not say whose it is."""
    owners: dict[str, str] = {}
    for device in devices:
        owner = owners.setdefault(device.public_key, device.device_id) if device.public_key else device.device_id
        if owner != device.device_id:
            place = f"{where}, device {device.device_id}, column public_key"
            raise InputError(f"the key is that of device {owner}", place, "make a key for each device")
