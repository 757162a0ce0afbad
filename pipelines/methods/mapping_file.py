"""Reads mapping files: which heading of a source's file is which field or answer, one mapping a form version.

It must not read the sources themselves.
"""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines.methods.document import read_document
from pipelines.methods.form_crosswalk import through_crosswalk
from pipelines.model.errors import InputError
from pipelines.model.form_crosswalk import FormCrosswalk
from pipelines.model.instrument import Instrument
from pipelines.model.method import Method
from pipelines.model.response import CHANNELS, COMMENT, HEADER, IDENTITY_FIELDS
from pipelines.model.round import Mapping

DIRECTIVES = ("%d", "%m", "%b", "%B", "%Y", "%y", "%H", "%I", "%M", "%S", "%f", "%p", "%z", "%%")


def read_mappings(content: bytes, where: str) -> tuple[Mapping, ...]:
    """Return the mappings of a `mappings/<source>.yml`.

    Raises:
        InputError: naming file, key and remedy. Whether forms and codes exist is `check_mappings`' to say.
    """
    return tuple(_mapping(entry, where) for entry in read_document(content, where, "mappings"))


def check_mappings(mappings: tuple[Mapping, ...], method: Method, where: str) -> None:
    """Raise InputError where a mapping names a form, question, list or code that the method does not have."""
    forms = {instrument.id: instrument for instrument in method.instruments}
    for mapping in mappings:
        if mapping.form not in forms:
            raise InputError(f"unknown form {mapping.form!r}", where, f"use one of: {', '.join(forms)}")
        if mapping.crosswalk:
            mapping = _carried(mapping, method, forms[mapping.form], where)
        _check_targets(mapping, forms[mapping.form], where)
        _check_codes(mapping, forms[mapping.form], where)


def _carried(mapping: Mapping, method: Method, form: Instrument, where: str) -> Mapping:
    """Return a mapping to an older form as one to the method's; an InputError where the crosswalk does not say how."""
    crosswalk = crosswalk_of(method, mapping, where)
    known = {*HEADER, COMMENT, *crosswalk.same, *crosswalk.questions}
    for heading, target in mapping.headings.items():
        if target not in known and form.by_code.get(target) in form.coded:
            remedy = f"say in crosswalks/{crosswalk.name}.yml what becomes of it"
            raise InputError(f"the crosswalk says nothing of {target!r}", f"{where}: headings[{heading!r}]", remedy)
    return through_crosswalk(mapping, crosswalk)


def crosswalk_of(method: Method, mapping: Mapping, where: str = "mappings") -> FormCrosswalk:
    """Return the crosswalk that a mapping names; an InputError where the method has none for its form."""
    found = {one.name: one for one in method.crosswalks if one.form == mapping.form}
    if mapping.crosswalk not in found:
        known = ", ".join(found) or "none yet"
        remedy = f"write crosswalks/{mapping.crosswalk}.yml beside the method; there are: {known}"
        raise InputError(f"there is no crosswalk {mapping.crosswalk!r} to {mapping.form}", where, remedy)
    return found[mapping.crosswalk]


def _mapping(entry: dict[str, Any], where: str) -> Mapping:
    mapping = Mapping(
        form=entry["form"],
        headings=entry["headings"],
        when={heading: tuple(values) for heading, values in entry.get("when", {}).items()},
        ignore=tuple(entry.get("ignore", ())),
        constants=entry.get("constants", {}),
        codes=entry.get("codes", {}),
        time_zone=entry.get("time_zone", Mapping.time_zone),
        time_format=entry.get("time_format", Mapping.time_format),
        identity=entry.get("identity", {}),
        crosswalk=entry.get("crosswalk", ""),
    )
    _check_identity(mapping, where)
    for name in mapping.constants:
        if name not in HEADER:
            remedy = f"use one of: {', '.join(HEADER)}"
            raise InputError(f"{name!r} is no field of the response", f"{where}: constants", remedy)
    channel = mapping.constants.get("channel")
    if channel is not None and channel not in CHANNELS:
        remedy = f"use one of: {', '.join(CHANNELS)}"
        raise InputError(f"unknown channel {channel!r}", f"{where}: constants.channel", remedy)
    if mapping.time_zone:
        check_zone(mapping.time_zone, f"{where}: time_zone")
    if mapping.time_format:
        _check_time_format(mapping.time_format, f"{where}: time_format")
    return mapping


def _check_identity(mapping: Mapping, where: str) -> None:
    for heading, target in mapping.identity.items():
        place = f"{where}: identity[{heading!r}]"
        if target not in IDENTITY_FIELDS:
            raise InputError(f"unknown identity {target!r}", place, f"use one of: {', '.join(IDENTITY_FIELDS)}")
        if heading in mapping.headings:
            raise InputError("the heading is an answer too", place, "keep it under headings or under identity")


def _check_time_format(time_format: str, where: str) -> None:
    """Raise InputError where a format uses another directive than those below, or does not say year, month and day."""
    remedy = f"write a format such as %d/%m/%Y %H:%M:%S, of {' '.join(DIRECTIVES)}"
    used = re.findall(r"%.?", time_format, re.DOTALL)
    if wrong := [directive for directive in used if directive not in DIRECTIVES]:
        raise InputError(f"unknown directive {wrong[0]!r} in {time_format!r}", where, remedy)
    if twice := [directive for directive in DIRECTIVES if directive != "%%" and used.count(directive) > 1]:
        raise InputError(f"directive {twice[0]!r} occurs twice in {time_format!r}", where, remedy)
    if not any(set(used) >= {"%d", month, year} for month in ("%m", "%b", "%B") for year in ("%Y", "%y")):
        raise InputError(f"{time_format!r} does not say day, month and year", where, remedy)


def check_zone(name: str, where: str) -> None:
    """Raise InputError where there is no such time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"unknown time zone {name!r}", where, "use an IANA name such as Asia/Ho_Chi_Minh") from None


def _check_targets(mapping: Mapping, form: Instrument, where: str) -> None:
    columns = {column for question in form.questions for column in question.columns}
    known = {*HEADER, COMMENT, *form.by_code, *columns}
    filled: dict[str, str] = {}
    for heading, target in mapping.headings.items():
        place = f"{where}: headings[{heading!r}]"
        if target not in known:
            remedy = "write a header field or the item_code of a question"
            raise InputError(f"form {form.id!r} has no question {target!r}", place, remedy)
        first = filled.setdefault(target, heading)
        if first != heading:
            remedy = "map each field from one heading"
            raise InputError(f"{target!r} is filled from {first!r} already", place, remedy)


def _check_codes(mapping: Mapping, form: Instrument, where: str) -> None:
    lists = {q.code_list.name: q.code_list for q in form.questions if q.code_list}
    lists |= {q.code: q.code_list for q in form.questions if q.code_list}
    for name, table in mapping.codes.items():
        if name not in lists:
            remedy = f"use one of: {', '.join(lists)}"
            raise InputError(f"{name!r} is no code list or coded question", f"{where}: codes", remedy)
        for text, code in table.items():
            if code not in lists[name].codes:
                remedy = f"use one of: {', '.join(map(str, sorted(lists[name].codes)))}"
                raise InputError(f"code {code} of {text!r} is not in the list", f"{where}: codes.{name}", remedy)
