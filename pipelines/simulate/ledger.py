"""What was planted, and the account that an honest pipeline must close with: per source, in and out by code."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.simulate.faults import PersonalDatum, Planted
from pipelines.simulate.record import DELETED, UNFINISHED, Record


@dataclass(frozen=True)
class Account:
    """Rows written for one source, and what must become of them; `duplicate` and `rejected` are code → rows."""

    rows: int
    accepted: int
    duplicate: dict[str, int]
    rejected: dict[str, int]


@dataclass(frozen=True)
class Ledger:
    """The account of each source; fault → source → record ids; personal data in comments; numbers never written.

    `edited` counts, by source, the portal records whose earlier version is in the snapshot before the edits: collecting
    that one first gives so many rows more, all superseded. `deleted` counts those that are in that snapshot only: they
    are in no account; who collects the snapshot first accepts them, and has each reported as gone later. `unfinished`
    rows are in files that are still being copied: they are in no account, and are accepted once their files are whole.
    """

    round_id: str
    seed: int
    sources: dict[str, Account]
    planted: dict[str, dict[str, list[str]]]
    personal_data: list[PersonalDatum]
    sequence_gaps: list[tuple[str, int]]
    edited: dict[str, int]
    deleted: dict[str, int]
    unfinished: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def make_ledger(round_id: str, seed: int, planted: Planted) -> Ledger:
    """Count what stands in the records."""
    sources = sorted({record.source for record in planted.records})
    there = [record for record in planted.records if record.is_there]
    return Ledger(
        round_id=round_id,
        seed=seed,
        sources={name: _account([record for record in there if record.source == name]) for name in sources},
        planted=_by_fault(planted.records),
        personal_data=planted.personal_data,
        sequence_gaps=planted.gaps,
        edited=_by_source(planted.earlier),
        deleted=_by_source([record for record in planted.records if record.damage == DELETED]),
        unfinished=sum(record.damage == UNFINISHED for record in planted.records),
    )


def _by_source(records: list[Record]) -> dict[str, int]:
    return dict(sorted(Counter(record.source for record in records).items()))


def _account(records: list[Record]) -> Account:
    fates = Counter(record.fate for record in records)
    codes = sorted((fate.code, count, fate.is_duplicate) for fate, count in fates.items() if fate is not None)
    return Account(
        rows=len(records),
        accepted=fates[None],
        duplicate={code: count for code, count, is_duplicate in codes if is_duplicate},
        rejected={code: count for code, count, is_duplicate in codes if not is_duplicate},
    )


def _by_fault(records: list[Record]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for record in records:
        for mark in record.marks:
            found.setdefault(mark, {}).setdefault(record.source, []).append(record.record_id)
    return {fault: {source: sorted(ids) for source, ids in found[fault].items()} for fault in sorted(found)}
