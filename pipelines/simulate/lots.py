"""Which respondents answer on printed sheets: serial numbers for them, in lots as a desk prints them.

It must not draw: `pipelines.simulate.scans` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.simulate.record import POSTAL, SCAN, Record
from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.streams import stream

SPARE = 2  # sheets of every lot that nobody brings back


@dataclass(frozen=True)
class Lot:
    """Sheets printed together; `answers` is serial number → who answers on it, the last numbers stay at the desk."""

    form: str
    unit: str
    psu: str
    first: int
    last: int
    answers: dict[str, Record]


def take_scanned(spec: SimulationSpec, records: Sequence[Record], seed: int) -> tuple[list[Record], list[Record]]:
    """Divide records into those of sheets that are scanned and all others, in their order.

    Scanned are `spec.scanned` of those who answer by post. A machine reads no handwriting, so they have no comment.
    """
    postal = [index for index, record in enumerate(records) if record.source == POSTAL]
    chosen = set(stream(seed, "scanned").permutation(postal)[: spec.scanned].tolist())
    scanned = [replace(records[index], source=SCAN, comment="") for index in sorted(chosen)]
    return scanned, [record for index, record in enumerate(records) if index not in chosen]


def make_lots(scanned: Sequence[Record]) -> list[Lot]:
    """Give serial numbers from 1 on: a lot for each form, unit and village, its sheets in order of answering."""
    groups: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in scanned:
        groups[record.form, record.unit_code, record.psu_code].append(record)
    lots, first = list[Lot](), 1
    for (form, unit, psu), members in sorted(groups.items()):
        members.sort(key=lambda record: (record.submitted_at, record.record_id))
        last = first + len(members) + SPARE - 1
        lots.append(Lot(form, unit, psu, first, last, {f"{first + n:06d}": one for n, one in enumerate(members)}))
        first = last + 1
    return lots
