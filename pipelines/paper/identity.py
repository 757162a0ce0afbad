"""What the QR of a page says: which form, version and template, which sheet, which page; with a check sum.

Upper case and few characters, so that the code stays coarse enough for a fax. It must not look anything up.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

import segno

PREFIX = "HL1"
MAX_SERIAL = 999_999
_SERIAL = re.compile(r"[0-9]{6}")
_PAGE = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True)
class PageIdentity:
    """One page of one sheet; `template` is the first eight digits of the template's hash, `page` counts from 1."""

    form: str
    version: str
    template: str
    serial: str
    page: int

    @property
    def text(self) -> str:
        """What the QR holds: the five parts and a CRC-16 (CCITT) over them, with colons between."""
        parts = (PREFIX, self.form.upper(), self.version.upper(), self.template, self.serial, str(self.page))
        return _with_crc(":".join(parts))

    def svg(self) -> str:
        """Return the QR (error level Q: a quarter may be spoilt) as an SVG picture."""
        return str(segno.make(self.text, error="q", micro=False).svg_inline(border=0, omitsize=True))


def identity_of(text: str) -> PageIdentity | None:
    """Return the identity that a QR's text says; None where it is not ours or its check sum is wrong."""
    body, _, _ = text.rpartition(":")
    parts = body.split(":")
    if len(parts) != 6 or parts[0] != PREFIX or _with_crc(body) != text:
        return None
    _, form, version, template, serial, page = parts
    if not _SERIAL.fullmatch(serial) or not _PAGE.fullmatch(page):
        return None
    return PageIdentity(form, version, template, serial, int(page))


def serial_text(number: int) -> str:
    """Return a serial number as it is printed: six digits."""
    return f"{number:06d}"


def _with_crc(body: str) -> str:
    return f"{body}:{binascii.crc_hqx(body.encode(), 0xFFFF):04X}"
