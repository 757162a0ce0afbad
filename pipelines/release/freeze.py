"""Freezing: all files of a release are made aside and appear in one step, never to change again.

It must not decide anything about a release's life (see `states`), nor read a clock.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.lake import Lake, release
from pipelines.model.errors import InputError, StateError
from pipelines.model.publication import Format, Publication
from pipelines.release import manifest
from pipelines.release.diff import difference
from pipelines.release.ids import ids_of_round, next_release_id, release_ids
from pipelines.release.manifest import Manifest, ManifestFacts
from pipelines.release.prepare import publishable

SCORES = "index_score"


@dataclass(frozen=True)
class Frozen:
    """A frozen release: its id, its folder in the lake and the hash of its manifest."""

    release_id: str
    folder: str
    manifest_sha256: str


def freeze(lake: Lake, publication: Publication, formats: Sequence[Format], facts: ManifestFacts) -> Frozen:
    """Write a release and return it; what was frozen before from the same inputs is returned as it is.

    `publication.release_id` is the id for a new release (see `ids.next_release_id`); the id returned is another one
    where an earlier release of the round was made from exactly the same. Killed at any point, nothing is visible, and
    the next call for the same id clears what is left. One process at a time may freeze a round.

    Raises:
        InputError: a table does not fit its declaration, or two formats write one file.
        StateError: the id is taken by a release made from something else.
    """
    publication = publishable(publication)
    names = [one.name for one in formats]
    same = _made_from_same(lake, publication.round.id, manifest.made_from(publication, facts, names))
    if same is not None:
        return same
    release_id, existing = publication.release_id, release_ids(lake)
    if release_id in existing:
        free = next_release_id(existing, publication.round.id)
        raise StateError(
            "a frozen release never changes, and this one was made from other inputs",
            release_id,
            f"freeze under a new id: {free}",
        )
    files = _files(publication, formats)
    made = manifest.build(publication, facts, names, files, _difference(lake, publication, facts.previous))
    _write(lake, release_id, files, made)
    return Frozen(release_id, release(release_id), made.sha256)


def _made_from_same(lake: Lake, round_id: str, origin: Mapping[str, Any]) -> Frozen | None:
    wanted = manifest.sha256_of_value(origin)
    for release_id in sorted(ids_of_round(release_ids(lake), round_id)):
        frozen = manifest.read(lake, release_id)
        if frozen.content["made_from_sha256"] == wanted:
            return Frozen(release_id, release(release_id), frozen.sha256)
    return None


def _files(publication: Publication, formats: Sequence[Format]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for one in formats:
        written = one.write(publication)
        if taken := (files.keys() | {manifest.FILE}) & written.keys():
            raise InputError(f"format {one.name} writes {', '.join(sorted(taken))}, which is taken", "formats")
        files |= written
    return files


def _difference(lake: Lake, publication: Publication, previous: str) -> dict[str, Any] | None:
    if not previous:
        return None
    path = f"{release(previous)}/{SCORES}.parquet"
    if not lake.exists(path):
        raise InputError("the release to compare with has no table of scores", path, "name another previous release")
    return difference(previous, lake.read_table(path), publication.tables[SCORES].rows).as_dict()


def _write(lake: Lake, release_id: str, files: Mapping[str, bytes], made: Manifest) -> None:
    for leftover in lake.glob(release(f".{release_id}.*")):
        lake.remove(leftover)
    aside = release(f".{release_id}.{uuid.uuid4().hex[:8]}")
    for name, content in files.items():
        lake.write_bytes(f"{aside}/{name}", content)
    lake.write_bytes(f"{aside}/{manifest.FILE}", made.bytes)
    lake.protect(aside)
    lake.move_folder(aside, release(release_id), last=manifest.FILE)
