"""Whether a record's device may hand it in: registered on the day of the answer, and owner of the key that signed it.

It must not check a signature: the reader of the source did, and says which key signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.cells import Cells, as_mask
from pipelines.collect.parsing import local_days
from pipelines.collect.problems import Problems
from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.round import Device, SourceConfig
from pipelines.signing import key_id

_SEPARATOR = "\0"  # occurs in no text that is accepted


@dataclass(frozen=True)
class DeviceRule:
    """The register of devices; `is_required`: who is not in it, or does not sign with its key, is refused."""

    devices: tuple[Device, ...]
    is_required: bool

    def problem(self, device_id: str, day: date, key: str) -> RejectCode | None:
        """Return why a record of a device and day, signed with a key (empty: not signed), is refused; None: it is not.

        Where the register is not required a signature must still be of a key of the device, whatever the day.
        """
        own = [device for device in self.devices if device.device_id == device_id]
        valid = [device for device in own if device.is_valid(day)] if self.is_required else own
        keys = {key_id(device.public_key) for device in valid if device.public_key}
        if self.is_required and not valid:
            return RejectCode.R210_UNKNOWN_DEVICE
        if key and key not in keys:
            return RejectCode.R211_OTHER_DEVICE
        return RejectCode.R114_UNSIGNED if self.is_required and keys and not key else None


def device_rule(config: SourceConfig) -> DeviceRule | None:
    """Return the rule for a source; None where its round has no register and none is required.

    Raises:
        InputError: `options.devices` is no rule, or requires a register that is not there.
    """
    if config.requires_devices and not config.devices:
        remedy = "add devices.csv to the round's folder, or write devices: reported"
        raise InputError(
            "devices are required, but none is registered", f"options.devices of source {config.source}", remedy
        )
    return DeviceRule(config.devices, config.requires_devices) if config.devices else None


def check_devices(
    rule: DeviceRule, zone: str, heading: str, columns: Mapping[str, pa.Array], problems: Problems
) -> None:
    """Note the rows whose device may not hand them in; those without time have another problem and are passed over.

    Args:
        rule: the register.
        zone: in which the day of an answer is counted.
        heading: what the device is called in the source.
        columns: `device_id`, `submitted_at` and `signing_key`.
        problems: where they are noted.
    """
    days = local_days(columns["submitted_at"], zone)
    parts = [pc.fill_null(column, "") for column in (columns["device_id"], days, columns["signing_key"])]
    found = pc.binary_join_element_wise(*parts, _SEPARATOR).dictionary_encode()
    codes = pa.array([_code(rule, *text.split(_SEPARATOR)) for text in found.dictionary.to_pylist()], pa.string())
    codes = codes.take(found.indices)
    for code in codes.unique().drop_null().to_pylist():
        problems.add(RejectCode[code], heading, as_mask(pc.equal(codes, code)), Cells.read(columns["device_id"]))


def _code(rule: DeviceRule, device_id: str, day: str, key: str) -> str | None:
    problem = rule.problem(device_id, date.fromisoformat(day), key) if day else None
    return problem and problem.code
