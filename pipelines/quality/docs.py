"""Data Docs of a gate: one page by the renderers of Great Expectations, which appears whole or not at all.

The page is whole in itself: it loads nothing, so it reads the same on a machine without internet, and nobody outside
learns who looks at it. It must not judge what it shows.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

VIEWS = Path(__file__).parent / "views"
PAGE = "index.html"


def write_docs(found: Sequence[Any], target: Path, name: str) -> None:
    """Write the page of what a gate found, one suite after the other, in place of the folder `target`."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    document, *others = (ValidationResultsPageRenderer().render(one) for one in found)
    for other in others:
        document.sections += other.sections
    page = _view().render(document, template="gate.j2", name=name, found=found)
    with site_folder(target) as folder:
        (folder / PAGE).write_text(page, encoding="utf-8")


@cache
def _view() -> Any:
    """Return the view with our page beside the templates of Great Expectations; compiling them takes its time."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(VIEWS))


@contextmanager
def site_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder to build in, which takes the place of `target` at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield building
        building.chmod(0o755)
        _take_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _take_place(new: Path, target: Path) -> None:
    """Rename over `target`; the last of several tasks wins. A folder that holds files must first step aside."""
    aside = new.with_name(f"{new.name}.old")
    while True:
        try:
            os.rename(new, target)  # noqa: PTH104 - the one atomic step
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        with suppress(FileNotFoundError):
            target.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
