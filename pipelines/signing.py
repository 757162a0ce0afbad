"""Ed25519 signatures, of tree heads and of what kiosks hand in. Private keys are PEM files outside lake and warehouse.

It must never log or copy a private key.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pipelines.model.errors import InputError

PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
REMEDY = "make one: hailong ledger key for the ledger, hailong device keygen for a kiosk"


def new_key(path: Path) -> str:
    """Write a new private key that only its owner can read, and return the public key in hex.

    Raises:
        InputError: the file exists; a key is never overwritten.
    """
    if path.exists():
        raise InputError("the key file exists", str(path), "choose another name: a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _hex(key.public_key())


def public_key(path: Path) -> str:
    """Return the public key of a private key file, in hex."""
    return _hex(_private(path).public_key())


def key_id(public: str) -> str:
    """Return what a public key is called: the first 16 hex digits of the SHA-256 of its bytes."""
    return sha256(bytes.fromhex(public)).hexdigest()[:16]


def sign(path: Path, message: bytes) -> str:
    """Return the signature of a message, in hex."""
    return _private(path).sign(message).hex()


def is_signed(public: str, message: bytes, signature: str) -> bool:
    """Whether a signature of a message was made with the private key of a public one; both in hex."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"the signing key cannot be read: {error}", str(path), REMEDY) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the signing key is not of Ed25519", str(path), REMEDY)
    return key


def _hex(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
