"""Receipt codes: what a respondent keeps to find an answer in the ledger again, short enough to copy by hand.

A code is 80 bits of the response's pseudonymous identity in Crockford's base 32 and a check character; it tells
nothing about the answer or the person.
"""

from __future__ import annotations

from pipelines.model.errors import InputError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK = ALPHABET + "*~$=U"
HEX_DIGITS, CHARACTERS, GROUP = 20, 16, 4
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def receipt_code(response_id: str) -> str:
    """Return the code of a response, in groups of four characters."""
    number = int(response_id[:HEX_DIGITS], 16)
    digits = "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (CHARACTERS - 1), -1, -5))
    groups = [digits[at : at + GROUP] for at in range(0, CHARACTERS, GROUP)]
    return "-".join([*groups, CHECK[number % 37]])


def response_prefix(code: str) -> str:
    """Return the first hex digits of the response that a code stands for.

    Raises:
        InputError: it is no receipt code, or a character was copied wrongly.
    """
    text = code.upper().translate(MISREAD)
    if len(text) != CHARACTERS + 1 or not set(text[:-1]) <= set(ALPHABET):
        raise InputError("this is no receipt code", code, "copy all 17 characters of the receipt")
    number = 0
    for character in text[:-1]:
        number = number * 32 + ALPHABET.index(character)
    if CHECK[number % 37] != text[-1]:
        raise InputError("a character of the receipt code is wrong", code, "compare it with the receipt")
    return f"{number:0{HEX_DIGITS}x}"
