"""Values as libraries and JSON give them, turned into the text of a cell; blank is None.

It must not interpret: a number stays the number that was written, only without a decimal part that says nothing.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Any

import orjson


def text_of(value: Any) -> str | None:
    """Return the text of one value: `3.0` is `3`, a date is ISO 8601, a list or object is JSON, blanks are None."""
    if type(value) is int:  # most cells are answers: first things first
        return str(value)
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat() if value.time() != time() else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json_text(value)
    return str(value)


def json_text(value: Any) -> str:
    """Return a JSON value as text with sorted keys; where the quick library refuses (lone surrogates, deep nesting),
    the slow one writes it, and beyond what that can write only the type is named.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        try:
            return json.dumps(value, sort_keys=True, separators=(",", ":"))
        except RecursionError:
            return f"[{type(value).__name__}]"


def json_value(content: bytes) -> Any:
    """Return the value of JSON text; a ValueError says why it is none.

    The quick library refuses a whole page for one lone surrogate: the slow one reads it, and the cell alone is judged.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        try:
            return json.loads(content)
        except RecursionError:
            raise ValueError("nested too deeply") from None
