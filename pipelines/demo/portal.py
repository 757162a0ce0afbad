"""A small stand-in for KoboToolbox: serves submissions from JSON Lines files as its API v2 does, page by page."""

from __future__ import annotations

import orjson

from pipelines.demo.standin import PUBLIC, Answer, Request, StandIn
from pipelines.demo.standin import Trouble as Trouble

DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000


class Portal(StandIn):
    """Serves `<folder>/<asset>.jsonl`; requests must carry the token `secret` unless it is empty."""

    below = "/api/v2/"

    def answer(self, request: Request) -> Answer:
        """Return a page of submissions."""
        if self.secret and request.authorization != f"Token {self.secret}":
            return Answer(b'{"detail": "Invalid token."}', 401)
        match request.path.split("/"):
            case ["", "api", "v2", "assets", asset, "data.json"]:
                return self._page(asset, int(request.query.get("start", 0)), request.query.get("limit"))
        return Answer(b'{"detail": "Not found."}', 404)

    def _page(self, asset: str, start: int, asked: str | None) -> Answer:
        submissions = self.records(asset)
        if submissions is None:
            return Answer(b'{"detail": "Not found."}', 404)
        submissions.sort(key=lambda submission: submission["_id"])
        limit = min(int(asked or DEFAULT_LIMIT), MAX_LIMIT)
        end = start + limit
        address = f"{PUBLIC}/api/v2/assets/{asset}/data.json?limit={limit}&start="
        page = {
            "count": len(submissions),
            "next": f"{address}{end}" if end < len(submissions) else None,
            "previous": f"{address}{max(start - limit, 0)}" if start > 0 else None,
            "results": submissions[start:end],
        }
        wrong = tuple(orjson.dumps({**page, "count": len(submissions) + more}) for more in (1, -1))
        return Answer(orjson.dumps(page), miscounted=wrong)
