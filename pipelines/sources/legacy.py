"""Text in the two Vietnamese encodings from before Unicode, TCVN3 (ABC, fonts `.Vn…`) and VNI (fonts `VNI-…`).

Such text passes for valid Unicode (`Hµi lßng`, `Haøi loøng`), so it is told by what it says: words that are no
Vietnamese as they stand and become Vietnamese when converted. It is converted only where `options.encoding` says which
it is, and refused otherwise: a guess would be right for most cells and wrong for some.

TCVN3 keeps capitals in its fonts, not in the text: what was shown in capitals may come out in small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault
from pipelines.sources.cells import json_text
from pipelines.sources.tables import Record

_TCVN3 = str.maketrans(
    "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢£¤¥¦§",
    "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĂÂÊÔƠƯĐ",
)
# VNI writes a letter and then its mark; `ô` and `ö` are the letters ơ and ư, and a few stand alone.
_VNI_TONES = {"ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
_CIRCUMFLEX, _BREVE = "\u0302", "\u0306"
_VNI_HATS = {
    mark: hat + tone
    for hat, marks in ((_CIRCUMFLEX, "âáàåãä"), (_BREVE, "êéèúüë"))
    for mark, tone in zip(marks, ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323"), strict=True)
}
_VNI_ALONE = {"ô": "ơ", "ö": "ư", "ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
_UNICODE = re.compile("[\u1ea0-\u1ef9ăĂơƠưƯđĐ\u0300-\u036f]")  # letters that neither encoding has
_WORD = re.compile(r"[A-Za-z\u0080-\u00ff\u0100-\u1eff]*[A-Za-z][A-Za-z\u0080-\u00ff\u0100-\u1eff]*")
_SYLLABLE = re.compile(
    r"(ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnpqrstvx])?"
    r"(iêu|yêu|oai|oao|oay|oeo|uây|uôi|uya|uyê|uyu|ươi|ươu|a[iouy]|â[uy]|eo|êu|i[aêu]|o[aăeio]|ôi|ơi|u[aâêiôơy]|ư[aiơu]"
    r"|yê|[aăâeêioôơuưy])(ch|ng|nh|[cmnpt])?"
)
EVIDENCE = 2  # different words; one alone may be a unit, a trade mark or a foreign name
NAMES = {"tcvn3": "TCVN3 (ABC)", "vni": "VNI"}


def from_tcvn3(text: str) -> str:
    """Return the Unicode of a text in TCVN3."""
    return text.translate(_TCVN3)


def from_vni(text: str) -> str:
    """Return the Unicode of a text in VNI."""
    parts: list[str] = []
    for letter in text:
        before, small = parts[-1][0].lower() if parts else "", letter.lower()
        mark = _VNI_TONES.get(small) if before in tuple("aeouyơư") else None
        if before in tuple("aeo") and (before == "a" or not _VNI_HATS.get(small, _BREVE).startswith(_BREVE)):
            mark = mark or _VNI_HATS.get(small)
        if mark and len(parts[-1]) == 1:
            parts[-1] += mark
        else:
            alone = _VNI_ALONE.get(small, small)
            parts.append(alone.upper() if letter != small else alone)
    return unicodedata.normalize("NFC", "".join(parts))


CONVERT: dict[str, Callable[[str], str]] = {"tcvn3": from_tcvn3, "vni": from_vni}


def encoding_of(text: str) -> str:
    """Return `tcvn3` or `vni` where a text is in one of them, empty where it is not."""
    if text.isascii() or _UNICODE.search(text):
        return ""
    words = {word for word in _WORD.findall(text) if not word.isascii() and not _is_vietnamese(word)}
    found = {name: sum(_is_vietnamese(convert(word)) for word in words) for name, convert in CONVERT.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= EVIDENCE else ""


def declared(config: SourceConfig) -> str:
    """Return the encoding that `options.encoding` says, empty where none; an InputError names those there are."""
    said = str(config.options.get("encoding", ""))
    if said and said not in CONVERT:
        where = f"round.yml, options.encoding of source {config.source}"
        raise InputError(f"unknown encoding {said!r}", where, f"use one of: {', '.join(CONVERT)}")
    return said


def in_unicode(records: Iterable[Record | Fault], encoding: str) -> Iterator[Record | Fault]:
    """Yield records converted from the encoding that was declared; without one, refuse those that are in either.

    A file whose first record, its headings, is in a legacy encoding is refused as a whole. So is a row with cells that
    are Unicode already although an encoding was declared: converting them would spoil them.
    """
    is_first = True
    for record in records:
        if isinstance(record, Fault) or all(cell is None or cell.isascii() for cell in record.cells):
            yield record
        elif encoding:
            yield _converted(record, encoding)
        else:
            yield _refused(record, is_first) or record
        is_first = is_first and isinstance(record, Record) and not any(record.cells)


def _converted(record: Record, encoding: str) -> Record | Fault:
    if found := next((cell for cell in record.cells if cell and _UNICODE.search(cell)), None):
        value = f"đã là Unicode, không phải {NAMES[encoding]} · Unicode already, not {NAMES[encoding]}: {found[:80]}"
        return Fault(RejectCode.R208_BAD_TEXT, record.line, value=value, payload=json_text(record.cells))
    return record._replace(cells=[cell and CONVERT[encoding](cell) for cell in record.cells])


def _refused(record: Record, is_heading: bool) -> Fault | None:
    texts = [cell for cell in record.cells if cell and not _UNICODE.search(cell)]
    if not (found := encoding_of(" ".join(texts))):
        return None
    value = f"{NAMES[found]}: khai báo options.encoding: {found} · declare options.encoding: {found}"
    if is_heading:
        return Fault(RejectCode.R101_UNREADABLE_FILE, value=value, payload=json_text(record.cells))
    return Fault(RejectCode.R208_BAD_TEXT, record.line, value=value, payload=json_text(record.cells))


def _is_vietnamese(word: str) -> bool:
    """Whether a word is built as a Vietnamese syllable: onset, vowels, final, and one tone at most."""
    apart = unicodedata.normalize("NFD", word.lower())
    bare = unicodedata.normalize("NFC", apart.translate(_TONES))
    tones = sum(ord(letter) in _TONES for letter in apart)
    return tones <= 1 and _SYLLABLE.fullmatch(bare) is not None


class SingleBytes:
    """A stream of one byte a letter (Windows-1252) read as UTF-8, for old files that are no Unicode at all."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from a stream."""
        self.stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return UTF-8 of up to `size` letters."""
        return "".join(map(_LETTERS.__getitem__, self.stream.read(size))).encode()


_LETTERS = [bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256)]
