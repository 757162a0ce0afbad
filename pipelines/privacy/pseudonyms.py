"""Pseudonyms: HMAC-SHA256 with a key of the year, so that a person is known again within a year and not across.

Without the key nobody can compute one, not even from a known telephone number. It must not log or keep a key.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pipelines.model.errors import InputError
from pipelines.privacy.age_files import write_secret

DIGITS = 32  # hex digits that are kept: 128 bits
LEAST_BYTES = 32
PHONE, CITIZEN_ID, EMAIL, DOSSIER = "phone", "citizen_id", "email", "dossier"
TELLING = (CITIZEN_ID, PHONE, EMAIL, DOSSIER)  # what tells people apart, the surest first; a name does not


def read_key(folder: str, year: int) -> bytes:
    """Return the key of a year, from `<folder>/<year>.key`.

    Raises:
        InputError: there is none, or it is too short; the message never holds a part of it.
    """
    path = Path(folder) / f"{year}.key"
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError:
        remedy = f"make one and keep it: hailong privacy key {year}; without it identity cannot be kept"
        raise InputError(f"there is no pseudonym key for {year}", str(path), remedy) from None
    except ValueError:
        raise InputError("the pseudonym key is not written in hex", str(path), "restore it from its back-up") from None
    if len(key) < LEAST_BYTES:
        raise InputError(f"the pseudonym key is shorter than {LEAST_BYTES} bytes", str(path), "restore its back-up")
    return key


def new_key(folder: str, year: int) -> Path:
    """Write the key of a year, which only its owner can read, and return its path; one that exists stays."""
    path = Path(folder) / f"{year}.key"
    write_secret(path, secrets.token_hex(LEAST_BYTES) + "\n")
    return path


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """Return the pseudonym of a value of a kind: hex digits of HMAC-SHA256 over both."""
    return hmac.new(key, f"{kind}\0{value}".encode(), sha256).hexdigest()[:DIGITS]


def person(key: bytes, fields: Mapping[str, str]) -> str | None:
    """Return the pseudonym of a person by the surest field given; None where nothing tells the person apart."""
    for kind in TELLING:
        value = canonical(kind, fields.get(kind, ""))
        if value:
            return pseudonym(key, kind, value)
    return None


def canonical(kind: str, text: str) -> str:
    """Return one way of writing a telephone number, an identity number or an address; empty where it holds none."""
    plain = unicodedata.normalize("NFKC", text)
    if kind == PHONE:
        return re.sub(r"^(?:00)?84(?=[1-9]\d{8,9}$)", "0", re.sub(r"\D", "", plain))
    if kind == CITIZEN_ID:
        return re.sub(r"\W", "", plain).upper()
    return re.sub(r"\s", "", plain).casefold()
