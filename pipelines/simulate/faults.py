"""Plants faults in records, each with the fate that it must have in an honest account.

Faults that make a record unacceptable are planted in additional records, so that the drawn sample stays whole. It must
not know wire formats; how a spoilt line looks is theirs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from pipelines.model.codes import RejectCode
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.simulate.clocks import set_clocks_back
from pipelines.simulate.kiosk_register import TAMPERED as TAMPERED_DEVICE
from pipelines.simulate.kiosk_register import UNREGISTERED
from pipelines.simulate.numbering import REPEATED, number
from pipelines.simulate.population import scale_codes
from pipelines.simulate.record import HALF, KIOSK, KOBO, POSTAL, SOURCES, TAMPERED, UNFINISHED, Record
from pipelines.simulate.records import month_after
from pipelines.simulate.remarks import personal_remark, remark
from pipelines.simulate.spec import SimulationSpec
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


@dataclass(frozen=True)
class _Scene:
    """What a spoiling function may look at."""

    spec: SimulationSpec
    method: Method


Spoil = Callable[[Record, _Scene, int], Record]


def plant(spec: SimulationSpec, method: Method, records: list[Record], seed: int) -> Planted:
    """Return the records with the faults of the specification planted in each source, numbered."""
    scene, earlier, planted = _Scene(spec, method), list[Record](), list[Record]()
    records, personal = _plant_remarks(spec, records, seed)
    for source in sorted({record.source for record in records}):
        own = [record for record in records if record.source == source]
        rng = stream(seed, "faults", source)
        donors = _donors(spec, source, len(own), rng)
        _delay(spec, own, donors)
        earlier += _revise(spec, method, own, donors)
        _repeat_content(spec, own, donors, rng)
        own += _extras(scene, source, own, rng)
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
    for source in sorted({record.source for record in records} - {KOBO}):
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
    for index in _take(donors, spec.faults.revised, source in (POSTAL, KOBO)):
        before = own[index]
        version = f"{before.version_id[:-1]}{'0' if before.version_id[-1] != '0' else '1'}"
        revised = _mark(
            replace(before, version_id=version, revision=2, answers=_other_answer(before, method)), "revised"
        )
        if source == KOBO:
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
    """Send records once more under a new identity."""
    for index in _take(donors, spec.faults.content_duplicates, True):
        unique = new_uuid(rng)
        twin = replace(own[index], record_id=unique, version_id=unique, fate=RejectCode.D402_SAME_CONTENT)
        own.append(replace(twin, marks=("content_duplicates",)))


# Faults of additional records.


def _with_unknown_code(record: Record, scene: _Scene, turn: int) -> Record:
    item = scene.method.items[turn % len(scene.method.items)]
    wrong = "A" if record.source == POSTAL else int(scale_codes(scene.method).max()) + 2
    return replace(record, answers=record.answers | {item: wrong})


def _with_unknown_unit(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, unit_code=f"9999{turn % 10}")


def _with_foreign_unit(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, unit_code=scene.spec.foreign_unit)


def _with_unknown_procedure(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, procedure_code=f"9.99999{turn % 10}")


def _with_unknown_psu(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, psu_code=f"{record.unit_code}-X{turn}")


def _outside_window(record: Record, scene: _Scene, turn: int) -> Record:
    first, last = scene.spec.window_from, scene.spec.window_to
    day = first - timedelta(days=3 + turn) if turn % 2 else last + timedelta(days=3 + turn)
    shift = day - record.submitted_at.date()
    return replace(record, started_at=record.started_at + shift, submitted_at=record.submitted_at + shift, arrives=day)


def _emptied(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(
        record, answers={code: given for code, given in record.answers.items() if code not in scene.method.items}
    )


def _refused(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, review="not_approved")


def _broken(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, damage="broken")


def _half(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, damage=HALF)


def _with_repeated_number(record: Record, scene: _Scene, turn: int) -> Record:
    return record  # its number is given with all others


def _of_unregistered_device(record: Record, scene: _Scene, turn: int) -> Record:
    return replace(record, device_id=UNREGISTERED)


def _tampered(record: Record, scene: _Scene, turn: int) -> Record:
    """In a file of its own, of the last day, on which nobody else answers."""
    return replace(_on_last_day(record, scene), device_id=TAMPERED_DEVICE, damage=TAMPERED)


def _unfinished(record: Record, scene: _Scene, turn: int) -> Record:
    device = next(channel.devices[0] for channel in scene.spec.channels if channel.source == KIOSK)
    return replace(_on_last_day(record, scene), device_id=device, damage=UNFINISHED)


def _on_last_day(record: Record, scene: _Scene) -> Record:
    day = scene.spec.window_to
    shift = day - record.submitted_at.date()
    return replace(record, started_at=record.started_at + shift, submitted_at=record.submitted_at + shift, arrives=day)


@dataclass(frozen=True)
class _Extra:
    """A fault of additional records: its name in `Faults`, the code it earns, where it can occur and how it is made."""

    fault: str
    fate: RejectCode | None
    sources: tuple[str, ...]
    spoil: Spoil


EXTRAS = (
    _Extra("unknown_codes", RejectCode.R203_UNKNOWN_CODE, SOURCES, _with_unknown_code),
    _Extra("unknown_units", RejectCode.R202_UNKNOWN_UNIT, SOURCES, _with_unknown_unit),
    _Extra("foreign_units", RejectCode.R304_UNIT_NOT_IN_ROUND, SOURCES, _with_foreign_unit),
    _Extra("outside_window", RejectCode.R301_OUTSIDE_WINDOW, SOURCES, _outside_window),
    _Extra("empty_forms", RejectCode.R302_TOO_FEW_ANSWERS, SOURCES, _emptied),
    _Extra("refused_at_source", RejectCode.R305_REFUSED_AT_SOURCE, (KOBO,), _refused),
    _Extra("broken_lines", RejectCode.R107_BROKEN_LINE, (KIOSK,), _broken),
    _Extra("half_lines", RejectCode.R106_TRUNCATED, (KIOSK,), _half),
    _Extra(REPEATED, RejectCode.D404_SAME_NUMBER, (KIOSK,), _with_repeated_number),
    _Extra("unregistered", RejectCode.R210_UNKNOWN_DEVICE, (KIOSK,), _of_unregistered_device),
    _Extra("tampered", RejectCode.R113_BAD_SIGNATURE, (KIOSK,), _tampered),
    _Extra("unfinished", None, (KIOSK,), _unfinished),
)
UNKNOWN_PROCEDURE = _Extra("unknown_frame_codes", RejectCode.R205_UNKNOWN_PROCEDURE, SOURCES, _with_unknown_procedure)
UNKNOWN_PSU = _Extra("unknown_frame_codes", RejectCode.R206_UNKNOWN_PSU, SOURCES, _with_unknown_psu)


def _extras(scene: _Scene, source: str, own: list[Record], rng: np.random.Generator) -> list[Record]:
    """Return spoilt additional records, each some minutes after a sampled one so that it is nobody's duplicate."""
    in_frame = UNKNOWN_PSU if scene.spec.design.psu else UNKNOWN_PROCEDURE
    wanted = [
        (extra, turn)
        for extra in (*EXTRAS, in_frame)
        if source in extra.sources
        for turn in range(getattr(scene.spec.faults, extra.fault))
    ]
    sound = [record for record in own if record.fate is None and "late" not in record.marks]
    shuffled = (sound[index] for index in rng.permutation(len(sound)))
    donors = list({(donor.device_id, donor.arrives): donor for donor in shuffled}.values())  # one a file
    return [
        _extra(extra, donors[place % len(donors)], scene, place, turn, rng)
        for place, (extra, turn) in enumerate(wanted)
    ]


def _extra(extra: _Extra, donor: Record, scene: _Scene, place: int, turn: int, rng: np.random.Generator) -> Record:
    unique, later = new_uuid(rng), timedelta(minutes=1 + place)
    fresh = replace(
        donor,
        record_id=unique,
        version_id=unique,
        replaces="",
        revision=1,
        comment="",
        review="",
        started_at=donor.started_at + later,
        submitted_at=donor.submitted_at + later,
        marks=(extra.fault,),
        fate=extra.fate,
    )
    return extra.spoil(fresh, scene, turn)
