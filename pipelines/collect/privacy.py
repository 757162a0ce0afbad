"""Free text without what leads to a person: one ordered list of patterns, each with cases in tests/fixtures/privacy.

It works on form alone: a name is seen after a title or “tôi là”, and where its surname is one of the common ones; house
addresses and numbers spelled out in words stay, so scrubbed text is still not for publication. Sums of money, dates,
codes of procedures and numbers of laws are left as they are.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

PHONE = "[điện thoại]"
IDENTITY = "[số định danh]"
MAIL = "[thư điện tử]"
PLATE = "[biển số]"
ACCOUNT = "[số tài khoản]"
INSURANCE = "[thẻ bảo hiểm]"
DOSSIER = "[mã hồ sơ]"
NAME = "[tên]"

_MONEY = "(?i: ?(?:đồng|đ|vnđ|vnd|nghìn|ngàn|triệu|tỷ|tỉ)(?!\\w))"
_END = "(?![ .-]?\\d)"
_SURNAMES = (
    "Nguyễn|Trần|Lê|Phạm|Hoàng|Huỳnh|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Đinh|Đoàn|Trịnh|Trương|Lương|Mai|Tô|Cao|"
    "Lâm|Phùng|Vương|Tạ|Chu|Nông|Quách|Tăng|Kiều|Lưu|Đào|Giàng|Sùng|Vàng|Lò|Quàng|Bế|Hứa|Triệu|Tống|Khuất"
)
_TITLES = (
    "tôi là|tôi tên là|tôi tên|tên tôi là|tên là|họ và tên|họ tên|tên|em là|cháu là|con là|mình là|ông|bà|anh|chị|cô|"
    "chú|bác|em|cháu|đồng chí|đ/c|cán bộ|công chức|nhân viên|gặp|ký tên"
)
_PLACES = ("đường", "phố", "phường", "trường", "cầu", "chợ", "ngõ", "công viên", "tượng", "THCS", "THPT", "tiểu học")
_NO_PLACE = "".join(f"(?<!(?i:{place}) )" for place in _PLACES)
_UPPER = "A-Z" + "".join(one for one in map(chr, range(0xC0, 0x1EFA)) if one.isupper())
_GIVEN = rf"[{_UPPER}][^\W\d_{_UPPER}]*(?!\w)"  # a word that begins with a capital
_FULL_NAME = (
    rf"(?:(?:{_SURNAMES}) (?:{_GIVEN} ){{0,3}}{_GIVEN}|(?i:(?:{_SURNAMES}) (?:văn|thị|thi|van) \w+)|"
    rf"(?:{_SURNAMES.upper()})(?: [{_UPPER}]{{1,7}}(?!\w)){{1,3}})"
)


@dataclass(frozen=True)
class _Rule:
    """What matches `pattern` after the words `before` becomes `token`; without one it is kept as it is."""

    token: str
    pattern: str
    before: str = ""


# Tried from the top at each place of the text.
_RULES = (
    _Rule(MAIL, r"(?<![\w.+-])[\w.+-]+ ?@ ?[\w-]+(?:\.[\w-]+)+"),
    _Rule("", r"(?<![\w.])\d\.\d{6}(?:\.\d{2,3})*(?:\.H\d{2})?(?!\d)"),  # procedure: 1.004227.000.00.00.H44
    _Rule(DOSSIER, r"(?<![\w.])(?:\d{3}(?:\.\d{2,3})*\.)?[HG]\d{2}(?:[.-]\d+)*-\d{6}-\d{4,6}(?!\d)"),
    _Rule("", r"(?<!\d)\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d\d(?![.-]?\d)"),  # 04/05/2023
    _Rule("", r"(?<!\d)(?:19|20)\d\d-\d\d-\d\d(?![.-]?\d)"),  # 2023-05-04
    _Rule(
        IDENTITY,
        rf"[A-Z]?\d(?:[ .-]?\d){{6,11}}{_END}(?!{_MONEY})",
        r"(?i:CCCD|CMND|CMT|căn cước|chứng minh|định danh|hộ chiếu)[^\d\n]{0,25}?",
    ),
    _Rule(
        ACCOUNT,
        rf"\d(?:[ .-]?\d){{5,18}}{_END}(?!{_MONEY})",
        r"(?<!\w)(?i:STK|TK|tài khoản)(?!\w)[^\d\n]{0,25}",
    ),
    _Rule(INSURANCE, r"(?<!\w)[A-Z]{2} ?[1-5] ?\d{2} ?\d{3} ?\d{3} ?\d{4}(?!\d)"),  # BHYT: DN 4 79 1234567890
    _Rule("", rf"(?<!\d)[1-9]\d*(?:[., ]\d{{3}})*{_MONEY}"),
    _Rule(PHONE, r"(?<!\d)\(?(?:\+|00)?(?:84|0)\)?[ .-]?\(?[35789](?:[ .()-]{0,2}\d){8}(?!\d)"),  # mobile
    _Rule(PHONE, r"(?<!\d)\(?(?:\+|00)?(?:84|0)\)?[ .-]?\(?(?:1[2689]|2\d)(?:[ .()-]{0,2}\d){8}(?!\d)"),  # landline
    _Rule(IDENTITY, r"(?<!\d)0\d{2}(?:[ .-]?\d{3}){3}(?!\d)"),  # CCCD
    _Rule(PLATE, r"(?<!\w)[1-9]\d[ -]?(?:[A-ZĐ]{1,2}|[A-Z]\d)(?:[ .-]{0,3}\d{3}\.?\d{2}|[.-]\d{4})(?!\d)"),
    _Rule(NAME, _FULL_NAME, rf"{_NO_PLACE}(?<!\w)(?i:{_TITLES})[ :,]+"),
    _Rule(NAME, rf"{_NO_PLACE}(?<!\w)(?:{_SURNAMES}) (?:Văn|Thị) {_GIVEN}(?: {_GIVEN}){{0,2}}"),
    _Rule("", r"(?<!\d)[1-9]\d{0,2}(?:(?:\.\d{3})+|(?:,\d{3})+)(?![.,]?\d)"),  # a grouped number: 1.500.000
    _Rule(IDENTITY, r"(?<!\w)[A-Z]\d{7,8}(?!\d)"),  # passport
    _Rule(IDENTITY, rf"(?<!\d)(?<!\d )(?:\d{{9}}|\d{{3}} \d{{3}} \d{{3}})(?!\d){_END}"),  # CMND
    _Rule(ACCOUNT, r"(?<!\d)(?:\d{10,19}|\d{4}(?: \d{4}){2,3}(?: ?\d{1,3})?)(?!\d)"),
)
_AREAS = ("xã", "huyện", "quận", "tỉnh", "thị trấn", "thị xã", "thành phố", "tp", "thôn", "ấp", "bản", "tổ")
_NO_AREA = "".join(f"(?<!(?i:{place}) )" for place in (*_PLACES, *_AREAS))
_ALONE = re.compile(
    rf"{_NO_AREA}(?<!\w)(?!Hồ Chí Minh(?!\w))(?:(?:{_SURNAMES}) (?:{_GIVEN} ){{1,3}}{_GIVEN}|"
    rf"(?:{_SURNAMES.upper()})(?: [{_UPPER}]{{1,7}}(?!\w)){{2,3}}|(?i:(?:{_SURNAMES}) (?:văn|thị|thi|van) \w+))"
)
_SIMPLE = str.maketrans(
    "０１２３４５６７８９＠．＋－（）\u00a0\u2007\u2009\u202f\u3000‐‑‒–", "0123456789@.+-()     ----"
)
_HIDDEN = re.compile("(?<=[\\w@+.])[\u00ad\u200b-\u200f\u2060\ufeff]+|[\u00ad\u200b-\u200f\u2060\ufeff]+(?=[\\w@+])")
_ANY = re.compile("|".join(f"(?P<before{i}>{rule.before})(?P<rule{i}>{rule.pattern})" for i, rule in enumerate(_RULES)))
# Every rule with a token needs one of these: an @, six digits, a title and a surname, or a surname and Văn or Thị.
_MAY_MATCH = (
    rf"(?s)[@＠]|\p{{Nd}}(.*\p{{Nd}}){{5}}|(?i:{_TITLES})[ :,\x{{a0}}]+(?i:{_SURNAMES})[ \x{{a0}}]|"
    rf"(?:{_SURNAMES})[ \x{{a0}}](?:Văn|Thị)[ \x{{a0}}]"
)
_PRIVATE = re.compile(
    r"họ.{0,4}tên|full.?name|\bho.?(?:va.?)?ten|\bname\b|điện thoại|dien.?thoai|sđt|\bsdt\b|phone|mobile|zalo|cccd|"
    r"cmnd|căn cước|can.?cuoc|chứng minh|hộ chiếu|passport|e-?mail|thư điện tử|địa chỉ|dia.?chi|address|ngày sinh|"
    r"ngay.?sinh|birth|tài khoản|\bstk\b|biển số|hồ sơ|ho.?so\b|dossier|người (?:nộp|khai|trả lời)|bảo hiểm"
)


def scrub(text: str) -> tuple[str, int]:
    """Replace what leads to a person by a token that says what it was; return the text (NFC) and how many.

    Digits and signs are recognised in any width, and with what is not seen between them; what stays is as it was.
    """
    shown = _HIDDEN.sub("", unicodedata.normalize("NFC", text))
    parts, end, count = [], 0, 0
    for match in _ANY.finditer(shown.translate(_SIMPLE)):
        number = str(match.lastgroup).removeprefix("rule")
        token = _RULES[int(number)].token
        if token:
            parts += [shown[end : match.end(f"before{number}")], token]
            end, count = match.end(), count + 1
    return "".join([*parts, shown[end:]]), count


def masked(text: str) -> str:
    """Scrub a text that is no free text, in which a name may stand alone because a row slipped.

    A surname that is common, with two words or more that begin with a capital, is a name, unless an area bears it.
    """
    return without_names(scrub(text)[0])


def without_names(text: str) -> str:
    """Replace names that stand alone, and no number."""
    return _ALONE.sub(NAME, unicodedata.normalize("NFC", text))


def is_private_heading(heading: str) -> bool:
    """Whether a heading that no mapping knows speaks of identity."""
    return _PRIVATE.search(unicodedata.normalize("NFC", heading).casefold()) is not None


def scrub_column(texts: pa.Array) -> pa.Array:
    """Scrub an array of text; only cells with enough digits or an @ are looked at closely."""
    suspects = pc.fill_null(pc.match_substring_regex(texts, _MAY_MATCH), False)
    if not pc.any(suspects).as_py():
        return texts
    scrubbed = [scrub(text)[0] for text in texts.filter(suspects).to_pylist()]
    return pc.replace_with_mask(texts, suspects, pa.array(scrubbed, texts.type))
