"""The register of simulated kiosks, and their signatures: written after the published contract, as a maker would.

The private keys follow from the names, so that the same round is written again: they protect nothing.
"""

from __future__ import annotations

from hashlib import sha256

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines.simulate.record import KIOSK
from pipelines.simulate.spec import SimulationSpec

UNREGISTERED, TAMPERED = "K99", "K90"  # a device nobody registered, and one whose file is altered on its way


def registered(spec: SimulationSpec) -> tuple[str, ...]:
    """Return the kiosks of a round that are registered."""
    own = [device for channel in spec.channels if channel.source == KIOSK for device in channel.devices]
    return (*own, TAMPERED) if own else ()


def register_rows(spec: SimulationSpec) -> list[dict[str, str]]:
    """Return the lines of `devices.csv`: all at the first unit, from the first day of the year on."""
    first = spec.frame[0].unit_code
    return [
        {
            "device_id": device,
            "unit_code": first,
            "public_key": _public(_key(spec.round_id, device)).hex(),
            "valid_from": f"{spec.year}-01-01",
        }
        for device in registered(spec)
    ]


def sealed(content: bytes, round_id: str, device: str) -> bytes:
    """Return the content with the device's seal after it."""
    key, digest = _key(round_id, device), sha256(content).hexdigest()
    seal = {
        "device": device,
        "key": sha256(_public(key)).hexdigest()[:16],
        "sha256": digest,
        "signature": key.sign(f"hailong kiosk seal 1\n{device}\n{digest}".encode()).hex(),
    }
    return content + orjson.dumps({"seal": seal}) + b"\n"


def _key(round_id: str, device: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(f"simulated\n{round_id}\n{device}".encode()).digest())


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
