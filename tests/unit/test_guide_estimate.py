"""The worked page for analysts and its notebook: every cell runs after those above it and prints what it shows."""

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "guide/estimate.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def notebook():
    return json.loads((DOCS / "guide/estimate.ipynb").read_text(encoding="utf-8"))


def test_every_cell_of_the_notebook_prints_what_it_shows(notebook):
    cells, names = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"], {}
    assert len(cells) >= 7 and sum(bool(cell["outputs"]) for cell in cells) >= 6
    for number, cell in enumerate(cells, start=1):
        printed, code = io.StringIO(), "".join(cell["source"])
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == "".join(line for output in cell["outputs"] for line in output["text"]), code
        assert cell["execution_count"] == number


def test_the_notebook_is_the_page_cell_by_cell(notebook, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])
    from notebook import notebook_json

    assert json.loads(notebook_json(PAGE)) == notebook, "run docs/generate.py"
    for cell in notebook["cells"]:
        assert "".join(cell["source"]) in PAGE
    ids = [cell["id"] for cell in notebook["cells"]]
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5) and len(ids) == len(set(ids))


def test_a_figure_on_the_page_is_what_a_reader_finds_by_hand():
    assert f"{(40 * 16 + 90 * 25) / 780:.4f}" in PAGE
