"""Which heading of a table of records is which field: the round's mapping file, else the method's, else our own names.

It must not read the table.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.methods.mapping_file import read_mappings
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.record import FieldKind, RecordField, RecordLayout
from pipelines.model.round import Mapping, SourceConfig

CODED = (FieldKind.CODE, FieldKind.FLAG)
FLAGS = frozenset({0, 1})


def load_record_mapping(method: Method, layout: RecordLayout, config: SourceConfig) -> Mapping:
    """Return the mapping of a source's tables, checked against the layout.

    Raises:
        InputError: a mapping that names an unknown field or code, or several mappings; naming key and remedy.
    """
    where = f"mappings/{config.source}.yml"
    path = Path(method.folder) / where
    chosen = config.mappings
    if not chosen and path.is_file():
        where, chosen = str(path), read_mappings(path.read_bytes(), str(path))
    if not chosen:
        return Mapping(form=method.input, headings={field.name: field.name for field in layout.fields})
    if len(chosen) > 1 or chosen[0].when:
        raise InputError("a table of records has one form", where, "keep one mapping, without when")
    _check(chosen[0], {field.name: field for field in layout.fields}, where)
    return chosen[0]


def _check(mapping: Mapping, fields: dict[str, RecordField], where: str) -> None:
    known = f"use one of: {', '.join(fields)}"
    for heading, target in mapping.headings.items():
        if target not in fields:
            raise InputError(f"there is no field {target!r}", f"{where}: headings[{heading!r}]", known)
    if len(set(mapping.headings.values())) != len(mapping.headings):
        raise InputError("a field is filled from two headings", f"{where}: headings", "map each field from one heading")
    for name in mapping.constants:
        if name not in fields:
            raise InputError(f"there is no field {name!r}", f"{where}: constants", known)
    for name, table in mapping.codes.items():
        place = f"{where}: codes.{name}"
        if name not in fields or fields[name].kind not in CODED:
            raise InputError(f"{name!r} is no coded field", place, "use a field of kind code or flag")
        allowed = fields[name].codes if fields[name].kind is FieldKind.CODE else FLAGS
        for text, code in table.items():
            if code not in allowed:
                remedy = f"use one of: {', '.join(map(str, sorted(allowed)))}"
                raise InputError(f"code {code} of {text!r} is outside the scale", place, remedy)
