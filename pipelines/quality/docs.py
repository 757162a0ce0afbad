"""The folder of a gate's Data Docs: a static site that appears whole or not at all, also when tasks run at once.

It must not know what is on the pages.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def site_folder(target: Path | None) -> Iterator[Path | None]:
    """Give a temporary folder to build in, which takes the place of `target` at the end; None where none is wanted."""
    if target is None:
        yield None
        return
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
