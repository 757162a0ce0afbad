"""The contract between a connector and the rest: what is offered for landing and what reading gives.

A connector fetches bytes and turns them into rows of text; it must not interpret answers, look up units or write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from pipelines.model.codes import RejectCode
from pipelines.model.instrument import Instrument
from pipelines.model.round import Mapping as FormMapping
from pipelines.model.round import SourceConfig


@dataclass(frozen=True)
class Offer:
    """Bytes that a source offers: a file of an inbox or a page of a portal.

    `name` is what messages call it (`K01-2023-05-04.jsonl`, `data.json?start=300`); `open` gives a fresh stream;
    `suffix` tells the reader the format where a source has several. `cursor` is what to continue from next time once
    these bytes are landed.
    """

    name: str
    open: Callable[[], BinaryIO]
    suffix: str = ""
    cursor: str = ""


@dataclass(frozen=True)
class RawRows:
    """A block of rows as text, column by column: heading → cells, all as long as `lines`.

    A cell is None where the row has no such field or it is empty. `lines` are positions in the bytes, from 1. A column
    that also speaks the Arrow PyCapsule interface may be taken over by it, whole, instead of cell by cell.
    """

    columns: Mapping[str, Sequence[str | None]]
    lines: Sequence[int]


@dataclass(frozen=True)
class Fault:
    """A row, or a whole file (`line` None), that could not be read; it is rejected with its payload kept."""

    code: RejectCode
    line: int | None = None
    field: str = ""
    value: str = ""
    payload: str = ""


Fetch = Callable[[SourceConfig, str], Iterator[Offer]]
Read = Callable[[BinaryIO, str, SourceConfig], Iterator[RawRows | Fault]]
DefaultMappings = Callable[[SourceConfig, Sequence[Instrument]], tuple[FormMapping, ...]]


@dataclass(frozen=True)
class Source:
    """A connector: the one value (`SOURCE`) that a module of `pipelines.sources` declares.

    Args:
        name: the module's name.
        channel: the channel of its answers where a mapping does not say.
        fetch: (config, cursor) → offers not yet seen, oldest first. Raises SourceError where the source cannot be
            reached or contradicts itself; offers already yielded stay valid.
        read: (stream, offer name, config) → rows and faults, in order. Never raises for bad content.
        mappings: default mappings where neither the round nor the method has a file of its own.
        titles: name in Vietnamese and English.
        numbered_by: headings of device and running number, where devices number their records.
    """

    name: str
    channel: str
    fetch: Fetch
    read: Read
    mappings: DefaultMappings | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    numbered_by: tuple[str, str] | None = None
