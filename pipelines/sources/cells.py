"""Values as libraries and JSON give them, turned into the text of a cell; blank is None.

It must not interpret: a number stays the number that was written, only without a decimal part that says nothing.
"""

from __future__ import annotations

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
        return orjson.dumps(value).decode()
    return str(value)
