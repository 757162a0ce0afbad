"""The vault: what respondents say of who they are, encrypted, in a place of its own outside lake and warehouse.

One folder a landed object, one file a block, so that conforming again replaces what it wrote and memory is bounded by a
block. Whoever writes needs the recipient only; whoever reads needs the identity file. A row holds pseudonyms and never
the identity of a response as the lake has it, so that without the year's key nobody joins the two.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake import Lake
from pipelines.privacy.age_files import ENCRYPTED, decrypted, encrypting

SCHEMA = pa.schema(
    [
        pa.field("round_id", pa.string()),
        pa.field("year", pa.int32()),
        pa.field("response", pa.string()),  # pseudonym of the response
        pa.field("person", pa.string()),  # pseudonym of the person; null where no field tells people apart
        pa.field("field", pa.string()),
        pa.field("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class Vault:
    """Encrypted rows under a root of their own; `encrypt` copies a stream encrypted."""

    store: Lake
    encrypt: Callable[[BinaryIO, BinaryIO], None]

    @classmethod
    def at(cls, root: str, recipients: str) -> Vault:
        """Open a vault for writing; an InputError where no recipient is named."""
        return cls(Lake(root), encrypting(recipients))

    def write(self, folder: str, number: int, rows: pa.Table) -> None:
        """Write one block of an object."""
        plain, sealed = io.BytesIO(), io.BytesIO()
        pq.write_table(rows, plain, compression="zstd")
        plain.seek(0)
        self.encrypt(plain, sealed)
        self.store.write_bytes(_part(folder, number), sealed.getvalue())

    def keep_only(self, folder: str, parts: int) -> None:
        """Remove what an earlier run wrote of an object beyond its first blocks."""
        for path in self.parts(folder):
            if path >= _part(folder, parts):
                self.store.remove(path)

    def parts(self, folder: str) -> list[str]:
        """Return the files of an object, or of all that a pattern names."""
        return self.store.glob(f"{folder}/*{ENCRYPTED}")

    def read(self, path: str, identities: Path | None) -> pa.Table:
        """Return the rows of a file."""
        with self.store.fs.open(self.store.full(path), "rb") as stream, decrypted(stream, path, identities) as plain:
            return pq.read_table(plain)

    def without(self, folder: str, responses: set[str], identities: Path | None) -> int:
        """Remove the rows of some responses (pseudonyms) from all files; return how many responses had any."""
        gone: set[str] = set()
        for path in self.parts(folder):
            rows = self.read(path, identities)
            hit = [one in responses for one in rows["response"].to_pylist()]
            if any(hit):
                gone |= {one for one in rows["response"].to_pylist() if one in responses}
                kept = rows.filter(pa.array([not one for one in hit]))
                self._replace(path, kept)
        return len(gone)

    def rows(self, folder: str, identities: Path | None) -> Iterator[dict[str, str]]:
        """Yield the rows of all files that a pattern names."""
        for path in self.parts(folder):
            yield from self.read(path, identities).to_pylist()

    def _replace(self, path: str, rows: pa.Table) -> None:
        folder, _, name = path.rpartition("/")
        self.write(folder, int(name.removesuffix(ENCRYPTED)), rows)


def vault_folder(year: int | str, round_id: str, source: str, sha256: str) -> str:
    """Folder of one landed object in the vault; `*` for any."""
    return f"year={year}/round={round_id}/source={source}/{sha256}"


def _part(folder: str, number: int) -> str:
    return f"{folder}/{number:06d}{ENCRYPTED}"
