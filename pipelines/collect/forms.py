"""Mappings made ready: joined with their instruments, and the one that fits each row chosen.

It decides which heading feeds what; it must not interpret a cell except to choose the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from pipelines.collect.cells import Block, Cells, as_mask, clean_text
from pipelines.collect.schema import Place, place_of
from pipelines.methods import check_mappings, crosswalk_of, through_crosswalk, translations
from pipelines.model.errors import InputError
from pipelines.model.form_crosswalk import Translation
from pipelines.model.instrument import Instrument, Question, Role
from pipelines.model.method import Method
from pipelines.model.response import COMMENT, HEADER
from pipelines.model.round import Mapping

REQUIRED = ("record_id", "unit_code", "submitted_at")


@dataclass(frozen=True)
class Form:
    """A mapping with its instrument, its headings sorted by what they feed.

    `fields` gives header field → heading, `answers` heading → question, `ticks` heading → 0/1 column of one option;
    `comment` is the heading of the free text (empty: none), `identity` heading → what it tells of the person,
    `translations` heading → how answers to an older `version` of the form are carried over,
    `withheld` are headings that are kept nowhere in the lake but in the landed bytes; those of identity are among them.
    """

    mapping: Mapping
    instrument: Instrument
    fields: dict[str, str]
    answers: dict[str, Question]
    ticks: dict[str, str]
    comment: str
    identity: dict[str, str]
    withheld: tuple[str, ...]
    translations: dict[str, Translation] = field(default_factory=dict)
    version: str = ""

    def cells(self, block: Block, field: str) -> Cells | None:
        """Return the column that fills a header field: its heading's, else the mapping's constant, else none."""
        if self.fields.get(field) in block.cells:
            return block.cells[self.fields[field]]
        if field in self.mapping.constants:
            return Cells.constant(self.mapping.constants[field], len(block))
        return None

    def heading(self, field: str) -> str:
        """Return what a header field is called in the source."""
        return self.fields.get(field, field)

    def knows(self, heading: str) -> bool:
        """Whether a heading is mapped, chooses the form, or is known to carry nothing we keep."""
        return (
            heading in self.mapping.headings
            or heading in self.mapping.identity
            or heading in self.mapping.when
            or self.mapping.ignores(heading)
        )

    @property
    def needed(self) -> list[str]:
        """Headings that rows of this form must have.

        A mapping without `when` holds for files with all its headings. Otherwise a block of records may lack a
        heading because everybody left it blank, and only those that fill a required field are needed.
        """
        if not self.mapping.when:
            return list(self.mapping.headings)
        return [self.fields[field] for field in REQUIRED if field in self.fields]

    def fits(self, block: Block) -> np.ndarray:
        """Return which rows the mapping holds for."""
        if not self.mapping.when:
            return np.full(len(block), all(heading in block.cells for heading in self.needed))
        fitting = np.ones(len(block), dtype=bool)
        for heading, values in self.mapping.when.items():
            cells = block.cells.get(heading)
            fitting &= False if cells is None else as_mask(cells.translate(set(values).__contains__, pa.bool_()))
        return fitting


def resolve_forms(method: Method, mappings: Sequence[Mapping], source: str) -> tuple[Form, ...]:
    """Join mappings with the method's instruments; InputError says which one cannot be used and why."""
    check_mappings(tuple(mappings), method, f"mappings/{source}.yml")
    return tuple(_resolve(method, _clean(mapping)) for mapping in mappings)


def assign_forms(forms: Sequence[Form], block: Block) -> list[tuple[Form | None, Block]]:
    """Divide a block over the forms that fit its rows, the first that fits; rows that none fits come with None.

    Where a table has only some of the headings of a mapping without `when`, it goes to the nearest such mapping,
    which will say what is missing.
    """
    parts: list[tuple[Form | None, Block]] = []
    left = np.ones(len(block), dtype=bool)
    for form in forms:
        fitting = left & form.fits(block)
        if fitting.any():
            parts.append((form, block.take(fitting)))
            left &= ~fitting
    if left.any():
        parts.append((_nearest(forms, block), block.take(left)))
    return parts


def _nearest(forms: Sequence[Form], block: Block) -> Form | None:
    def present(form: Form) -> int:
        return sum(heading in block.cells for heading in form.needed)

    best = max((form for form in forms if not form.mapping.when), key=present, default=None)
    return best if best is not None and present(best) else None


def _resolve(method: Method, mapping: Mapping) -> Form:
    instrument = method.instrument(mapping.form)
    version, carried = instrument.version, dict[str, Translation]()
    if mapping.crosswalk:
        crosswalk = crosswalk_of(method, mapping)
        version, carried = crosswalk.version, translations(mapping, crosswalk, instrument)
        mapping = through_crosswalk(mapping, crosswalk)
    targets = mapping.headings.items()
    placed = {heading: _place(instrument, target) for heading, target in targets}
    identity = {heading: target for heading, target in targets if _is_identity(instrument, target)} | mapping.identity
    withheld = [heading for heading in placed if placed[heading] is Place.NOWHERE]
    form = Form(
        mapping=mapping,
        instrument=instrument,
        fields={target: heading for heading, target in targets if placed[heading] is Place.HEADER},
        answers={h: instrument.by_code[t] for h, t in targets if placed[h] in (Place.CODE, Place.NUMBER)},
        ticks={heading: target for heading, target in targets if placed[heading] is Place.OPTION},
        comment=next((heading for heading in placed if placed[heading] is Place.COMMENT), ""),
        identity=identity,
        withheld=tuple(dict.fromkeys([*withheld, *identity])),
        translations=carried,
        version=version,
    )
    for name in REQUIRED:
        if name not in form.fields and name not in mapping.constants:
            remedy = f"say which heading is {name}, or give it under constants"
            raise InputError(f"nothing fills {name}", f"mapping of form {instrument.id}", remedy)
    return form


def _place(instrument: Instrument, target: str) -> Place:
    if target in HEADER:
        return Place.HEADER
    if target == COMMENT:
        return Place.COMMENT
    question = instrument.by_code.get(target)
    return Place.OPTION if question is None else place_of(question)


def _is_identity(instrument: Instrument, target: str) -> bool:
    question = instrument.by_code.get(target)
    return question is not None and question.role is Role.IDENTITY


def _clean(mapping: Mapping) -> Mapping:
    """Return the mapping with headings and values as blocks have them."""
    return replace(
        mapping,
        headings={clean_text(heading): target for heading, target in mapping.headings.items()},
        when={clean_text(name): tuple(map(clean_text, values)) for name, values in mapping.when.items()},
        ignore=tuple(map(clean_text, mapping.ignore)),
        identity={clean_text(heading): target for heading, target in mapping.identity.items()},
    )
