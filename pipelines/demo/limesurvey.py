"""A small stand-in for LimeSurvey: serves responses from JSON Lines files by its RemoteControl 2 (JSON-RPC)."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from typing import Any

import orjson

from pipelines.demo.standin import Answer, Request, StandIn

PATH = "/index.php/admin/remotecontrol"


class Remote(StandIn):
    """Serves `<folder>/<survey>.jsonl`, each line a response with its `id`; `secret` is `user:password`.

    `sessions` are the keys given and not released.
    """

    below = PATH
    sessions: frozenset[str] = frozenset()

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        if request.method != "POST" or request.path != PATH:
            return Answer(b"<html>Survey</html>", 404)
        call = orjson.loads(request.body)
        method, parameters = call["method"], call["params"]
        self.requests[-1] = method if method == "get_session_key" else f"{method} {parameters[1:]}"  # no password
        if method == "get_session_key":
            return _said(self._begin(":".join(parameters)))
        if parameters[0] not in self.sessions:
            return _said({"status": "Invalid session key"})
        if method == "release_session_key":
            self.sessions -= {parameters[0]}
            return _said("OK")
        responses = self.records(str(parameters[1]))
        if responses is None:
            return _said({"status": "Error: Invalid survey ID"})
        if method == "get_summary":
            return _said(str(len(responses)), (str(len(responses) + 1), str(len(responses) - 1)))
        return _said(_exported(responses, *parameters[2:]))

    def _begin(self, given: str) -> Any:
        if self.secret and given != self.secret:
            return {"status": "Invalid user name or password"}
        key = f"session-{len(self.requests)}"
        self.sessions |= {key}
        return key


def _exported(
    responses: list[dict[str, Any]],
    kind: str,
    language: str,
    state: str,
    headings: str,
    answers: str,
    first: int,
    last: int,
) -> Any:
    """Return an export in base64; only what our connector may ask is served."""
    if not responses:
        return {"status": "No Data, could not get max id."}
    if (kind, state, headings, answers) != ("csv", "all", "code", "short"):
        return {"status": "Only codes are served here"}
    buffer = io.StringIO()
    table = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    names = list(dict.fromkeys(name for response in responses for name in response))
    table.writerow(names)
    chosen = sorted((one for one in responses if first <= one["id"] <= last), key=lambda one: one["id"])
    table.writerows([one.get(name, "") for name in names] for one in chosen)
    return b64encode(b"\xef\xbb\xbf" + buffer.getvalue().encode() + b"\r\n").decode()


def _said(result: Any, miscounted: tuple[Any, ...] = ()) -> Answer:
    right, *wrong = (orjson.dumps({"id": 1, "result": one, "error": None}) for one in (result, *miscounted))
    return Answer(right, miscounted=tuple(wrong))
