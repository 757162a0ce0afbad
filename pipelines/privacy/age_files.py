"""Files encrypted with age, in streams of bounded memory: who may open them is said by recipients, who does by a file.

It must not log or copy a secret key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import pyrage  # type: ignore[import-untyped]

from pipelines.model.errors import InputError

SECRET = "AGE-SECRET-KEY-"
ENCRYPTED = ".age"  # how the name of an encrypted file ends


@dataclass(frozen=True)
class AgeKeys:
    """To whom files are encrypted (`age1…`, separated by commas; empty: nobody) and the file that opens them."""

    recipients: str = ""
    identities: Path | None = None


def encrypting(recipients: str) -> Callable[[BinaryIO, BinaryIO], None]:
    """Return a function that copies a stream to another, encrypted to recipients (`age1…`, separated by commas).

    Raises:
        InputError: one of them is no recipient, or there is none.
    """
    named = [one.strip() for one in recipients.split(",") if one.strip()]
    try:
        known = [pyrage.x25519.Recipient.from_str(one) for one in named]
    except pyrage.RecipientError as error:
        raise InputError(
            f"this is no age recipient: {error}", recipients, "make a pair of keys: hailong privacy identity FILE"
        ) from None
    if not known:
        raise InputError("no age recipient is named", "", "make a pair of keys: hailong privacy identity FILE")
    return partial(pyrage.encrypt_io, recipients=known)


def decrypted(stream: BinaryIO, where: str, identities: Path | None) -> BinaryIO:
    """Return an encrypted stream's plain bytes as a file without a name, which is gone once it is closed.

    Raises:
        InputError: no identity is named, or none of those in the file opens it.
    """
    keys = read_identities(identities, where)
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for it closes it
    try:
        pyrage.decrypt_io(stream, plain, keys)
    except (pyrage.DecryptError, OSError) as error:  # a file that was cut or changed is an OSError
        plain.close()
        remedy = "name the file of the identity it was encrypted to in HAILONG_AGE_IDENTITY"
        raise InputError(f"the file cannot be decrypted: {error}", where, remedy) from None
    plain.seek(0)
    return cast(BinaryIO, plain)


def read_identities(path: Path | None, where: str) -> list[pyrage.x25519.Identity]:
    """Read the secret keys of an age identity file; lines that begin with `#` are remarks."""
    remedy = "name a file that holds AGE-SECRET-KEY-1… in HAILONG_AGE_IDENTITY"
    if path is None:
        raise InputError("the file is encrypted and no identity is named", where, remedy)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.startswith(SECRET)]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        raise InputError("the identity file cannot be read", str(path), remedy) from None
    if not found:
        raise InputError("the file holds no identity", str(path), remedy)
    return found


def new_identity(path: Path) -> str:
    """Write a new secret key that only its owner can read; return the recipient that others encrypt to.

    Raises:
        InputError: the file exists; a key is never overwritten.
    """
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    write_secret(path, f"# public key: {recipient}\n{identity}\n")
    return recipient


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read; an InputError where it exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        remedy = "choose another name: a key is never overwritten"
        raise InputError("the key file exists", str(path), remedy) from None
    except OSError as error:
        raise InputError(
            f"the key file cannot be written: {error.strerror}", str(path), "choose another place"
        ) from None
    path.write_text(text, encoding="utf-8")
