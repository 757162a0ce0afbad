"""The pages of a KoboToolbox form (API v2), fetched whole, checked and in a steady order.

What can go wrong on the way is retried: time-outs, broken or cut answers, 5xx, 429 with `Retry-After`. The token is
read from the environment, sent to the configured address only (no redirect and no `next` address is followed) and
never part of a message. It must not look at answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from pipelines.model.errors import SourceError
from pipelines.model.round import SourceConfig

PAGE_SIZE = 1_000  # the most that KoboToolbox gives
RETRIES = 4
TIMEOUT = 60.0  # seconds
MAX_PAGE = 64_000_000  # bytes
BACKOFF = 1.0  # seconds before the first retry, doubled before each next one
MAX_WAIT = 60.0  # seconds, also of a `Retry-After`
AGAIN = (408, 425, 429, 500, 502, 503, 504)
LOCAL = ("localhost", "127.0.0.1", "::1")
REMEDIES = {
    401: "check the token in the variable that options.secret names",
    403: "give the token's user the right to view submissions of this form",
    404: "check options.url and options.asset",
}


@dataclass(frozen=True)
class Page:
    """One page: its name and raw bytes, and what the portal says in it."""

    name: str
    content: bytes
    count: int
    has_next: bool
    results: list[Any]


class Disagreement(Exception):
    """The pages do not add up to the count that the portal gives."""


class _TryAgain(Exception):
    """The answer is not usable; another may be. `wait` is how long the portal asks to wait, in seconds."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class Pages:
    """Reads the submissions of one form, page after page, sorted by `_id`."""

    def __init__(self, config: SourceConfig) -> None:
        """Take address, form and limits from the options; nothing is sent yet.

        Raises:
            SourceError: an option or the token is missing.
        """
        options = config.options
        self.url = f"{_needed(options, 'url').rstrip('/')}/api/v2/assets/{_needed(options, 'asset')}/data.json"
        self.page_size = min(int(_number(options, "page_size", PAGE_SIZE)), PAGE_SIZE)
        self.retries = int(_number(options, "retries", RETRIES))
        self.timeout = _number(options, "timeout", TIMEOUT)
        self.headers = _authorization(options)

    def __iter__(self) -> Iterator[Page]:
        """Yield every page once.

        Raises:
            SourceError: the portal cannot be reached or refuses.
            Disagreement: the pages hold more or fewer submissions than the portal counts at the end, or the count fell
                on the way: after a deletion the next page begins one submission too late.
        """
        start, count, has_next = 0, 0, True
        is_local = urlsplit(self.url).hostname in LOCAL  # a proxy of the environment does not reach this machine
        with httpx.Client(headers=self.headers, timeout=self.timeout, trust_env=not is_local) as client:
            while has_next:
                page = self._page(client, start)
                start += len(page.results)
                has_next = page.has_next
                is_stuck = has_next and not page.results
                if is_stuck or start > page.count or (start < page.count and not has_next):
                    raise Disagreement(f"{start} submissions read, {page.count} counted")
                if page.count < count:
                    raise Disagreement(f"{count} submissions counted, then {page.count}")
                count = page.count
                yield page

    def _page(self, client: httpx.Client, start: int) -> Page:
        attempt = 0
        while True:
            try:
                return self._attempt(client, start)
            except (_TryAgain, httpx.TransportError) as error:
                if attempt == self.retries:
                    what = f"the portal gave no usable answer in {attempt + 1} attempts: {_reason(error)}"
                    raise SourceError(what, self.url, "try again later, or check options.url and the network") from None
                asked = error.wait if isinstance(error, _TryAgain) else 0.0
                time.sleep(min(max(asked, BACKOFF * 2**attempt), MAX_WAIT))
                attempt += 1

    def _attempt(self, client: httpx.Client, start: int) -> Page:
        query = {"start": start, "limit": self.page_size}
        with client.stream("GET", self.url, params={**query, "sort": '{"_id": 1}'}) as response:
            self._check(response)
            content = bytearray()
            for block in response.iter_bytes():
                content += block
                if len(content) > MAX_PAGE:
                    remedy = "set a smaller options.page_size"
                    raise SourceError(f"the page is larger than {MAX_PAGE} bytes", self.url, remedy)
        return _parsed(f"data.json?start={start}&limit={self.page_size}", bytes(content))

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in AGAIN:
            asked = response.headers.get("Retry-After", "")
            raise _TryAgain(f"HTTP {status}", float(asked) if asked.isdecimal() else 0.0)
        if status != 200:
            remedy = REMEDIES.get(status, "check options.url: it must be the portal's final address")
            raise SourceError(f"the portal refuses with HTTP {status}", self.url, remedy)


def _parsed(name: str, content: bytes) -> Page:
    try:
        value = orjson.loads(content)
        count, has_next, results = value["count"], value["next"] is not None, value["results"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        raise _TryAgain("the answer is not a whole page of JSON") from None
    if type(count) is not int or not isinstance(results, list):
        raise _TryAgain("the answer is not a page of submissions")
    return Page(name, content, count, has_next, results)


def _needed(options: dict[str, Any], name: str) -> str:
    if not options.get(name):
        raise SourceError(f"option “{name}” is missing", f"round.yml, options.{name}", "add it to the source")
    return str(options[name])


def _number(options: dict[str, Any], name: str, default: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SourceError(
            f"option “{name}” is not a number", f"round.yml, options.{name}", "write a number, or leave it out"
        )
    return value


def _authorization(options: dict[str, Any]) -> dict[str, str]:
    """Return the header with the token; a form that is open to everybody needs no `secret`."""
    if not (variable := options.get("secret")):
        return {}
    if not (token := os.environ.get(variable, "").strip()):
        remedy = "set it to the token of the portal's user"
        raise SourceError("the portal's token is not set", f"environment variable {variable}", remedy)
    return {"Authorization": f"Token {token}"}


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
