"""The lake: content-addressed and atomic files under one root, local or any fsspec URL.

The only module that writes files of the lake; a reader sees either the old file or the new one. It knows where each
kind of file lies, and nothing about what is in it. A path that ends in `.age` is encrypted on its way in and out.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from pipelines.privacy.age_files import ENCRYPTED, AgeKeys, decrypted, encrypting

BLOCK = 1 << 20
UNFINISHED = re.compile(r"/\.[^/]*\.tmp$")


class Lake:
    """Files under `root`; all paths in the interface are relative to it, with forward slashes."""

    def __init__(self, root: str, keys: AgeKeys | None = None) -> None:
        """Open the root; nothing is created until something is written. `keys` are those of encrypted files."""
        self.fs, self.root = fsspec.core.url_to_fs(root)
        self.keys = keys or AgeKeys()
        self.is_local = isinstance(self.fs, LocalFileSystem)

    def full(self, path: str) -> str:
        """Return the path as the file system knows it."""
        return f"{self.root}/{path}"

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return bool(self.fs.exists(self.full(path)))

    def glob(self, pattern: str) -> list[str]:
        """Return the relative paths that match, sorted; not what a killed process was still writing."""
        prefix = len(self.root.rstrip("/")) + 1
        found = (str(path)[prefix:] for path in self.fs.glob(self.full(pattern)))
        return sorted(path for path in found if not UNFINISHED.search(path))

    def find(self, folder: str) -> list[str]:
        """Return the relative paths of all files below a folder, hidden ones too, sorted."""
        prefix = len(self.root.rstrip("/")) + 1
        return sorted(str(found)[prefix:] for found in self.fs.find(self.full(folder)))

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes; an encrypted one is decrypted to a temporary file without a name."""
        stream: BinaryIO = self.fs.open(self.full(path), "rb")
        if not path.endswith(ENCRYPTED):
            return stream
        with stream:
            return decrypted(stream, path, self.keys.identities)

    def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes."""
        return bytes(self.fs.cat_file(self.full(path)))

    def read_json(self, path: str) -> Any:
        """Return a JSON file's value."""
        return json.loads(self.read_bytes(path))

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Return a Parquet file as a table."""
        return pq.read_table(self.full(path), columns=columns, filesystem=self.fs, partitioning=None)

    def write_bytes(self, path: str, content: bytes) -> str:
        """Write a file in one step and return its SHA-256."""
        temporary = self._temporary(path)
        with self.fs.open(temporary, "wb") as stream:
            stream.write(content)
        self._rename(temporary, path)
        return hashlib.sha256(content).hexdigest()

    def write_json(self, path: str, value: Any) -> str:
        """Write a value as JSON with sorted keys (same value, same bytes) and return its SHA-256."""
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
        return self.write_bytes(path, (text + "\n").encode())

    def write_table(self, path: str, table: pa.Table) -> str:
        """Write a table as Parquet (zstd) in one step and return the file's SHA-256."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", use_dictionary=texts_of(table.schema))
        return self.write_bytes(path, sink.getvalue().to_pybytes())

    def write_tables(self, path: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """Write tables one after the other as one Parquet file (zstd), in one step; each is a row group of its own."""
        temporary, encoded = self._temporary(path), texts_of(schema)
        try:
            with (
                self.fs.open(temporary, "wb") as sink,
                pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=encoded) as writer,
            ):
                for table in tables:
                    writer.write_table(table)
        except BaseException:
            self.fs.rm(temporary)
            raise
        self._rename(temporary, path)

    def land(self, stream: BinaryIO, path_of: str) -> tuple[str, int, str]:
        """Copy a stream block by block to `path_of.format(sha256=…)`; return hash, size and path.

        Hash and size are those of the plain bytes, also where the file is encrypted. The name is known only after the
        last byte, so the bytes go to a temporary name first; it goes again where the stream fails.
        """
        temporary, counted = self._temporary(path_of.format(sha256="incoming")), _Counted(stream)
        copy = encrypting(self.keys.recipients) if path_of.endswith(ENCRYPTED) else _copy
        try:
            with self.fs.open(temporary, "wb") as sink:
                copy(cast(BinaryIO, counted), sink)
        except BaseException:
            self.fs.rm(temporary)
            raise
        sha256 = counted.digest.hexdigest()
        path = path_of.format(sha256=sha256)
        self._rename(temporary, path)
        return sha256, counted.size, path

    def remove(self, path: str) -> None:
        """Remove a file or folder that is there."""
        if self.exists(path):
            self.fs.rm(self.full(path), recursive=True)

    def protect(self, folder: str) -> None:
        """Make a local folder's files read-only; object stores have locks of their own."""
        for path in self.find(folder) if self.is_local else ():
            os.chmod(self.full(path), 0o444)  # noqa: PTH101 - fsspec's own strings

    def move_folder(self, source: str, target: str, last: str) -> None:
        """Give a finished folder its name: locally in one step, elsewhere file by file with the file `last` at the end.

        Whoever looks for `last` first therefore never sees half a folder. An OSError says that the target is taken.
        """
        if self.is_local:
            os.rename(self.full(source), self.full(target))  # noqa: PTH104 - replaces no folder that holds files
            return
        names = [path[len(source) + 1 :] for path in self.find(source)]
        for name in sorted(names, key=lambda name: (name == last, name)):
            self.fs.mv(self.full(f"{source}/{name}"), self.full(f"{target}/{name}"))

    def _temporary(self, path: str) -> str:
        folder, _, name = self.full(path).rpartition("/")
        self.fs.makedirs(folder, exist_ok=True)
        return f"{folder}/.{name}.{uuid.uuid4().hex[:8]}.tmp"

    def _rename(self, temporary: str, path: str) -> None:
        if self.is_local:
            os.replace(temporary, self.full(path))  # noqa: PTH105 - the one atomic step, on fsspec's own strings
        else:
            self.fs.mv(temporary, self.full(path))


class _Counted:
    """A stream that hashes and counts what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.digest, self.size = stream, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.digest.update(block)
        self.size += len(block)
        return block


def _copy(stream: BinaryIO, sink: BinaryIO) -> None:
    for block in blocks(stream):
        sink.write(block)


def texts_of(schema: pa.Schema) -> list[str]:
    """Return the columns of text, which Parquet keeps best as a dictionary; small whole numbers only grow by it."""
    return [field.name for field in schema if pa.types.is_string(field.type)]


def sha256_of(stream: BinaryIO) -> str:
    """Return the SHA-256 of a stream's remaining bytes, read block by block."""
    digest = hashlib.sha256()
    for block in blocks(stream):
        digest.update(block)
    return digest.hexdigest()


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream's bytes in blocks."""
    while block := stream.read(BLOCK):
        yield block


# Where each kind of file lies.


def landing(source: str, day: str) -> str:
    """Raw bytes by hash; `{sha256}` is filled in by `Lake.land`."""
    return f"landing/{source}/{day}/{{sha256}}"


def receipt(round_id: str, source: str, sha256: str) -> str:
    """What is known of landed bytes: name, size, when."""
    return f"receipts/{round_id}/{source}/{sha256}.json"


def cursor(round_id: str, source: str) -> str:
    """Where fetching of a source continues for a round."""
    return f"cursors/{round_id}/{source}.json"


def conformed(round_id: str, source: str, month: str, sha256: str) -> str:
    """Responses of one landed object that fall in one month."""
    return f"conformed/round={round_id}/source={source}/month={month}/{sha256}.parquet"


def rejects(round_id: str, source: str, stage: str, key: str) -> str:
    """Rejected and duplicate rows of one stage; `key` is a hash (conform) or a month (screen)."""
    return f"rejects/round={round_id}/source={source}/stage={stage}/{key}.parquet"


def closed_month(round_id: str, month: str) -> str:
    """Who closed a month of a round."""
    return f"closed/{round_id}/{month}/closed.json"


def closed_revision(round_id: str, month: str, source: str, number: str) -> str:
    """What a revision changed in one source of a closed month; 0000 is the closing."""
    return f"closed/{round_id}/{month}/{source}/{number}.json"


def closed_content(round_id: str, month: str, source: str, number: str) -> str:
    """Which responses counted after the latest revision of one source of a closed month."""
    return f"closed/{round_id}/{month}/{source}/{number}.parquet"


def corrected(round_id: str, source: str, sha256: str) -> str:
    """What came of the corrections in one landed object."""
    return f"corrected/round={round_id}/source={source}/{sha256}.parquet"


def replay_before(round_id: str) -> str:
    """What was refused when a replay began; it goes when its outcome is told."""
    return f"replays/{round_id}/before.parquet"


def stale(round_id: str, source: str, month: str) -> str:
    """Mark of a month whose responses are to be screened again; it goes when the month is tallied."""
    return f"stale/{round_id}/{source}/{month}"


def responses(programme: str, round_id: str, month: str, source: str) -> str:
    """Accepted responses of one partition."""
    return f"responses/programme={programme}/round={round_id}/month={month}/source={source}/responses.parquet"


def tallies(programme: str, round_id: str, month: str, source: str) -> str:
    """Additive totals of one partition."""
    return f"tallies/programme={programme}/round={round_id}/month={month}/source={source}/tally.parquet"


def weighted_tallies(programme: str, round_id: str, month: str, source: str) -> str:
    """Additive totals of one partition under the round's final weights."""
    return f"tallies/programme={programme}/round={round_id}/month={month}/source={source}/weighted.parquet"


def published_scores(round_id: str, source: str, sha256: str) -> str:
    """Scores of leaves that somebody published, from one landed table."""
    return f"published/round={round_id}/source={source}/{sha256}.parquet"


def conformed_records(round_id: str, source: str, sha256: str) -> str:
    """Records (dossiers, values of indicators) of one landed object."""
    return f"records/round={round_id}/source={source}/{sha256}.parquet"


def records(round_id: str, source: str) -> str:
    """Accepted records of a source, each once."""
    return f"accepted/round={round_id}/source={source}/records.parquet"


def run_report(round_id: str, stage: str, key: str) -> str:
    """The report of one stage on one partition."""
    return f"runs/{round_id}/{stage}/{key}.json"


def gate_result(round_id: str, gate: str, key: str) -> str:
    """What a gate found on one partition."""
    return f"gates/{round_id}/{gate}/{key}.json"


def docs(key: str) -> str:
    """Folder of the Data Docs of a gate's last run on one partition."""
    return f"docs/{key}"


def result(round_id: str, name: str) -> str:
    """A computed table of the round, e.g. `index_score`."""
    return f"results/{round_id}/{name}.parquet"


def sample(round_id: str, name: str) -> str:
    """Who was drawn for a round, e.g. `sample.csv`, and how, e.g. `sample.json`."""
    return f"samples/{round_id}/{name}"


def ledger_leaves(round_id: str, source: str, first: str) -> str:
    """Leaves that one batch added to the ledger of a source; `first` is the number of its first leaf."""
    return f"ledger/round={round_id}/source={source}/leaves/{first}.parquet"


def ledger_head(round_id: str, source: str, size: str) -> str:
    """The tree head of the ledger of a source at a size."""
    return f"ledger/round={round_id}/source={source}/heads/{size}.json"


def tombstone(round_id: str, response_id: str) -> str:
    """Mark of a response from which the person was erased; what is conformed again honours it."""
    return f"erasures/{round_id}/{response_id}.json"


def sealed(round_id: str) -> str:
    """Mark of a round whose answers were removed when their time was over; its results stay."""
    return f"sealed/{round_id}.json"


def access(round_id: str, name: str) -> str:
    """One access of a person to identity or raw bytes; never overwritten."""
    return f"access/{round_id}/{name}.json"


def alert(round_id: str, name: str, source: str) -> str:
    """Something that somebody should look at, or should have: its last state."""
    return f"alerts/{round_id}/{name}~{source}.json"


def exclusion(round_id: str, exclusion_id: str, action: str) -> str:
    """One step of a decision to leave responses out: its proposal, or what somebody said to it; never overwritten."""
    return f"exclusions/{round_id}/{exclusion_id}/{action}.json"


def backup(day: str) -> str:
    """A copy of the warehouse as it was on a day."""
    return f"backups/warehouse-{day}.duckdb"


def release(release_id: str) -> str:
    """Folder of a release."""
    return f"releases/{release_id}"
