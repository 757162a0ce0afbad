"""Requests to a portal: bounded, timed and retried, with a secret that goes to the configured address only.

What may pass is tried again: time-outs, broken or cut answers, 5xx, 429 with `Retry-After`. No redirect is followed and
no address out of an answer is used. The secret is never part of a message. It must not know any portal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from pipelines.model.errors import SourceError

RETRIES = 4
TIMEOUT = 60.0  # seconds of silence
LONGEST = 600.0  # seconds for one whole answer, so that one that drips does not hold a task for ever
MAX_PAGE = 64_000_000  # bytes
BACKOFF = 1.0  # seconds before the first retry, doubled before each next one
MAX_WAIT = 60.0  # seconds, also of a `Retry-After`
AGAIN = (408, 425, 429, 500, 502, 503, 504)
LOCAL = ("localhost", "127.0.0.1", "::1")
REMEDIES = {
    401: "check the token or password in the variable that options.secret names",
    403: "give the portal's user the right to view the answers of this form",
    404: "check options.url and the form that the options name",
}
T = TypeVar("T")


class TryAgain(Exception):
    """The answer is not usable; another may be. `wait` is how long the portal asks to wait, in seconds."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        """Keep the reason and the wait."""
        super().__init__(what)
        self.wait = wait


class Web:
    """Asks one portal while the `with` block runs: `options` give `url`, `timeout` (seconds) and `retries`."""

    def __init__(self, options: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Take address and limits; nothing is sent yet.

        Raises:
            SourceError: an option is missing or cannot be used.
        """
        self.url = _address(options)
        self.retries = int(number(options, "retries", RETRIES))
        is_local = urlsplit(self.url).hostname in LOCAL  # a proxy of the environment does not reach this machine
        timeout = number(options, "timeout", TIMEOUT)
        self.client = httpx.Client(headers=headers, timeout=timeout, trust_env=not is_local)

    def __enter__(self) -> Web:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.client.close()

    def ask(self, method: str, path: str, parse: Callable[[bytes], T], **request: Any) -> T:
        """Return what `parse` makes of the answer; `request` is `params` or `json` of the request.

        Raises:
            SourceError: the portal cannot be reached, refuses, or gives nothing that `parse` takes without TryAgain.
        """
        address, attempt = self.url + path, 0
        while True:
            try:
                return parse(self._answer(method, address, request))
            except (TryAgain, httpx.TransportError) as error:
                if attempt == self.retries:
                    what = f"the portal gave no usable answer in {attempt + 1} attempts: {_reason(error)}"
                    raise SourceError(what, address, "try again later, or check options.url and the network") from None
                asked = error.wait if isinstance(error, TryAgain) else 0.0
                time.sleep(min(max(asked, BACKOFF * 2**attempt), MAX_WAIT))
                attempt += 1

    def _answer(self, method: str, address: str, request: dict[str, Any]) -> bytes:
        with self.client.stream(method, address, **request) as response:
            _check(response, address)
            content, end = bytearray(), time.monotonic() + LONGEST
            for block in response.iter_bytes():
                content += block
                if len(content) > MAX_PAGE:
                    raise SourceError(
                        f"the answer is over {MAX_PAGE} bytes", address, "set a smaller options.page_size"
                    )
                if time.monotonic() > end:
                    raise TryAgain(f"the answer took over {LONGEST:.0f} seconds")
        return bytes(content)


def needed(options: Mapping[str, Any], name: str) -> str:
    """Return an option as text; a SourceError says that it is missing."""
    if not options.get(name):
        raise SourceError(f"option “{name}” is missing", f"round.yml, options.{name}", "add it to the source")
    return str(options[name])


def number(options: Mapping[str, Any], name: str, default: float) -> float:
    """Return an option as a number, not negative; a SourceError says that it is none."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SourceError(
            f"option “{name}” is not a number", f"round.yml, options.{name}", "write a number, or leave it out"
        )
    return value


def secret_of(options: Mapping[str, Any]) -> str:
    """Return the token or password in the environment variable that `options.secret` names; empty where none does."""
    if not (variable := options.get("secret")):
        return ""
    if not (secret := os.environ.get(str(variable), "").strip()):
        remedy = "set it to the token or password of the portal's user"
        raise SourceError("the portal's token is not set", f"environment variable {variable}", remedy)
    return secret


def _address(options: Mapping[str, Any]) -> str:
    url = needed(options, "url").rstrip("/")
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in ("http", "https") or not parts.host or parts.userinfo:
        remedy = "write the portal's address such as https://portal.example, without user or password"
        raise SourceError("option “url” is no address of a portal", "round.yml, options.url", remedy)
    return url


def _check(response: httpx.Response, address: str) -> None:
    status = response.status_code
    if status in AGAIN:
        asked = response.headers.get("Retry-After", "")
        raise TryAgain(f"HTTP {status}", float(asked) if asked.isdecimal() else 0.0)
    if status != 200:
        remedy = REMEDIES.get(status, "check options.url: it must be the portal's final address")
        raise SourceError(f"the portal refuses with HTTP {status}", address, remedy)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
