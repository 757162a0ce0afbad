"""Landing: bytes that a source offers are kept under their hash before anybody parses them.

It must not look into the bytes. A kill at any point loses nothing: the cursor moves only after the receipt is there,
and landing the same bytes again finds them by their hash.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import BinaryIO

from pipelines.lake import Lake, cursor, landing, receipt
from pipelines.model.round import SourceConfig
from pipelines.model.run import Landed
from pipelines.model.source import Offer, Source
from pipelines.privacy.age_files import ENCRYPTED


def land(lake: Lake, source: Source, config: SourceConfig, round_id: str, now: datetime) -> list[Landed]:
    """Land all that the source offers since its cursor; return what this round had not received before.

    `now` (with zone) is the time of landing. A SourceError passes through after all that came before it has landed
    and the cursor stands behind it; `receipts` then lists what is there.
    """
    known = {landed.sha256: landed for landed in receipts(lake, round_id, source.name)}
    new: list[Landed] = []
    for offer in source.fetch(config, _cursor(lake, round_id, source.name)):
        landed = _land_offer(lake, source.name, config.instance, offer, now.astimezone(UTC))
        if landed.sha256 not in known:
            lake.write_json(receipt(round_id, source.name, landed.sha256), asdict(landed))
            known[landed.sha256] = landed
            new.append(landed)
        elif not known[landed.sha256].path and not _is_needed(lake, landed):
            lake.remove(landed.path)  # it was removed when its time was over, and stays so
        if offer.cursor:
            lake.write_json(cursor(round_id, source.name), {"cursor": offer.cursor})
    return new


def receipts(lake: Lake, round_id: str, source: str) -> list[Landed]:
    """Return all that a round has received from a source so far, sorted by hash."""
    return [Landed(**lake.read_json(path)) for path in lake.glob(receipt(round_id, source, "*"))]


def put_in_place(lake: Lake, copy: BinaryIO, landed: Landed, path: str) -> None:
    """Put a redacted copy under the hash of landed bytes, point every receipt to it, and remove the original."""
    copy.seek(0)
    lake.land(copy, path)
    for place in lake.glob(receipt("*", landed.source, landed.sha256)):
        told = Landed(**lake.read_json(place))
        if told.path == landed.path:
            lake.write_json(place, asdict(replace(told, path=path)))
    if path != landed.path:
        lake.remove(landed.path)


def _land_offer(lake: Lake, source: str, instance: str, offer: Offer, now: datetime) -> Landed:
    with offer.open() as stream:
        place = landing(source, now.date().isoformat()) + (ENCRYPTED if lake.keys.recipients else "")
        sha256, size, path = lake.land(stream, place)
    path = _first_place(lake, source, sha256, path)
    return Landed(sha256, path, offer.name, size, now.isoformat(timespec="seconds"), source, instance)


def _first_place(lake: Lake, source: str, sha256: str, path: str) -> str:
    """Return where the same bytes already lie, and remove the copy that just came in beside them.

    They may lie there encrypted, or with a person erased from them, who must not come back.
    """
    others = [one for one in lake.glob(landing(source, "*").format(sha256=sha256) + "*") if one != path]
    if others:
        lake.remove(path)
    return others[0] if others else path


def _is_needed(lake: Lake, landed: Landed) -> bool:
    """Whether a round still holds these bytes."""
    paths = lake.glob(receipt("*", landed.source, landed.sha256))
    return any(lake.read_json(path)["path"] for path in paths)


def _cursor(lake: Lake, round_id: str, source: str) -> str:
    path = cursor(round_id, source)
    return str(lake.read_json(path)["cursor"]) if lake.exists(path) else ""
