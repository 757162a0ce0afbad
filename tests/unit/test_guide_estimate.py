"""The worked page for analysts: every block runs after those above it and prints what the page shows."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/guide/estimate.md"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def test_the_blocks_print_what_the_page_shows():
    blocks, names = BLOCK.findall(PAGE.read_text(encoding="utf-8")), {}
    assert len(blocks) >= 7
    for code, shown in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == shown, code


def test_a_figure_on_the_page_is_what_a_reader_finds_by_hand():
    text = PAGE.read_text(encoding="utf-8")
    assert f"{(40 * 16 + 90 * 25) / 780:.4f}" in text
