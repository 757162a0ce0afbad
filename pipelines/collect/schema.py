"""Columns of conformed and accepted responses, derived from the instruments of a method.

The only place that decides in which column an answer lies; it must not look at data.
"""

from __future__ import annotations

from enum import Enum

import pyarrow as pa

from pipelines.model.errors import InputError
from pipelines.model.instrument import Instrument, Kind, Question, Role
from pipelines.model.method import Method
from pipelines.model.response import COMMENT, HEADER, HEADER_TYPES, PROVENANCE

TIMESTAMP = pa.timestamp("us", tz="UTC")
CODE = pa.int8()
NUMBER = pa.int16()
_HEADER_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "timestamp": TIMESTAMP}


class Place(Enum):
    """Where the answer to a question is kept."""

    HEADER = "a field of the response"
    CODE = "a small-integer column, or one 0/1 column an option"
    OPTION = "one 0/1 column of a question that the source has split"
    NUMBER = "an integer column"
    COMMENT = "the free text"
    NOWHERE = "only in the landed bytes"


def place_of(question: Question) -> Place:
    """Return where a question's answer is kept; identity is kept nowhere beside answers."""
    if question.role is Role.HEADER:
        return Place.HEADER if question.code in HEADER else Place.NOWHERE
    if question.role is Role.IDENTITY:
        return Place.NOWHERE
    if question.role is Role.COMMENT:
        return Place.COMMENT
    return Place.NUMBER if question.kind is Kind.INTEGER else Place.CODE


def header_type(field: str) -> pa.DataType:
    """Return the type of a header field."""
    return _HEADER_TYPES[HEADER_TYPES[field]] if field in HEADER_TYPES else pa.string()


def response_schema(method: Method) -> pa.Schema:
    """Return the columns of a conformed response: header, provenance, answers of every instrument, free text.

    Instruments share the column of a question that they have in common. InputError where they disagree on its type.
    """
    fields = [pa.field(name, header_type(name)) for name in HEADER]
    fields += [pa.field(name, pa.int64() if name == "line" else pa.string()) for name in PROVENANCE]
    answers: dict[str, pa.DataType] = {}
    for instrument in method.instruments:
        for name, kind in _answer_types(instrument).items():
            if answers.setdefault(name, kind) != kind:
                raise InputError(
                    f"column {name} is a code in one instrument and a number in another",
                    method.id,
                    "give one of the two questions another item_code",
                )
    fields += [pa.field(name, kind) for name, kind in answers.items()]
    return pa.schema([*fields, pa.field(COMMENT, pa.string())])


def accepted_schema(method: Method) -> pa.Schema:
    """Return the columns of an accepted response, before quality flags."""
    return response_schema(method).append(pa.field("is_late", pa.bool_()))


def item_columns(method: Method) -> tuple[str, ...]:
    """Return the columns of all satisfaction items, each once, in order."""
    return tuple(
        dict.fromkeys(name for instrument in method.instruments for q in instrument.items for name in q.columns)
    )


def _answer_types(instrument: Instrument) -> dict[str, pa.DataType]:
    types = {Place.CODE: CODE, Place.NUMBER: NUMBER}
    return {
        name: types[place_of(question)]
        for question in instrument.questions
        if place_of(question) in types
        for name in question.columns
    }
