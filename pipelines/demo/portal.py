"""A small stand-in for KoboToolbox: serves submissions from JSON Lines files as its API v2 does, page by page.

For the demonstration and for tests: it can be told what shall befall the next requests. It must not be used as a
server for real answers.

    python -m pipelines.demo.portal FOLDER PORT
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

PUBLIC = "https://portal.example"  # what `next` names: the address that users see, not where this process listens
DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000
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
    REDIRECT = "redirect"


class Portal:
    """Serves `<folder>/<asset>.jsonl` on a free port of this machine while the `with` block runs.

    Args:
        folder: where the files with submissions are; they are read anew for every request.
        token: what a request must carry; empty: anybody may read.
        port: where to listen; 0 takes a free one.

    `troubles` is used up from the left, one a request; `requests` keeps the paths asked for.
    """

    def __init__(self, folder: Path, token: str = "", port: int = 0) -> None:
        """Bind the port; nothing is answered yet."""
        self.folder, self.token = folder, token
        self.troubles: deque[Trouble] = deque()
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, self))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Portal:
        """Begin to answer."""
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop and free the port."""
        self.server.shutdown()
        self.server.server_close()

    def page(self, asset: str, query: dict[str, list[str]]) -> dict[str, Any] | None:
        """Return the page that a query asks for, or None where there is no such form."""
        path = self.folder / f"{asset}.jsonl"
        if not path.is_file():
            return None
        submissions = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        submissions.sort(key=lambda submission: submission["_id"])
        start = int(query.get("start", ["0"])[0])
        limit = min(int(query.get("limit", [str(DEFAULT_LIMIT)])[0]), MAX_LIMIT)
        end = start + limit
        address = f"{PUBLIC}/api/v2/assets/{asset}/data.json?limit={limit}&start="
        return {
            "count": len(submissions),
            "next": f"{address}{end}" if end < len(submissions) else None,
            "previous": f"{address}{max(start - limit, 0)}" if start > 0 else None,
            "results": submissions[start:end],
        }


class _Handler(BaseHTTPRequestHandler):
    """Answers one request for a portal."""

    def __init__(self, portal: Portal, *arguments: Any) -> None:
        self.portal = portal
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with a page of submissions, or with the trouble that is due."""
        self.portal.requests.append(self.path)
        trouble = self.portal.troubles.popleft() if self.portal.troubles else Trouble.NONE
        if self.portal.token and self.headers.get("Authorization") != f"Token {self.portal.token}":
            self._answer(401, b'{"detail": "Invalid token."}')
        elif (page := self._page()) is None:
            self._answer(404, b'{"detail": "Not found."}')
        else:
            self._answer_page(page, trouble)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was asked is in `Portal.requests`."""

    def _page(self) -> dict[str, Any] | None:
        address = urlsplit(self.path)
        match address.path.split("/"):
            case ["", "api", "v2", "assets", asset, "data.json"]:
                return self.portal.page(asset, parse_qs(address.query))
        return None

    def _answer_page(self, page: dict[str, Any], trouble: Trouble) -> None:
        if trouble is Trouble.WRONG_COUNT:
            page["count"] += 1
        content = orjson.dumps(page)
        match trouble:
            case Trouble.HANG:
                time.sleep(HANG)
            case Trouble.SERVER_ERROR:
                self._answer(500, b"<h1>Server Error (500)</h1>")
            case Trouble.BUSY:
                self._answer(429, b'{"detail": "Request was throttled."}', ("Retry-After", "1"))
            case Trouble.CUT_SHORT:
                self._answer(200, content[: len(content) // 2], ("Content-Length", str(len(content))))
            case Trouble.NOT_JSON:
                self._answer(200, b"<html>Sign in</html>")
            case Trouble.REDIRECT:
                self._answer(302, b"", ("Location", f"{PUBLIC}{self.path}"))
            case _:
                self._answer(200, content)

    def _answer(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
        """Send status, headers and body; the length is the body's unless a header says otherwise."""
        self.send_response(status)
        for name, value in dict([("Content-Length", str(len(content))), *headers]).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve a folder until the process is ended; the token is in `HAILONG_PORTAL_TOKEN`."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    Portal(folder, os.environ.get("HAILONG_PORTAL_TOKEN", ""), port).server.serve_forever()


if __name__ == "__main__":
    main()
