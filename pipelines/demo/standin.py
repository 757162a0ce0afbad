"""The core of the stand-ins for portals: a small server on this machine that can be told what befalls its requests.

For the demonstration and for tests; each portal's pages are in a module of its own. It must not be used as a server
for real answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

import orjson

PUBLIC = "https://portal.example"  # what links name: the address that users see, not where this process listens
HANG = 1.0  # seconds of silence
LOG = logging.getLogger(__name__)  # the troubles that befell requests


class Trouble(StrEnum):
    """What befalls one request."""

    NONE = "none"
    HANG = "hang"
    SERVER_ERROR = "server error"
    BUSY = "busy"  # 429 with Retry-After
    CUT_SHORT = "cut short"  # the body ends before its announced length
    NOT_JSON = "not json"  # a page for people, with status 200
    WRONG_COUNT = "wrong count"  # one more than there are
    LOW_COUNT = "low count"  # one fewer
    REDIRECT = "redirect"


@dataclass(frozen=True)
class Request:
    """What was asked: method, path without query, query, the `Authorization` header and the body."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered; `miscounted` is the same with one record more, and one fewer, counted than there are."""

    content: bytes
    status: int = 200
    miscounted: tuple[bytes, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


class StandIn:
    """A portal that serves the files of a folder, on a free port of this machine while the `with` block runs.

    Args:
        folder: where the files with records are; they are read anew for every request.
        secret: what a request must carry; empty: anybody may read.
        troubles: what befalls the first requests, one each.

    `troubles` is used up from the left; `requests` keeps the addresses asked for; `below` is how the paths of its
    requests begin, by which a server of several tells them apart.
    """

    below: ClassVar[str] = "/"

    def __init__(self, folder: Path, secret: str = "", troubles: Iterable[Trouble] = ()) -> None:
        """Take what is to be served; nothing listens yet."""
        self.folder, self.secret = folder, secret
        self.troubles = deque(troubles)
        self.requests: list[str] = []

    def __enter__(self) -> Self:
        """Begin to answer."""
        self.served = Served([self]).__enter__()
        self.url = self.served.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop and free the port."""
        self.served.__exit__(kind, error, traceback)

    def answer(self, request: Request) -> Answer:
        """Return what the portal says when nothing is wrong."""
        raise NotImplementedError

    def records(self, form: str) -> list[dict[str, Any]] | None:
        """Return the records of `<form>.jsonl`, or None where there is no such form."""
        path = self.folder / f"{form}.jsonl"
        if not path.is_file():
            return None
        return [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


class Served:
    """Stand-ins at one address: a request goes to the first whose paths begin as its own does."""

    def __init__(self, portals: Sequence[StandIn], port: int = 0) -> None:
        """Bind the port, 0 for a free one; nothing is answered yet."""
        self.server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, portals))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop and free the port."""
        self.server.shutdown()
        self.server.server_close()


def troubled(answer: Answer, trouble: Trouble, address: str) -> Answer | None:
    """Return what is left of an answer once the trouble befell it; None: silence."""
    match trouble:
        case Trouble.HANG:
            return None
        case Trouble.SERVER_ERROR:
            return Answer(b"<h1>Server Error (500)</h1>", 500)
        case Trouble.BUSY:
            return Answer(b'{"detail": "Request was throttled."}', 429, headers=(("Retry-After", "1"),))
        case Trouble.CUT_SHORT:
            length = ("Content-Length", str(len(answer.content)))
            return replace(answer, content=answer.content[: len(answer.content) // 2], headers=(length,))
        case Trouble.NOT_JSON:
            return Answer(b"<html>Sign in</html>")
        case Trouble.WRONG_COUNT | Trouble.LOW_COUNT:
            place = 0 if trouble is Trouble.WRONG_COUNT else 1
            return replace(answer, content=answer.miscounted[place] if answer.miscounted else answer.content)
        case Trouble.REDIRECT:
            return Answer(b"", 302, headers=(("Location", f"{PUBLIC}{address}"),))
    return answer


class _Handler(BaseHTTPRequestHandler):
    """Answers one request for the stand-in that it is for."""

    def __init__(self, portals: Sequence[StandIn], *arguments: Any) -> None:
        self.portals = portals
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with what the portal says, or with the trouble that is due."""
        self._serve(b"")

    def do_POST(self) -> None:
        """Answer likewise; the body goes to the portal."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was asked is in `StandIn.requests`."""

    def _serve(self, body: bytes) -> None:
        address = urlsplit(self.path)
        portal = next((one for one in self.portals if address.path.startswith(one.below)), None)
        if portal is None:
            return self._send(Answer(b"no portal is here", 404))
        portal.requests.append(self.path)
        trouble = portal.troubles.popleft() if portal.troubles else Trouble.NONE
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        authorization = self.headers.get("Authorization", "")
        answer = portal.answer(Request(self.command, address.path, query, authorization, body))
        if trouble is not Trouble.NONE:
            LOG.info("%s: %s", trouble, portal.requests[-1])
        left = troubled(answer, trouble, self.path) if answer.status == 200 else answer
        if left is None:
            return time.sleep(HANG)
        return self._send(left)

    def _send(self, answer: Answer) -> None:
        """Send status, headers and body; the length is the body's unless a header says otherwise."""
        self.send_response(answer.status)
        for name, value in dict([("Content-Length", str(len(answer.content))), *answer.headers]).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)
