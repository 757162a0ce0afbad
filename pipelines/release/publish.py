"""Pointing at the release of each round that is in force: `releases/latest.json`."""

from __future__ import annotations

from pipelines.lake import Lake
from pipelines.model.errors import StateError
from pipelines.release import manifest
from pipelines.release.ids import release_ids

LATEST = "releases/latest.json"


def point_latest(lake: Lake, release_id: str, manifest_sha256: str) -> None:
    """Make a release the latest of its round; other rounds stay as they are.

    Raises:
        StateError: there is no such release, or its manifest is not the one that was approved.
    """
    if release_id not in release_ids(lake):
        raise StateError("there is no such release", release_id, "freeze it first")
    frozen = manifest.read(lake, release_id)
    if frozen.sha256 != manifest_sha256:
        raise StateError("its manifest is not the one that was approved", release_id, "verify the release")
    latest = lake.read_json(LATEST) if lake.exists(LATEST) else {}
    entry = {"release_id": release_id, "manifest_sha256": manifest_sha256}
    lake.write_json(LATEST, latest | {frozen.content["made_from"]["round"]["id"]: entry})
