"""Finds methods in folders and loads them: adding a method is adding a folder `<programme>/<version>/`.

Folders of one's own come before the built-in ones. It must not know what is in a method's files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pipelines.methods.consistency import check_method
from pipelines.methods.form_crosswalk import load_crosswalks
from pipelines.methods.mapping_file import check_mappings, read_mappings
from pipelines.methods.method_file import parse_method
from pipelines.methods.xlsform import load_instrument
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.round import Mapping

BUILT_IN = Path(__file__).parent


def list_methods(roots: Sequence[Path] = ()) -> list[tuple[str, str]]:
    """Return (programme, version) of every method found, sorted."""
    return sorted(_folders(roots))


def load_method(programme: str, version: str, roots: Sequence[Path] = ()) -> Method:
    """Load a method with its instruments (every XLSX beside `method.yml`), checked.

    Raises:
        InputError: where there is none, or anything in it is wrong; naming file, field and remedy.
    """
    folders = _folders(roots)
    if (programme, version) not in folders:
        known = ", ".join("/".join(key) for key in sorted(folders))
        places = ", ".join(str(root) for root in (*roots, BUILT_IN))
        raise InputError(f"there is no method {programme}/{version}", places, f"use one of: {known}")
    return _load(folders[programme, version])


def load_mappings(method: Method, source: str) -> tuple[Mapping, ...]:
    """Return the mappings that the method's folder has for a source, checked against its forms; none: empty.

    Raises:
        InputError: naming file, key and remedy.
    """
    path = Path(method.folder) / "mappings" / f"{source}.yml"
    if not path.is_file():
        return ()
    mappings = read_mappings(path.read_bytes(), str(path))
    check_mappings(mappings, method, str(path))
    return mappings


def folder_sha256(files: Iterable[tuple[str, bytes]]) -> str:
    """Return one SHA-256 over files as (path in the folder, bytes), whatever their order."""
    digest = hashlib.sha256()
    for name, content in sorted(files):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def is_content(name: str) -> bool:
    """Whether a file belongs to a folder; hidden files and the lock that Excel keeps beside an open one do not."""
    return not name.startswith((".", "~$"))


def _folders(roots: Sequence[Path]) -> dict[tuple[str, str], Path]:
    found = (path.parent for root in (*roots, BUILT_IN) for path in sorted(root.glob("*/*/method.yml")))
    folders: dict[tuple[str, str], Path] = {}
    for folder in found:
        folders.setdefault((folder.parent.name, folder.name), folder)
    return folders


def _load(folder: Path) -> Method:
    files = (file for file in folder.rglob("*") if file.is_file() and is_content(file.name))
    return _read(folder, folder_sha256((file.relative_to(folder).as_posix(), file.read_bytes()) for file in files))


@lru_cache(maxsize=64)  # workbooks are slow to read, and every stage asks; another content is another hash
def _read(folder: Path, sha256: str) -> Method:
    path = folder / "method.yml"
    instruments = tuple(load_instrument(book) for book in sorted(folder.glob("*.xlsx")) if is_content(book.name))
    method = parse_method(path.read_bytes(), str(path), instruments, str(folder), sha256)
    method = replace(method, crosswalks=load_crosswalks(folder, instruments))
    if (method.programme, method.version) != (folder.parent.name, folder.name):
        remedy = f"write programme: {folder.parent.name} and version: {folder.name!r}, or rename the folder"
        raise InputError(f"the file is of method {method.id}", str(path), remedy)
    check_method(method, str(path))
    return method
