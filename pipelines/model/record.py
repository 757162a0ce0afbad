"""Tables that are no answers to a form: dossiers of a one-stop system, values of indicators. How they are laid out.

Read by `pipelines.collect.records`; this module holds the declaration only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """What a cell of a field holds."""

    TEXT = "text"
    UNIT = "unit"  # code of the unit evaluated
    DAY = "day"  # a date; of a time only the day, in the round's zone
    NUMBER = "number"
    COUNT = "count"  # a whole number from 0 up
    CODE = "code"  # a whole number of a scale
    FLAG = "flag"  # 1 yes, 0 no


@dataclass(frozen=True)
class RecordField:
    """One field of a record.

    Args:
        name: of the column; also the heading where no mapping gives another.
        kind: what its cells hold.
        required: whether a record without it is rejected.
        words: texts that a text field may hold; empty: any.
        codes: codes that a code field may hold.
    """

    name: str
    kind: FieldKind
    required: bool = False
    words: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class RecordLayout:
    """The fields of a kind of record.

    Args:
        fields: all fields, in the order of the columns.
        key: fields that identify a record; of two with one key the later stands.
        private: field that is kept as a pseudonym only; empty: none.
        day: field whose day must lie in the round's window; empty: not asked.
    """

    fields: tuple[RecordField, ...]
    key: tuple[str, ...]
    private: str = ""
    day: str = ""


INDICATOR = "indicator"


def indicator_layout(codes: frozenset[str]) -> RecordLayout:
    """Return the layout of a table of indicator values, one row a unit and indicator.

    `se` is the standard error of `value` and `n` the responses behind it; `df` are the degrees of freedom of the
    survey, blank where they are not known.
    """
    return RecordLayout(
        fields=(
            RecordField("unit_code", FieldKind.UNIT, required=True),
            RecordField(INDICATOR, FieldKind.TEXT, required=True, words=codes),
            RecordField("value", FieldKind.NUMBER, required=True),
            RecordField("se", FieldKind.NUMBER, required=True),
            RecordField("n", FieldKind.COUNT, required=True),
            RecordField("df", FieldKind.COUNT),
        ),
        key=("unit_code", INDICATOR),
    )
