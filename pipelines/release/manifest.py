"""The manifest of a release: what it was made from, what it holds, and how to check both.

Canonical JSON: UTF-8, keys sorted, one space of indentation, a newline at the end; a number that is not whole is
written as a text with its shortest exact decimal form, so that no JSON tool can change it. The same content therefore
has the same bytes, and their SHA-256 names the release. The clock is not read here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from pipelines.lake import Lake, release
from pipelines.model.publication import Publication, PublishedTable
from pipelines.model.round import Round
from pipelines.model.table import Table
from pipelines.release.rows import fields_of, row_sha256

FILE = "manifest.json"
SCHEMA = 1
ROW_FILES = (".csv", ".parquet")  # files that hold the rows of the table they are named after


@dataclass(frozen=True)
class Input:
    """A file that the results were computed from: responses, tallies or published scores."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Accounts:
    """Rows of all partitions of the round: in = accepted + duplicate + rejected."""

    rows_in: int
    accepted: int
    duplicate: int
    rejected: int


@dataclass(frozen=True)
class ManifestFacts:
    """What only the caller knows.

    Args:
        code_version: version of this software.
        inputs: files the results come from.
        accounts: totals of the round's stages.
        gates: outcome of each gate, as plain values.
        disclosure: reports of `disclosure.apply`, as plain values.
        previous: release to compare with, empty where there is none.
        ledger: the tree head of each source's ledger, as plain values.
    """

    code_version: str
    inputs: Sequence[Input]
    accounts: Accounts
    gates: Sequence[Mapping[str, Any]] = ()
    disclosure: Sequence[Mapping[str, Any]] = ()
    previous: str = ""
    ledger: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Manifest:
    """The bytes of `manifest.json`, and what they say."""

    bytes: bytes = field(repr=False)

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the manifest says, as plain values."""
        return json.loads(self.bytes)

    @property
    def sha256(self) -> str:
        """Hash of the bytes, the name by which a release is pinned."""
        return hashlib.sha256(self.bytes).hexdigest()


def read(lake: Lake, release_id: str) -> Manifest:
    """Return the manifest of a frozen release."""
    return Manifest(lake.read_bytes(f"{release(release_id)}/{FILE}"))


def build(
    publication: Publication,
    facts: ManifestFacts,
    formats: Sequence[str],
    files: Mapping[str, bytes],
    difference: Mapping[str, Any] | None,
) -> Manifest:
    """Return the manifest of a publication written to `files` (name → bytes) in the named formats."""
    tables = _tables(publication)
    origin = made_from(publication, facts, formats)
    return Manifest(
        canonical_json(
            {
                "schema": SCHEMA,
                "release_id": publication.release_id,
                "frozen_on": publication.frozen_on,
                "made_from": origin,
                "made_from_sha256": sha256_of_value(origin),
                "tables": tables,
                "outputs": [_output(name, files[name], tables) for name in sorted(files)],
                "accounts": _plain_accounts(facts.accounts),
                "gates": list(facts.gates),
                "ledger": list(facts.ledger),
                "disclosure": list(facts.disclosure),
                "difference": difference,
            }
        )
    )


def made_from(publication: Publication, facts: ManifestFacts, formats: Sequence[str]) -> dict[str, Any]:
    """Return what decides the content of a release; neither its id nor the day it was frozen is among it."""
    return {
        "round": _round(publication.round),
        "method": {"id": publication.method.id, "sha256": publication.method.sha256},
        "instruments": [
            {"id": instrument.id, "version": instrument.version, "sha256": instrument.sha256}
            for instrument in publication.method.instruments
        ],
        "code_version": facts.code_version,
        "inputs": sorted(({"path": i.path, "sha256": i.sha256} for i in facts.inputs), key=lambda i: i["path"]),
        "row_sha256": {name: _origin_sha256(table) for name, table in sorted(publication.tables.items())},
        "texts_sha256": sha256_of_value({"unit_names": publication.unit_names, "notes": publication.notes}),
        "formats": sorted(formats),
    }


def _tables(publication: Publication) -> dict[str, Any]:
    return {name: _table(table.declaration, table.rows) for name, table in sorted(publication.tables.items())}


def sha256_of_value(value: Any) -> str:
    """Return the hash of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return a value's canonical JSON; see the module's description."""
    text = json.dumps(_exact(value), ensure_ascii=False, sort_keys=True, indent=1)
    return (text + "\n").encode()


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    return [_exact(item) for item in value] if isinstance(value, list | tuple) else value


def _round(round_: Round) -> dict[str, Any]:
    return {
        "id": round_.id,
        "sha256": round_.sha256,
        "programme": round_.programme,
        "window_from": round_.window_from.isoformat(),
        "window_to": round_.window_to.isoformat(),
    }


def _origin_sha256(table: PublishedTable) -> str:
    """Hash the rows without the release's id, which says nothing about where they come from."""
    fields = [field for field in fields_of(table.declaration.columns) if field.name != "release_id"]
    return row_sha256(table.rows, fields)


def _table(declaration: Table, rows: Any) -> dict[str, Any]:
    fields = fields_of(declaration.columns)
    units = {column.name: column.unit for column in declaration.columns}
    return {
        "columns": [{"name": f.name, "type": f.type, "unit": units[f.name]} for f in fields],
        "rows": rows.num_rows,
        "row_sha256": row_sha256(rows, fields),
    }


def _output(name: str, content: bytes, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Describe one file; a file named after a table holds the rows of that table."""
    path = PurePosixPath(name)
    table = tables.get(path.stem) if path.suffix in ROW_FILES else None
    return {
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": table["rows"] if table else None,
        "row_sha256": table["row_sha256"] if table else None,
    }


def _plain_accounts(accounts: Accounts) -> dict[str, int]:
    return {
        "in": accounts.rows_in,
        "accepted": accounts.accepted,
        "duplicate": accounts.duplicate,
        "rejected": accounts.rejected,
    }
