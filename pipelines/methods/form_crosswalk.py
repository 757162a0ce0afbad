"""Reads `crosswalks/<name>.yml` of a method, and turns a mapping to an older form into one to the form of the method.

What has no equivalent is left blank and named with its reason; nothing is guessed. It must not look at data.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.methods.document import read_document
from pipelines.model.errors import InputError
from pipelines.model.form_crosswalk import Carried, FormCrosswalk, Translation
from pipelines.model.instrument import Instrument, Kind
from pipelines.model.round import Mapping

FOLDER = "crosswalks"


def load_crosswalks(folder: Path, instruments: Sequence[Instrument]) -> tuple[FormCrosswalk, ...]:
    """Return the crosswalks of a method's folder, checked against its forms, by name.

    Raises:
        InputError: naming file, key and remedy.
    """
    return tuple(_load(path, instruments) for path in sorted((folder / FOLDER).glob("*.yml")))


def through_crosswalk(mapping: Mapping, crosswalk: FormCrosswalk) -> Mapping:
    """Return a mapping to the form of the method; headings whose question has no equivalent are known, not mapped."""
    targets = {
        heading: crosswalk.questions[target].code if target in crosswalk.questions else target
        for heading, target in mapping.headings.items()
    }
    older = {one.texts for one in crosswalk.questions.values()} | set(crosswalk.questions)
    return replace(
        mapping,
        headings={heading: target for heading, target in targets.items() if target},
        ignore=(*mapping.ignore, *(heading for heading, target in targets.items() if not target)),
        codes={name: table for name, table in mapping.codes.items() if name not in older},
    )


def translations(mapping: Mapping, crosswalk: FormCrosswalk, form: Instrument) -> dict[str, Translation]:
    """Return heading → how its texts are carried over, of a mapping to the older form."""
    found = {}
    for heading, target in mapping.headings.items():
        one = crosswalk.questions.get(target)
        if one is None:
            continue
        said = {str(code): code for code in one.answers}
        said |= mapping.codes.get(one.texts, {}) | mapping.codes.get(target, {})
        multiple = bool(one.code) and form.by_code[one.code].kind is Kind.SELECT_MULTIPLE
        texts, blank = {}, {}
        for text, code in said.items():
            new, clean = one.answers.get(code), unicodedata.normalize("NFC", text).strip()
            if new is not None:
                texts[clean] = str(new)
            elif code in one.reasons:
                blank[clean] = one.reasons[code]
        found[heading] = Translation(target, crosswalk.version, texts, blank, multiple, one.reason)
    return found


def _load(path: Path, instruments: Sequence[Instrument]) -> FormCrosswalk:
    document = read_document(path.read_bytes(), str(path), "form_crosswalk")
    forms = {instrument.id: instrument for instrument in instruments}
    if document["form"] not in forms:
        raise InputError(f"unknown form {document['form']!r}", f"{path}: form", f"use one of: {', '.join(forms)}")
    form, tables = forms[document["form"]], document.get("answers", {})
    crosswalk = FormCrosswalk(
        name=path.stem,
        form=form.id,
        version=document["version"],
        same=tuple(document.get("same", ())),
        questions={
            old: _carried(entry, tables, f"{path}: questions.{old}") for old, entry in document["questions"].items()
        },
    )
    _check(crosswalk, form, str(path))
    return crosswalk


def _carried(entry: dict[str, str], tables: dict[str, dict[str, int | str]], where: str) -> Carried:
    if "to" not in entry:
        return Carried(reason=entry["reason"])
    if entry["answers"] not in tables:
        remedy = f"use one of: {', '.join(tables)}"
        raise InputError(f"there are no answers {entry['answers']!r}", f"{where}.answers", remedy)
    table = {int(code): value for code, value in tables[entry["answers"]].items()}
    return Carried(
        code=entry["to"],
        answers={code: value if isinstance(value, int) else None for code, value in table.items()},
        reasons={code: value for code, value in table.items() if isinstance(value, str)},
        texts=entry["answers"],
    )


def _check(crosswalk: FormCrosswalk, form: Instrument, where: str) -> None:
    if crosswalk.version == form.version:
        raise InputError("this is the version of the form itself", f"{where}: version", "write that of the older form")
    filled: dict[str, str] = {code: code for code in crosswalk.same}
    for code in crosswalk.same:
        _expect_coded(form, code, f"{where}: same")
    for old, one in crosswalk.questions.items():
        if not one.code:
            continue
        place = f"{where}: questions.{old}"
        _expect_coded(form, one.code, f"{place}.to")
        if one.code in filled:
            raise InputError(f"{one.code} is filled from {filled[one.code]} already", place, "keep one of the two")
        filled[one.code] = old
        codes: Any = form.by_code[one.code].code_list
        if strange := [new for new in one.answers.values() if new is not None and new not in codes.codes]:
            remedy = f"use one of: {', '.join(map(str, sorted(codes.codes)))}"
            raise InputError(f"{strange[0]} is no answer to {one.code}", f"{where}: answers.{one.texts}", remedy)


def _expect_coded(form: Instrument, code: str, where: str) -> None:
    if code not in {question.code for question in form.coded}:
        remedy = f"use codes such as {', '.join(question.code for question in form.coded[:3])}"
        raise InputError(f"form {form.id!r} has no coded question {code!r}", where, remedy)
