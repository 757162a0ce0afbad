"""The core of the stand-ins for portals: a small server on this machine that can be told what befalls its requests.

For the demonstration and for tests; each portal's pages are in a module of its own. It must not be used as a server
for real answers.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson

PUBLIC = "https://portal.example"  # what links name: the address that users see, not where this process listens
HANG = 1.0  # seconds of silence


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
    """Serves the files of a folder on a free port of this machine while the `with` block runs.

    Args:
        folder: where the files with records are; they are read anew for every request.
        secret: what a request must carry; empty: anybody may read.
        port: where to listen; 0 takes a free one.

    `troubles` is used up from the left, one a request; `requests` keeps the addresses asked for.
    """

    def __init__(self, folder: Path, secret: str = "", port: int = 0) -> None:
        """Bind the port; nothing is answered yet."""
        self.folder, self.secret = folder, secret
        self.troubles: deque[Trouble] = deque()
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, self))
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

    def answer(self, request: Request) -> Answer:
        """Return what the portal says when nothing is wrong."""
        raise NotImplementedError

    def records(self, form: str) -> list[dict[str, Any]] | None:
        """Return the records of `<form>.jsonl`, or None where there is no such form."""
        path = self.folder / f"{form}.jsonl"
        if not path.is_file():
            return None
        return [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


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
    """Answers one request for a stand-in."""

    def __init__(self, portal: StandIn, *arguments: Any) -> None:
        self.portal = portal
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
        self.portal.requests.append(self.path)
        trouble = self.portal.troubles.popleft() if self.portal.troubles else Trouble.NONE
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        authorization = self.headers.get("Authorization", "")
        answer = self.portal.answer(Request(self.command, address.path, query, authorization, body))
        left = troubled(answer, trouble, self.path) if answer.status == 200 else answer
        if left is None:
            time.sleep(HANG)
        else:
            self._send(left)

    def _send(self, answer: Answer) -> None:
        """Send status, headers and body; the length is the body's unless a header says otherwise."""
        self.send_response(answer.status)
        for name, value in dict([("Content-Length", str(len(answer.content))), *answer.headers]).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)


def serve(make: Callable[[Path, str, int], StandIn], secret: str) -> None:
    """Serve the folder and port of the command line until the process is ended."""
    make(Path(sys.argv[1]), secret, int(sys.argv[2])).server.serve_forever()
