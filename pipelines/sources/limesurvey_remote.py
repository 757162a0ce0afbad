"""LimeSurvey's RemoteControl 2 (JSON-RPC): a session, the count of responses, exports by ranges of response ids.

Codes are demanded for questions and answers, in every state of completion. The session is released whatever happens.
Error objects that come in place of an export are errors, never an empty export. It must not look at answers.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from pipelines.model.errors import SourceError
from pipelines.model.round import SourceConfig
from pipelines.model.source import Fault, Offer
from pipelines.sources.blocks import Row
from pipelines.sources.cells import json_value
from pipelines.sources.known import Disagreement, Page, Seen, changed_pages, fingerprint
from pipelines.sources.web import TryAgain, Web, needed, number, secret_of

PATH = "/index.php/admin/remotecontrol"
PAGE_SIZE = 5_000  # response ids asked for at once
LAST_ID = (1 << 31) - 1
WIDENINGS = 16  # ranges without a response, each twice as wide as the one before, until it is given up
EMPTY = "No Data"  # how the status of a survey without responses begins
Read = Callable[[BinaryIO], Iterator[Row | Fault]]


def fetch_remote(config: SourceConfig, cursor: str, read: Read) -> Iterator[Offer]:
    """Yield exports with new or changed responses, and at last the ids of those that have vanished.

    Raises:
        SourceError: the server cannot be reached, refuses, or contradicts itself twice.
    """
    options = config.options
    survey, size = needed(options, "survey"), int(number(options, "page_size", PAGE_SIZE)) or PAGE_SIZE
    with Web(options) as web, _session(web, needed(options, "user"), secret_of(options)) as call:
        where = f"{web.url}{PATH}, survey {survey}"
        yield from changed_pages(partial(_pages, call, survey, size, read), survey, cursor, where)


Call = Callable[..., Any]


@contextmanager
def _session(web: Web, user: str, password: str) -> Iterator[Call]:
    def call(method: str, *parameters: Any) -> Any:
        request = {"method": method, "params": parameters, "id": 1}
        return web.ask("POST", PATH, _result, json=request)

    key = call("get_session_key", user, password)
    if not isinstance(key, str):
        remedy = "check options.user and the password in the variable that options.secret names"
        raise SourceError(f"the server gives no session: {_status(key)}", web.url + PATH, remedy)
    try:
        yield lambda method, *parameters: call(method, key, *parameters)
    finally:
        with suppress(SourceError):
            call("release_session_key", key)


def _result(content: bytes) -> Any:
    try:
        answer = json_value(content)
        result, error = answer["result"], answer.get("error")
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise TryAgain("the answer is no answer of the remote control") from None
    if error:
        raise TryAgain(f"the server says {str(error)[:200]}")
    return result


def _pages(call: Call, survey: str, size: int, read: Read) -> Iterator[Page]:
    """Yield the responses by ranges of ids, until there are as many as the server counts, and what lies beyond.

    Raises:
        Disagreement: there are more, or the rest is found in no range.
    """
    count, total, first, width, empty = _count(call, survey), 0, 1, size, 0
    while total < count and empty <= WIDENINGS:
        last = first + width - 1
        content, records = _range(call, survey, first, last, read)
        if records:
            yield Page(f"responses {first}-{last}", content, records, ".csv")
        else:
            count = _count(call, survey)
        total, first = total + len(records), last + 1
        empty = 0 if records else empty + 1
        width = size << empty
    content, records = _range(call, survey, first, LAST_ID, read)  # a count that is too low must not hide the rest
    if records:
        yield Page(f"responses {first}-", content, records, ".csv")
    total += len(records)
    if total != count and not count < total <= _count(call, survey):
        raise Disagreement(f"{total} responses read, {count} counted")


def _range(call: Call, survey: str, first: int, last: int, read: Read) -> tuple[bytes, tuple[Seen, ...]]:
    content = _export(call, survey, first, last)
    return content, tuple(_seen(item) for item in read(BytesIO(content)) if item.line is not None)


def _count(call: Call, survey: str) -> int:
    said = call("get_summary", survey, "full_responses")
    if isinstance(said, dict) and str(said.get("status", "")).startswith(EMPTY):
        return 0
    if not str(said).isdecimal():
        raise SourceError(f"the server gives no count: {_status(said)}", f"survey {survey}", "check options.survey")
    return int(said)


def _export(call: Call, survey: str, first: int, last: int) -> bytes:
    said = call("export_responses", survey, "csv", None, "all", "code", "short", first, last)
    if isinstance(said, dict) and str(said.get("status", "")).startswith(EMPTY):
        return b""
    if not isinstance(said, str):
        remedy = "give the user the right to export responses"
        raise SourceError(f"the server exports nothing: {_status(said)}", f"survey {survey}", remedy)
    try:
        return b64decode(said, validate=True)
    except binascii.Error:
        raise SourceError("the export is not base64", f"survey {survey}", "try again later") from None


def _seen(item: Row | Fault) -> Seen:
    if isinstance(item, Fault):
        return Seen(f"? {fingerprint(item.payload)}", "")
    mark = fingerprint(item.cells)
    return Seen(item.cells.get("id") or f"? {mark}", mark)


def _status(said: Any) -> str:
    return str(said.get("status", said) if isinstance(said, dict) else said)[:200]
