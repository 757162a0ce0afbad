"""Ed25519 signatures of tree heads. Keys are PEM files outside lake and warehouse; it must never log or copy one."""

from __future__ import annotations

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
        raise InputError(
            f"the signing key cannot be read: {error}", str(path), "make one: hailong ledger key"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("the signing key is not of Ed25519", str(path), "make one: hailong ledger key")
    return key


def _hex(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
