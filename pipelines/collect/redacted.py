"""Landed objects from which persons were erased: the rows as their reader gave them, without what leads to somebody.

Such a copy lies under the hash of the original, which is gone; lines, faults and all other rows are as they were, so
that conforming it again gives the same responses. It must not decide who is erased.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from typing import BinaryIO

from pipelines.collect.cells import Block, clean_text
from pipelines.collect.forms import Form, assign_forms
from pipelines.collect.identity import response_ids
from pipelines.collect.privacy import scrub
from pipelines.lake import Lake
from pipelines.model.codes import RejectCode
from pipelines.model.errors import StateError
from pipelines.model.round import SourceConfig
from pipelines.model.run import Landed
from pipelines.model.source import Fault, RawRows, Source
from pipelines.privacy.age_files import ENCRYPTED

REDACTED = ".rows"  # how the name of such a copy ends, before `.age`


def read_landed(lake: Lake, source: Source, config: SourceConfig, landed: Landed) -> Iterator[RawRows | Fault]:
    """Yield the rows and faults of a landed object, whether it lies as it came, encrypted or redacted.

    Raises:
        StateError: its time was over and it was removed.
    """
    if not landed.path:
        raise StateError("the landed bytes were removed, their time being over", landed.name, "see settings.retention")
    with lake.open(landed.path) as stream:
        if is_redacted(landed.path):
            yield from _read(stream)
        else:
            yield from source.read(stream, landed.name, config)


def is_redacted(path: str, ending: str = REDACTED) -> bool:
    """Whether a landed object is a copy from which somebody was erased; `ending` tells rows from pages of a scan."""
    return path.removesuffix(ENCRYPTED).endswith(ending)


def redacted_path(path: str, ending: str = REDACTED) -> str:
    """Return where the redacted copy of a landed object lies."""
    if is_redacted(path, ending):
        return path
    plain = path.removesuffix(ENCRYPTED)
    return plain + ending + path[len(plain) :]


def redacted(
    parts: Iterable[RawRows | Fault], forms: tuple[Form, ...], landed: Landed, erased: Collection[str]
) -> Iterator[bytes]:
    """Yield the lines of a redacted copy: one a block or fault.

    Of the rows of erased responses only what their form maps to a field or a coded answer stays. What could not be
    read into rows may be anybody's: it is scrubbed, and goes where the source asks for identity.
    """
    asks = any(form.identity for form in forms)
    for part in parts:
        if isinstance(part, Fault):
            payload = "" if asks else scrub(part.payload)[0]
            fault = asdict(part) | {"code": part.code.code, "payload": payload}
            yield _line({"fault": fault})
        else:
            yield _line({"lines": list(part.lines), "columns": _columns(part, forms, landed, erased)})


def leads_to(part: RawRows | Fault, forms: tuple[Form, ...], landed: Landed, erased: Collection[str]) -> bool:
    """Whether a part holds anything of an erased response that may not stay."""
    return not isinstance(part, Fault) and any(
        cells[row] is not None and not _may_stay(form, clean_text(heading))
        for form, row in _rows(part, forms, landed, erased)
        for heading, cells in part.columns.items()
    )


def _rows(part: RawRows, forms: tuple[Form, ...], landed: Landed, erased: Collection[str]) -> list[tuple[Form, int]]:
    """Return form and position of the rows of erased responses."""
    found = []
    for form, block in assign_forms(forms, Block.read(part)):
        cells = form.cells(block, "record_id") if form is not None else None
        if form is None or cells is None:
            continue
        identities = response_ids(landed.source, landed.instance, cells.texts).to_pylist()
        found += [(form, int(block.rows[row])) for row, one in enumerate(identities) if one in erased]
    return found


def _columns(
    part: RawRows, forms: tuple[Form, ...], landed: Landed, erased: Collection[str]
) -> dict[str, list[str | None]]:
    columns = {heading: list(cells) for heading, cells in part.columns.items()}
    for form, row in _rows(part, forms, landed, erased):
        for heading, cells in columns.items():
            if not _may_stay(form, clean_text(heading)):
                cells[row] = None
    return columns


def _may_stay(form: Form, heading: str) -> bool:
    answered = heading in form.mapping.headings or heading in form.mapping.when
    return answered and heading != form.comment and heading not in form.withheld


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass") + b"\n"


def _read(stream: BinaryIO) -> Iterator[RawRows | Fault]:
    for line in stream:
        value = json.loads(line.decode(errors="surrogatepass"))
        if "fault" in value:
            yield Fault(**value["fault"] | {"code": RejectCode[value["fault"]["code"]]})
        else:
            yield RawRows(value["columns"], value["lines"])
