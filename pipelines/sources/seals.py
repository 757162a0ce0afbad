"""Seals of a kiosk file: lines in it that sign all bytes before them, so that nobody alters a batch on its way.

A seal is `{"seal": {"device": …, "key": …, "sha256": …, "signature": …}}` on a line of its own. `sha256` is that of
all bytes of the file before the line, `key` the id of the device's public key, `signature` (Ed25519, hex) that of
`message`. Nothing here looks into records, or decides what becomes of unsigned ones.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from pipelines.model.round import Device
from pipelines.signing import is_signed, key_id, public_key, sign
from pipelines.sources.lines import BLOCK, MAX_LINE

SEAL = "seal"
FIELDS = ("device", "key", "sha256", "signature")
_MARK = b'"seal"'
_BEGINNING = r'[ \t]*\{[ \t]*"seal"[ \t]*:'
_START = re.compile(_BEGINNING)
_LINE = re.compile(f"^{_BEGINNING}".encode(), re.MULTILINE)
_TAIL = 4096  # bytes at the end of a file in which its last line is looked for

MALFORMED = "dòng chữ ký không đúng mẫu · the seal is not well formed"
ALTERED = "nội dung khác với lúc ký · the content is not what was signed"
OTHER_KEY = "khóa không phải của thiết bị {device} · the key is not registered for device {device}"
FORGED = "chữ ký không khớp với khóa của thiết bị {device} · the signature does not fit the key of device {device}"


@dataclass(frozen=True)
class Seals:
    """What the seals of a file say: on which lines they stand and whose keys made them.

    A key is "" where its device has none in the register, so that nobody can check. `problem` tells what is wrong with
    the first seal that is not valid, and nothing in the file can be trusted then.
    """

    lines: Sequence[int] = ()
    keys: Sequence[str] = ()
    problem: str = ""

    def key_of(self, line: int) -> str | None:
        """Return the key that signed a line, that of the next seal; None where there is none or nobody can check."""
        position = bisect_left(self.lines, line)
        return self.keys[position] or None if position < len(self.lines) else None


def is_seal(text: str) -> bool:
    """Whether a line is a seal rather than a record."""
    return _START.match(text) is not None


def message(device: str, digest: str) -> bytes:
    """Return what is signed: three lines of UTF-8, without a line feed at the end."""
    return f"hailong kiosk seal 1\n{device}\n{digest}".encode()


def sealed(content: bytes, device: str, key: Path) -> bytes:
    """Return the content with a seal after it, made with a private key file; a last line is ended first.

    Raises:
        InputError: the key cannot be read.
    """
    whole = content if content.endswith(b"\n") or not content else content + b"\n"
    digest = sha256(whole).hexdigest()
    return whole + seal_line(device, public_key(key), digest, sign(key, message(device, digest)))


def seal_line(device: str, public: str, digest: str, signature: str) -> bytes:
    """Return the line of a seal."""
    fields = {"device": device, "key": key_id(public), "sha256": digest, "signature": signature}
    return orjson.dumps({SEAL: fields}) + b"\n"


def check_seals(stream: BinaryIO, devices: Sequence[Device]) -> Seals:
    """Read a stream to its end and check every seal in it against the register of devices."""
    known: dict[str, dict[str, str]] = {}
    for device in devices:
        if device.public_key:
            known.setdefault(device.device_id, {})[key_id(device.public_key)] = device.public_key
    lines, keys = list[int](), list[str]()
    for number, content, digest in _seals(stream):
        fields = _fields(content)
        problem = MALFORMED if fields is None else _problem(fields, digest, known)
        if fields is None or problem:
            return Seals(problem=f"{problem} (dòng · line {number})")
        lines.append(number)
        keys.append(fields["key"] if fields["device"] in known else "")
    return Seals(lines, keys)


def ends_sealed(path: Path) -> bool:
    """Whether the last line of a file is a seal."""
    return is_seal(_tail(path).decode(errors="replace").rstrip().rpartition("\n")[2])


def ends_with_line(path: Path) -> bool:
    """Whether the last line of a file was written to its end; an empty file is."""
    tail = _tail(path)
    return not tail or tail.endswith(b"\n")


def _tail(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        return stream.read()


def _seals(stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yield line number, bytes and the SHA-256 of all bytes before of every seal; never more than a block in memory."""
    digest, number, rest = sha256(), 1, b""
    while True:
        block = stream.read(BLOCK)
        content = rest + block
        end = content.rfind(b"\n") + 1
        if not block or (not end and len(content) > MAX_LINE):
            end = len(content)
        whole, rest, start = content[:end], content[end:], 0
        for found in _LINE.finditer(whole) if _MARK in whole else ():
            digest.update(whole[start : found.start()])
            number += whole.count(b"\n", start, found.start())
            start, stop = found.start(), whole.find(b"\n", found.start()) + 1 or end
            if block or whole.endswith(b"\n") or _fields(whole[start:stop]) is not None:
                yield number, whole[start:stop], digest.hexdigest()
        digest.update(whole[start:])
        number += whole.count(b"\n", start)
        if not block:
            return


def _fields(content: bytes) -> dict[str, str] | None:
    try:
        value: Any = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    fields = value.get(SEAL) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(fields, dict) or set(fields) != set(FIELDS):
        return None
    return fields if all(isinstance(text, str) for text in fields.values()) else None


def _problem(fields: Mapping[str, str], digest: str, known: Mapping[str, Mapping[str, str]]) -> str:
    if fields["sha256"] != digest:
        return ALTERED
    device, keys = fields["device"], known.get(fields["device"])
    if keys is None:
        return ""
    if fields["key"] not in keys:
        return OTHER_KEY.format(device=device)
    is_good = is_signed(keys[fields["key"]], message(device, digest), fields["signature"])
    return "" if is_good else FORGED.format(device=device)
