"""The worked page for analysts as a Jupyter notebook: the same text and code, what each block prints as its output.

The page is the source; what it shows is tested by running it. Nothing is executed here.
"""

from __future__ import annotations

import json
import re
from typing import Any

BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook_json(page: str) -> str:
    """Return a Markdown page as a notebook (nbformat 4.5): Python blocks are cells, text blocks after them outputs."""
    cells: list[dict[str, Any]] = []
    end = 0
    for block in BLOCK.finditer(page):
        _add_text(cells, page[end : block.start()])
        number = sum(cell["cell_type"] == "code" for cell in cells) + 1
        _add(cells, "code", block["code"], execution_count=number, outputs=_outputs(block["shown"]))
        end = block.end()
    _add_text(cells, page[end:])
    notebook = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _add_text(cells: list[dict[str, Any]], text: str) -> None:
    if text.strip():
        _add(cells, "markdown", text.strip("\n"))


def _add(cells: list[dict[str, Any]], kind: str, source: str, **more: Any) -> None:
    number = len(cells) + 1
    lines = source.rstrip("\n").splitlines(keepends=True)
    cells.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines, **more})


def _outputs(shown: str | None) -> list[dict[str, Any]]:
    if not shown:
        return []
    return [{"name": "stdout", "output_type": "stream", "text": shown.splitlines(keepends=True)}]
