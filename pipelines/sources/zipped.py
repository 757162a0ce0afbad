"""The one table of a zip: Google Forms hands its CSV out in one.

Nothing is written to disk, and a zip that says it is too large, or holds no table or several, is refused. It must not
read the table itself.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from pipelines.model.codes import RejectCode
from pipelines.model.source import Fault
from pipelines.sources.tables import Record

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
WORKBOOK = "[Content_Types].xml"  # what a file of Office holds
TABLES = (".csv", ".tsv", ".txt")
MAX_UNPACKED = 512_000_000  # bytes of the table
NOT_ONE = "tệp nén phải chứa đúng một bảng CSV · a zip must hold just one CSV table"
BROKEN = "tệp nén hỏng hoặc không phải XLSX, CSV · a broken zip, or neither XLSX nor CSV"


def is_workbook(stream: BinaryIO) -> bool:
    """Whether a zip is a workbook, or so broken that its reader should say why."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return WORKBOOK in archive.namelist()
    except ZIP_ERRORS:
        return True
    finally:
        stream.seek(0)


def megabytes(size: int, limit: int) -> str:
    """Return what is said of a size in bytes over its limit; a long number would be masked, as identities are."""
    return f"{size / 1e6:,.1f} > {limit / 1e6:,.1f} MB"


def records(stream: BinaryIO, read: Callable[[BinaryIO], Iterator[Record | Fault]]) -> Iterator[Record | Fault]:
    """Yield what `read` makes of the only table of a zip; what cannot be read further is one last fault."""
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = [part for part in archive.infolist() if _is_table(part.filename)]
            if len(parts) != 1:
                yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"{NOT_ONE} ({len(parts)} × CSV)")
            elif parts[0].file_size > MAX_UNPACKED:
                yield Fault(RejectCode.R105_TOO_LARGE, value=megabytes(parts[0].file_size, MAX_UNPACKED))
            else:
                with archive.open(parts[0]) as table:
                    yield from read(cast(BinaryIO, table))
    except ZIP_ERRORS as error:
        yield Fault(RejectCode.R101_UNREADABLE_FILE, value=f"{BROKEN} ({type(error).__name__}: {error})")


def _is_table(name: str) -> bool:
    return name.lower().endswith(TABLES) and not name.startswith("__MACOSX/")
