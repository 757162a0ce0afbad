"""Writes the pages of `docs/` that follow from declarations; with `--check` it says which are out of date instead.

It must hold no text of its own: a page is generated where what it describes is declared.

    python docs/generate.py [--check]
"""

from __future__ import annotations

import html
import sys
from pathlib import Path

import typer
from dags_page import dags_markdown
from notebook import notebook_json
from typer.cli import get_docs_for_click

from pipelines.cli import app
from pipelines.release.states import states_markdown
from pipelines.warehouse import dictionary_markdown, load_catalogue

DOCS = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Return every generated page: path → text."""
    dictionary = dictionary_markdown(load_catalogue(DOCS.parent))
    return {
        **{DOCS / "dictionary" / name: text for name, text in dictionary.items()},
        DOCS / "operations" / "release-states.md": states_markdown(),
        DOCS / "operations" / "commands.md": commands_markdown(),
        DOCS / "operations" / "dags.md": dags_markdown(),
        DOCS / "guide" / "estimate.ipynb": notebook_json((DOCS / "guide" / "estimate.md").read_text(encoding="utf-8")),
    }


def commands_markdown() -> str:
    """Return the reference of the command line as typer writes it."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="hailong")
    return html.unescape(get_docs_for_click(obj=command, ctx=context, name="hailong")).strip() + "\n"


def main() -> int:
    """Write or check the pages; return 1 where a checked one differs."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is out of date: run `make docs`")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(DOCS.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
