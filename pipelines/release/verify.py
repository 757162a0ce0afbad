"""Checking a frozen release from its own folder: every byte, every row, and sums that the figures must keep.

It trusts the manifest's hash only as far as `releases/latest.json` or the caller vouches for it. It must not change
anything, and reads files by their documented form, not with the code that wrote them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from pipelines.lake import Lake, release
from pipelines.release import manifest
from pipelines.release.disclosure import GROUP, SUPPRESSED
from pipelines.release.ids import release_ids
from pipelines.release.publish import LATEST
from pipelines.release.rows import Field, read_csv, read_parquet, row_sha256

TOLERANCE = 1e-9  # of the whole, when shares are added up


def verify(lake: Lake, release_id: str, manifest_sha256: str = "") -> list[str]:
    """Return what is wrong with a release, one sentence each; an empty list says that everything holds.

    `manifest_sha256` is the hash that was approved, where the caller knows it.
    """
    if release_id not in release_ids(lake):
        return [f"{release_id}: there is no such release, or its {manifest.FILE} is missing"]
    try:
        return list(_problems(lake, release_id, manifest_sha256))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{manifest.FILE}: is not a manifest that can be read ({error!r})"]


def _problems(lake: Lake, release_id: str, manifest_sha256: str) -> Iterator[str]:
    frozen, folder = manifest.read(lake, release_id), release(release_id)
    yield from _manifest_problems(lake, release_id, frozen, manifest_sha256)
    outputs = {output["file"]: output for output in frozen.content["outputs"]}
    names = {path[len(folder) + 1 :] for path in lake.find(folder)} - {manifest.FILE}
    yield from (f"{name}: not listed in the manifest" for name in sorted(names - outputs.keys()))
    yield from (f"{name}: missing" for name in sorted(outputs.keys() - names))
    for name in sorted(names & outputs.keys()):
        yield from _file_problems(outputs[name], lake.read_bytes(f"{folder}/{name}"), frozen.content["tables"])


def _manifest_problems(lake: Lake, release_id: str, frozen: manifest.Manifest, manifest_sha256: str) -> Iterator[str]:
    content = frozen.content
    if manifest_sha256 and frozen.sha256 != manifest_sha256:
        yield f"{manifest.FILE}: is not the one that was approved"
    if manifest.canonical_json(content) != frozen.bytes:
        yield f"{manifest.FILE}: not in canonical form, so it was edited"
    if content["release_id"] != release_id:
        yield f"{manifest.FILE}: is that of {content['release_id']}"
    if content["made_from_sha256"] != manifest.sha256_of_value(content["made_from"]):
        yield f"{manifest.FILE}: made_from does not have the hash it states"
    for entry in (lake.read_json(LATEST) if lake.exists(LATEST) else {}).values():
        if entry["release_id"] == release_id and entry["manifest_sha256"] != frozen.sha256:
            yield f"{manifest.FILE}: is not the one that was published"


def _file_problems(output: Mapping[str, Any], content: bytes, tables: Mapping[str, Any]) -> Iterator[str]:
    name = output["file"]
    if hashlib.sha256(content).hexdigest() != output["sha256"] or len(content) != output["bytes"]:
        yield f"{name}: its bytes are not those that were frozen"
        return
    if output["row_sha256"] is None:
        return
    path = PurePosixPath(name)
    fields = [Field(column["name"], column["type"]) for column in tables[path.stem]["columns"]]
    try:
        rows = read_csv(content, fields) if path.suffix == ".csv" else read_parquet(content)
        found = row_sha256(rows, fields)
    except (pa.ArrowException, OSError, KeyError) as error:
        yield f"{name}: its rows cannot be read ({error})"
        return
    if found != output["row_sha256"] or rows.num_rows != output["rows"]:
        yield f"{name}: its rows are not those that were frozen"
    if path.stem == "answer_count" and path.suffix == ".parquet":
        yield from _share_problems(name, rows, tables[path.stem])


def _share_problems(name: str, rows: pa.Table, table: Mapping[str, Any]) -> Iterator[str]:
    """Shares of one question in one cell add up to the whole, and a share is zero where nobody chose the answer."""
    units = {column["name"]: column["unit"] for column in table["columns"]}
    whole = 1.0 if units["share"] == "proportion" else 100.0
    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_pylist():
        cells[tuple(row[column] for column in GROUP)].append(row)
    for key, answers in cells.items():
        if any(answer["obs_status"] == SUPPRESSED or answer["share"] is None for answer in answers):
            continue
        where = f"{name}: {' / '.join(map(str, key))}"
        if abs(sum(answer["share"] for answer in answers) - whole) > TOLERANCE * whole:
            yield f"{where}: the shares do not add up to {whole:g}"
        if any(answer["n"] == 0 and answer["share"] != 0 for answer in answers):
            yield f"{where}: an answer that nobody gave has a share"
