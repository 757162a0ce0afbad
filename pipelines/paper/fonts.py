"""The bundled fonts, and whether they have every letter of a text: a form with a hole in a word is not printed.

Only the tables of the font files are read; it must not draw.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
SEGMENTS, RANGES = 4, 12  # formats of the character table


def missing_letters(texts: Iterable[str]) -> list[str]:
    """Return the characters of the texts that one of the fonts lacks, sorted; white space needs no glyph."""
    used = {letter for text in texts for letter in text if not letter.isspace()}
    return sorted(letter for letter in used if not all(ord(letter) in has for has in map(letters, _files())))


@cache
def letters(path: Path) -> frozenset[int]:
    """Return the code points of a TrueType font."""
    content = path.read_bytes()
    count = struct.unpack_from(">H", content, 4)[0]
    tables = {
        content[at : at + 4]: struct.unpack_from(">I", content, at + 8)[0] for at in range(12, 12 + 16 * count, 16)
    }
    start = tables[b"cmap"]
    found: set[int] = set()
    for entry in range(struct.unpack_from(">H", content, start + 2)[0]):
        at = start + struct.unpack_from(">I", content, start + 8 + 8 * entry)[0]
        kind = struct.unpack_from(">H", content, at)[0]
        if kind == SEGMENTS:
            found.update(_of_segments(content, at))
        elif kind == RANGES:
            found.update(_of_ranges(content, at))
    return frozenset(found)


def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.ttf"))


def _of_segments(content: bytes, at: int) -> Iterable[int]:
    count = struct.unpack_from(">H", content, at + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", content, at + 14)
    starts = struct.unpack_from(f">{count}H", content, at + 16 + 2 * count)
    return (code for first, last in zip(starts, ends, strict=True) if last != 0xFFFF for code in range(first, last + 1))


def _of_ranges(content: bytes, at: int) -> Iterable[int]:
    groups = struct.unpack_from(">I", content, at + 12)[0]
    bounds = (struct.unpack_from(">II", content, at + 16 + 12 * group) for group in range(groups))
    return (code for first, last in bounds for code in range(first, last + 1))
