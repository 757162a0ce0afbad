"""The review screen: a small web server on this machine only, for one round.

It serves one page without anything from elsewhere, the open items, their pictures, and takes decisions. Whoever has
not the address with its token gets nothing, and nobody sees an item before it was noted who does. It must not know how
a decision is used.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pipelines.lake import Lake
from pipelines.model.errors import HailongError, StateError
from pipelines.paper import places
from pipelines.paper.review import decide, queue_of

PAGE = Path(__file__).with_name("review.html").read_bytes()
HOST = "127.0.0.1"
LARGEST = 64_000  # bytes of a decision
MOST = 50  # items sent at once
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class ReviewServer(ThreadingHTTPServer):
    """Serves the open items of a round, and keeps what is decided."""

    daemon_threads = True

    def __init__(
        self, lake: Lake, round_id: str, port: int, now: Callable[[], datetime], note: Callable[[str, str], None]
    ) -> None:
        """Listen on a port of this machine; 0 takes a free one. `note` is told person and item before it is shown."""
        self.lake, self.round_id, self.now, self._note = lake, round_id, now, note
        self._shown: dict[str, set[str]] = {}  # item → by whom it was seen
        self.token = secrets.token_urlsafe(16)
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        return f"http://{HOST}:{self.server_port}/?t={self.token}"

    def show(self, person: str, item: str) -> None:
        """Note once that a person sees an item; from now on its picture is served."""
        if person not in self._shown.get(item, ()):
            self._note(person, item)
            self._shown.setdefault(item, set()).add(person)

    def is_shown(self, item: str) -> bool:
        """Whether somebody was noted to see an item."""
        return item in self._shown

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of everything but a browser that went away in the middle of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    server_version, sys_version = "hailong", ""
    timeout = 30

    def do_GET(self) -> None:
        path = self._allowed_path()
        if path is None:
            return
        if path == "/":
            self._send(PAGE, "text/html; charset=utf-8")
        elif path == "/items":
            self._send_items(parse_qs(urlsplit(self.path).query).get("person", [""])[0])
        elif path.startswith("/crop/"):
            self._send_crop(unquote(path.removeprefix("/crop/")))
        else:
            self._send_json({"error": "not here"}, HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        path = self._allowed_path()
        if path is None:
            return
        try:
            length = int(self.headers.get("Content-Length", ""))
            if path != "/decisions" or not 0 < length <= LARGEST:
                raise ValueError(path)
            said = json.loads(self.rfile.read(length))
            item, value, person, known = (said[name] for name in ("item", "value", "person", "known"))
            if not all(isinstance(one, str) for one in (item, value, person)) or type(known) is not int:
                raise ValueError(said)
        except (ValueError, KeyError, TypeError):
            self._send_json({"error": "not understood"}, HTTPStatus.BAD_REQUEST)
            return
        self._decide(item, value, person, known)

    def _send_items(self, person: str) -> None:
        queue = queue_of(self.server.lake, self.server.round_id, person, MOST)
        for item, _ in queue.items:
            self.server.show(person.strip(), item.id)
        found = [asdict(item) | {"known": known} for item, known in queue.items]
        self._send_json({"open": queue.open, "mine": queue.mine, "items": found})

    def _decide(self, item: str, value: str, person: str, known: int) -> None:
        server = self.server
        try:
            decision = decide(server.lake, server.round_id, item, value, person, server.now(), known)
        except StateError as error:
            self._send_json({"error": error.what}, HTTPStatus.CONFLICT)
            return
        except HailongError as error:
            self._send_json({"error": f"{error.what} · {error.remedy}"}, HTTPStatus.UNPROCESSABLE_ENTITY)
            return
        self._send_json(asdict(decision))

    def _allowed_path(self) -> str | None:
        """Return the path where the token is right and the request was meant for this server; else refuse."""
        parts = urlsplit(self.path)
        given = parse_qs(parts.query).get("t", [""])[0] or self.headers.get("X-Token", "")
        is_ours = self.headers.get("Host") == f"{HOST}:{self.server.server_port}"
        if is_ours and hmac.compare_digest(given.encode(), self.server.token.encode()):
            return parts.path
        self._send_json({"error": "open the address that the command printed"}, HTTPStatus.FORBIDDEN)
        return None

    def _send_crop(self, item_id: str) -> None:
        path = places.crop(self.server.round_id, item_id)
        if not self.server.is_shown(item_id) or not self.server.lake.exists(path):
            self._send_json({"error": "not here"}, HTTPStatus.NOT_FOUND)
        else:
            self._send(self.server.lake.read_bytes(path), "image/png")

    def _send_json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(value, ensure_ascii=False).encode(), "application/json; charset=utf-8", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the address holds the token."""
