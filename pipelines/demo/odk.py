"""A small stand-in for ODK Central: serves submissions from JSON Lines files as its OData does, newest first."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlencode

import orjson

from pipelines.demo.standin import PUBLIC, Answer, Request, StandIn

MAX_TOP = 250


class Central(StandIn):
    """Serves `<folder>/<form>.jsonl` of any project; requests must carry `secret` (`user:password`) unless it is empty.

    The last line is the newest submission; one with a `deletedAt` is not listed.
    """

    below = "/v1/"

    def answer(self, request: Request) -> Answer:
        """Return a page of submissions."""
        if self.secret and request.authorization != f"Basic {b64encode(self.secret.encode()).decode()}":
            return Answer(b'{"code": 401.2, "message": "Could not authenticate."}', 401)
        match request.path.split("/"):
            case ["", "v1", "projects", _, "forms", form, "Submissions"]:
                return self._page(request, unquote(form.removesuffix(".svc")))
        return Answer(b'{"code": 404.1, "message": "Could not find the resource."}', 404)

    def _page(self, request: Request, form: str) -> Answer:
        listed = self.records(form)
        if listed is None:
            return Answer(b'{"code": 404.1, "message": "Could not find the resource."}', 404)
        newest = [one for one in reversed(listed) if not one["__system"].get("deletedAt")]
        after = request.query.get("$skiptoken", "")
        start = next((place for place, one in enumerate(newest, 1) if one["__id"] == after), 0)
        end = start + min(int(request.query.get("$top", MAX_TOP)), MAX_TOP)
        page: dict[str, Any] = {"@odata.context": f"{PUBLIC}{request.path}/$metadata#Submissions"}
        if end < len(newest):
            place = urlencode({**request.query, "$skiptoken": newest[end - 1]["__id"]})
            page["@odata.nextLink"] = f"{PUBLIC}{request.path}?{place}"
        page["value"] = newest[start:end]
        if request.query.get("$count") != "true":
            return Answer(orjson.dumps(page))
        right, *wrong = (orjson.dumps({**page, "@odata.count": len(newest) + more}) for more in (0, 1, -1))
        return Answer(right, miscounted=tuple(wrong))
