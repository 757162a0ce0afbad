"""Data Docs in Airflow's menu (Browse → Data Docs): what each gate found, the newest first, read from the lake.

For people who are logged in to Airflow, read-only; of a local lake it shows the folder `docs/` and no more of `gates/`
than how many checks failed. Every
Airflow process imports this file, also each task, so what only the web server needs is imported when it is asked for.
"""

import html
import json
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/data-docs"
HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:",  # a page may fetch nothing from elsewhere
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
PAGE = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><title>Data Docs</title>
<style>body{{font-family:system-ui,sans-serif;margin:2rem}}td,th{{padding:.3rem 1.2rem .3rem 0;text-align:left}}
.stopped{{color:#a11}}.warned{{color:#850}}.passed{{color:#162}}</style>
<h1>Kết quả các cổng chất lượng <small>Data Docs of the gates</small></h1>
<p>{note}</p>
<table><thead><tr><th>Cổng · gate<th>Kết quả · outcome<th>Lúc (UTC) · at (UTC)</thead><tbody>
{rows}
</tbody></table></html>
"""


def folder() -> Path | None:
    """Return the folder of all Data Docs; None where the lake is not on this machine."""
    from pipelines.lake import Lake, docs
    from pipelines.settings import Settings

    lake = Lake(Settings.from_environment().data)
    return Path(lake.full(docs(""))) if lake.is_local else None


def index(root: Path | None) -> str:
    """Return the page that lists every gate with Data Docs, the newest first."""
    pages = sorted(root.glob("[!.]*/index.html"), key=lambda page: (-page.stat().st_mtime, page)) if root else []
    note = "" if pages else "Chưa có cổng nào chạy trên hồ dữ liệu này. · No gate has run on this lake yet."
    if root is None:
        note = "Hồ dữ liệu không nằm trên máy này. · The lake is not on this machine."
    return PAGE.format(note=note, rows="\n".join(_row(page, _outcome(page)) for page in pages))


@cache
def application() -> Any:
    """Return the web application, made at the first request."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI, HTTPException, Request, Response
    from fastapi.responses import HTMLResponse
    from fastapi.staticfiles import StaticFiles

    app = FastAPI(title="Data Docs", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    def list_gates() -> HTMLResponse:
        return HTMLResponse(index(folder()), headers=HEADERS)

    @app.get("/{path:path}")
    async def show(path: str, request: Request) -> Response:
        root = folder()
        if root is None:
            raise HTTPException(404)
        response = await StaticFiles(directory=root, html=True).get_response(path, request.scope)
        response.headers.update(HEADERS)
        return response

    return app


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    await application()(scope, receive, send)


def _row(page: Path, outcome: str) -> str:
    name = page.parent.name
    at = datetime.fromtimestamp(page.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f'<tr><td><a href="{quote(name)}/">{html.escape(name)}</a><td>{outcome}<td>{at}'


def _outcome(page: Path) -> str:
    """Say how many checks of the gate failed, by severity."""
    key = page.parent.name.removesuffix("~scores")
    gate = "responses" if key == page.parent.name else "scores"
    results = page.parents[2].glob(f"gates/*/{gate}/{key}.json")
    checks = [check for path in results for check in json.loads(path.read_bytes())["checks"]]
    failed = Counter(check["severity"] for check in checks if not check["passed"])
    if failed["critical"]:
        return f'<span class="stopped">✕ {failed["critical"]} lỗi phải dừng · critical</span>'
    if failed["warning"]:
        return f'<span class="warned">! {failed["warning"]} cảnh báo · warnings</span>'
    return f'<span class="passed">✓ {len(checks)} đạt · passed</span>' if checks else "…"


class DataDocs(AirflowPlugin):
    """The page, and where the menu shows it."""

    name = "data_docs"
    fastapi_apps = [{"app": serve, "url_prefix": PREFIX, "name": name}]  # noqa: RUF012 - as Airflow wants it
    external_views = [  # noqa: RUF012 - as Airflow wants it
        {
            "name": "Data Docs",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "category": "browse",
            "url_route": "data_docs",
        }
    ]
