"""Additional records that are to be refused, or are not there to be read: a fault each, with the code it earns.

It must not know wire formats; how a spoilt record looks is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from pipelines.model.codes import RejectCode
from pipelines.model.method import Method
from pipelines.simulate.kiosk_register import TAMPERED as TAMPERED_DEVICE
from pipelines.simulate.kiosk_register import UNREGISTERED
from pipelines.simulate.numbering import REPEATED
from pipelines.simulate.population import scale_codes
from pipelines.simulate.record import (
    BAD_TIME,
    BROKEN_FILE,
    DELETED,
    ENCRYPTED,
    GOOGLE,
    HALF,
    INCOMPLETE,
    KIOSK,
    KOBO,
    LIMESURVEY,
    MICROSOFT,
    ODK,
    OTHER_ORDER,
    PORTALS,
    POSTAL,
    SOURCES,
    SPREADSHEET,
    TAMPERED,
    UNFINISHED,
    UNMAPPED,
    Record,
)
from pipelines.simulate.spec import SimulationSpec
from pipelines.simulate.streams import new_uuid


@dataclass(frozen=True)
class Scene:
    """What a spoiling function may look at."""

    spec: SimulationSpec
    method: Method


Spoil = Callable[[Record, Scene, int], Record]
WORDS = {POSTAL: "A", SPREADSHEET: "Tuyệt vời"}  # what is no answer where answers are written


def _with_unknown_code(record: Record, scene: Scene, turn: int) -> Record:
    item = scene.method.items[turn % len(scene.method.items)]
    wrong = WORDS.get(record.source, int(scale_codes(scene.method).max()) + 2)
    return replace(record, answers=record.answers | {item: wrong})


def _with_unknown_unit(record: Record, scene: Scene, turn: int) -> Record:
    return replace(record, unit_code=f"9999{turn % 10}")


def _with_foreign_unit(record: Record, scene: Scene, turn: int) -> Record:
    return replace(record, unit_code=scene.spec.foreign_unit)


def _with_unknown_procedure(record: Record, scene: Scene, turn: int) -> Record:
    return replace(record, procedure_code=f"9.99999{turn % 10}")


def _with_unknown_psu(record: Record, scene: Scene, turn: int) -> Record:
    return replace(record, psu_code=f"{record.unit_code}-X{turn}")


def _outside_window(record: Record, scene: Scene, turn: int) -> Record:
    first, last = scene.spec.window_from, scene.spec.window_to
    day = first - timedelta(days=3 + turn) if turn % 2 else last + timedelta(days=3 + turn)
    shift = day - record.submitted_at.date()
    return replace(record, started_at=record.started_at + shift, submitted_at=record.submitted_at + shift, arrives=day)


def _emptied(record: Record, scene: Scene, turn: int) -> Record:
    return replace(
        record, answers={code: given for code, given in record.answers.items() if code not in scene.method.items}
    )


def _reviewed(state: str) -> Spoil:
    return lambda record, scene, turn: replace(record, review=state)


def _damaged(damage: str) -> Spoil:
    return lambda record, scene, turn: replace(record, damage=damage)


def _with_repeated_number(record: Record, scene: Scene, turn: int) -> Record:
    return record  # its number is given with all others


def _of_unregistered_device(record: Record, scene: Scene, turn: int) -> Record:
    return replace(record, device_id=UNREGISTERED)


def _tampered(record: Record, scene: Scene, turn: int) -> Record:
    """In a file of its own, of the last day, on which nobody else answers."""
    return replace(_on_last_day(record, scene), device_id=TAMPERED_DEVICE, damage=TAMPERED)


def _unfinished(record: Record, scene: Scene, turn: int) -> Record:
    device = next(channel.devices[0] for channel in scene.spec.channels if channel.source == KIOSK)
    return replace(_on_last_day(record, scene), device_id=device, damage=UNFINISHED)


def _of_service(service: str, damage: str) -> Spoil:
    """Return a fault of one form service, on the last day, which cannot be taken for a month."""

    def spoil(record: Record, scene: Scene, turn: int) -> Record:
        devices = [device for channel in scene.spec.channels for device in channel.devices]
        device = next(one for one in devices if one.startswith(service))
        return replace(_on_last_day(record, scene), device_id=device, damage=damage)

    return spoil


def _in_spoilt_file(record: Record, scene: Scene, turn: int) -> Record:
    service, damage = ((MICROSOFT, BROKEN_FILE), (GOOGLE, OTHER_ORDER))[turn % 2]
    return _of_service(service, damage)(record, scene, turn)


def _on_last_day(record: Record, scene: Scene) -> Record:
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


REVIEWED = (KOBO, ODK)  # a reviewer can say there what he thinks of a record
IN_ANY_MONTH = (KIOSK, POSTAL, KOBO)  # each month costs the demonstration three tasks: the others have one only
EXTRAS = (
    _Extra("unknown_codes", RejectCode.R203_UNKNOWN_CODE, SOURCES, _with_unknown_code),
    _Extra("unknown_units", RejectCode.R202_UNKNOWN_UNIT, SOURCES, _with_unknown_unit),
    _Extra("foreign_units", RejectCode.R304_UNIT_NOT_IN_ROUND, SOURCES, _with_foreign_unit),
    _Extra("outside_window", RejectCode.R301_OUTSIDE_WINDOW, IN_ANY_MONTH, _outside_window),
    _Extra("empty_forms", RejectCode.R302_TOO_FEW_ANSWERS, SOURCES, _emptied),
    _Extra("refused_at_source", RejectCode.R305_REFUSED_AT_SOURCE, REVIEWED, _reviewed("not_approved")),
    _Extra("broken_lines", RejectCode.R107_BROKEN_LINE, (KIOSK,), _damaged("broken")),
    _Extra("half_lines", RejectCode.R106_TRUNCATED, (KIOSK,), _damaged(HALF)),
    _Extra(REPEATED, RejectCode.D404_SAME_NUMBER, (KIOSK,), _with_repeated_number),
    _Extra("unregistered", RejectCode.R210_UNKNOWN_DEVICE, (KIOSK,), _of_unregistered_device),
    _Extra("tampered", RejectCode.R113_BAD_SIGNATURE, (KIOSK,), _tampered),
    _Extra("unfinished", None, (KIOSK,), _unfinished),
    _Extra("on_hold", RejectCode.R306_AWAITS_REVIEW, REVIEWED, _reviewed("on_hold")),
    _Extra("deleted", None, PORTALS, _damaged(DELETED)),
    _Extra("encrypted", RejectCode.R111_ENCRYPTED, (ODK,), _damaged(ENCRYPTED)),
    _Extra("unmapped", RejectCode.R108_UNKNOWN_FORM, (ODK,), _damaged(UNMAPPED)),
    _Extra("incomplete", RejectCode.R201_MISSING_FIELD, (LIMESURVEY,), _damaged(INCOMPLETE)),
    _Extra("bad_times", RejectCode.R204_BAD_TIME, (SPREADSHEET,), _of_service(GOOGLE, BAD_TIME)),
    _Extra("broken_files", RejectCode.R101_UNREADABLE_FILE, (SPREADSHEET,), _in_spoilt_file),
)
UNKNOWN_PROCEDURE = _Extra("unknown_frame_codes", RejectCode.R205_UNKNOWN_PROCEDURE, SOURCES, _with_unknown_procedure)
UNKNOWN_PSU = _Extra("unknown_frame_codes", RejectCode.R206_UNKNOWN_PSU, SOURCES, _with_unknown_psu)


def spoilt_records(scene: Scene, source: str, own: list[Record], rng: np.random.Generator) -> list[Record]:
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


def _extra(extra: _Extra, donor: Record, scene: Scene, place: int, turn: int, rng: np.random.Generator) -> Record:
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
