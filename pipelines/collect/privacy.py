"""Free text without the numbers and addresses that lead to a person: one ordered list of patterns.

It works on form alone: names, house addresses and numbers spelled out in words stay, so scrubbed text is still not for
publication. Sums of money, dates, procedure codes and dossier numbers are left as they are.
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

_MONEY = "(?i: ?(?:đồng|đ|vnđ|vnd|nghìn|ngàn|triệu|tỷ|tỉ)(?!\\w))"
_END = "(?![ .-]?\\d)"


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
    _Rule("", r"(?<![\w.])(?:\d{3}(?:\.\d{2,3})*\.)?[HG]\d{2}(?:[.-]\d+)*-\d{6}-\d{4,6}(?!\d)"),  # dossier
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
    _Rule("", r"(?<!\d)[1-9]\d{0,2}(?:(?:\.\d{3})+|(?:,\d{3})+)(?![.,]?\d)"),  # a grouped number: 1.500.000
    _Rule(IDENTITY, r"(?<!\w)[A-Z]\d{7,8}(?!\d)"),  # passport
    _Rule(IDENTITY, rf"(?<!\d)(?<!\d )(?:\d{{9}}|\d{{3}} \d{{3}} \d{{3}})(?!\d){_END}"),  # CMND
    _Rule(ACCOUNT, r"(?<!\d)(?:\d{10,19}|\d{4}(?: \d{4}){2,3}(?: ?\d{1,3})?)(?!\d)"),
)
_ANY = re.compile("|".join(f"(?P<before{i}>{rule.before})(?P<rule{i}>{rule.pattern})" for i, rule in enumerate(_RULES)))
_MAY_MATCH = r"(?s)@|\p{Nd}(.*\p{Nd}){5}"  # every rule with a token needs one of these


def scrub(text: str) -> tuple[str, int]:
    """Replace what leads to a person by a token that says what it was; return the text (NFC) and how many."""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        number = str(match.lastgroup).removeprefix("rule")
        token = _RULES[int(number)].token
        count += bool(token)
        return match[f"before{number}"] + token if token else match[0]

    return _ANY.sub(replace, unicodedata.normalize("NFC", text)), count


def scrub_column(texts: pa.Array) -> pa.Array:
    """Scrub an array of text; only cells with enough digits or an @ are looked at closely."""
    suspects = pc.fill_null(pc.match_substring_regex(texts, _MAY_MATCH), False)
    if not pc.any(suspects).as_py():
        return texts
    scrubbed = [scrub(text)[0] for text in texts.filter(suspects).to_pylist()]
    return pc.replace_with_mask(texts, suspects, pa.array(scrubbed, texts.type))
