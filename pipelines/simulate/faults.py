"""Plants faults in records, each with the fate that it must have in an honest account.

Faults that make a record unacceptable are planted in additional records (`spoilt`), so that the drawn sample stays
whole. It must not know wire formats; how a spoilt line looks is theirs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.simulate.clocks import set_clocks_back
from pipelines.simulate.numbering import number
from pipelines.simulate.population import scale_codes
from pipelines.simulate.record import KIOSK, LIMESURVEY, PORTALS, POSTAL, SPREADSHEET, Record
from pipelines.simulate.records import month_after
from pipelines.simulate.remarks import personal_remark, remark
from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.spoilt import Scene, spoilt_records
from pipelines.simulate.streams import new_uuid, stream


@dataclass(frozen=True)
class PersonalDatum:
    """A piece of personal data that stands in a record's comment."""

    kind: str
    text: str


@dataclass(frozen=True)
class Planted:
    """Records with their faults.

    `earlier` holds portal records as they were before they were edited; `gaps` the (device, number) pairs that were
    never written; `personal_data` what stands in comments.
    """

    records: list[Record]
    earlier: list[Record]
    gaps: list[tuple[str, int]]
    personal_data: list[PersonalDatum]


def plant(spec: SimulationSpec, method: Method, records: list[Record], seed: int) -> Planted:
    """Return the records with the faults of the specification planted in each source, numbered."""
    earlier, planted = list[Record](), list[Record]()
    records, personal = _plant_remarks(spec, records, seed)
    for source in sorted({record.source for record in records}):
        own = [record for record in records if record.source == source]
        rng = stream(seed, "faults", source)
        donors = _donors(spec, source, len(own), rng)
        _delay(spec, own, donors)
        earlier += _revise(spec, method, own, donors)
        _repeat_content(spec, own, donors, rng)
        own += spoilt_records(Scene(spec, method), source, own, rng)
        planted += own
    numbered, gaps = number(planted, spec.faults.sequence_gaps, stream(seed, "gaps"))
    if any(record.source == KIOSK for record in numbered):
        numbered = set_clocks_back(numbered, spec.faults.clock_back, stream(seed, "clocks"))
    copies = _copies(spec, numbered, seed)
    return Planted(numbered + copies, earlier, gaps, personal)


def _plant_remarks(spec: SimulationSpec, records: list[Record], seed: int) -> tuple[list[Record], list[PersonalDatum]]:
    rng, marked, found = stream(seed, "personal data"), list(records), list[PersonalDatum]()
    wanted = min(spec.faults.personal_data + spec.faults.decomposed, len(records))
    for turn, index in enumerate(rng.choice(len(records), wanted, replace=False)):
        record = marked[index]
        if turn < spec.faults.personal_data:
            text, kind, planted = personal_remark(rng)
            marked[index] = _mark(replace(record, comment=text), "personal_data")
            found.append(PersonalDatum(kind, planted))
        else:
            text = unicodedata.normalize("NFD", remark(rng))
            marked[index] = _mark(replace(record, comment=text), "decomposed")
    return marked, found


def _donors(spec: SimulationSpec, source: str, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Return records in random order, each to be used once."""
    faults = spec.faults
    needed = faults.late + faults.revised + faults.content_duplicates
    if needed > count:
        raise _too_few(spec, source, count, needed)
    return iter(rng.permutation(count).tolist())


def _too_few(spec: SimulationSpec, source: str, count: int, needed: int) -> InputError:
    return InputError(
        f"{count} records of source {source} are too few for {needed} faults",
        f"simulate, round {spec.round_id}",
        "simulate a larger round, or plant fewer faults",
    )


def _take(donors: Iterator[int], count: int, applies: bool) -> list[int]:
    return [next(donors) for _ in range(count)] if applies else []


def _mark(record: Record, fault: str) -> Record:
    return replace(record, marks=(*record.marks, fault))


def _copies(spec: SimulationSpec, records: list[Record], seed: int) -> list[Record]:
    """Return records once more, each in another file that holds others too: equal files would be one file."""
    copies, wanted = list[Record](), spec.faults.exact_duplicates
    for source in sorted({record.source for record in records} - {*PORTALS}):
        own = [record for record in records if record.source == source and record.is_accepted]
        files: dict[str, set[date]] = {}
        for record in own:
            files.setdefault(record.file[0], set()).add(record.file[1])
        fit = [r for r in own if len(files[r.file[0]]) > 1 and not {"late", "revised"} & {*r.marks}]
        if wanted > len(fit):
            raise _too_few(spec, source, len(fit), wanted)
        chosen = stream(seed, "copies", source).choice(len(fit), wanted, replace=False)
        copies += [_copy(fit[index], files[fit[index].file[0]]) for index in chosen]
    return copies


def _copy(record: Record, days: set[date]) -> Record:
    """Return the same record in the next of these files, or in the last before where there is none."""
    others = sorted(days - {record.file[1]})
    arrives = next((day for day in others if day > record.file[1]), others[-1])
    return replace(record, arrives=arrives, marks=("exact_duplicates",), fate=RejectCode.D401_SAME_RECORD)


def _delay(spec: SimulationSpec, own: list[Record], donors: Iterator[int]) -> None:
    """Let records come in a file of a later month; they are accepted all the same."""
    for index in _take(donors, spec.faults.late, own[0].source in (KIOSK, POSTAL)):
        own[index] = _mark(replace(own[index], arrives=month_after(own[index].arrives)), "late")


def _revise(spec: SimulationSpec, method: Method, own: list[Record], donors: Iterator[int]) -> list[Record]:
    """Correct records: a keyed form is keyed once more; a portal shows the new version only. Return its old ones."""
    source, old = own[0].source, list[Record]()
    for index in _take(donors, spec.faults.revised, source in (POSTAL, *PORTALS)):
        before = own[index]
        version = f"{before.version_id[:-1]}{'0' if before.version_id[-1] != '0' else '1'}"
        revised = _mark(
            replace(before, version_id=version, revision=2, answers=_other_answer(before, method)), "revised"
        )
        if source in PORTALS:
            own[index] = replace(revised, replaces=before.version_id)
            old.append(before)
        else:
            own[index] = _mark(replace(before, fate=RejectCode.D403_SUPERSEDED), "revised")
            own.append(replace(revised, arrives=month_after(before.arrives)))
    return old


def _other_answer(record: Record, method: Method) -> dict[str, int | str | tuple[int, ...]]:
    """Return the answers with that to the first item changed."""
    lowest, second = (int(code) for code in scale_codes(method)[:2])
    item = method.items[0]
    return record.answers | {item: second if record.answers.get(item) == lowest else lowest}


def _repeat_content(spec: SimulationSpec, own: list[Record], donors: Iterator[int], rng: np.random.Generator) -> None:
    """Send records once more under a new identity, where the source names the device: else they are nobody's twins."""
    for index in _take(donors, spec.faults.content_duplicates, own[0].source not in (LIMESURVEY, SPREADSHEET)):
        unique = new_uuid(rng)
        twin = replace(own[index], record_id=unique, version_id=unique, fate=RejectCode.D402_SAME_CONTENT)
        own.append(replace(twin, marks=("content_duplicates",)))
