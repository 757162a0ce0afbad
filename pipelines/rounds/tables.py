"""Reads the CSV tables of a round: units, frame and plan.

Every complaint names file, line, column and remedy; a column that is not known is refused rather than overlooked. It
must not look units up in the geography.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.lake import Lake
from pipelines.model.errors import InputError
from pipelines.model.response import CHANNELS
from pipelines.model.round import Round

COUNT = re.compile(r"[0-9]{1,15}")
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
Record = dict[str, str | None]


@dataclass(frozen=True)
class Shape:
    """A table: its columns, those that must be filled, its key, those that are counts or numbers or of fixed values."""

    file: str
    columns: tuple[str, ...]
    filled: tuple[str, ...]
    key: tuple[str, ...]
    counts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    options: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        """All text but the counts and numbers."""
        types = dict.fromkeys(self.counts, pa.int64()) | dict.fromkeys(self.numbers, pa.float64())
        return pa.schema([(name, types.get(name, pa.string())) for name in self.columns])


UNITS = Shape(
    file="units.csv",
    columns=("unit_code", "name_vi", "name_en", "level", "parent_code"),
    filled=("unit_code", "name_vi", "level"),
    key=("unit_code",),
)
PROCEDURE = ("procedure_code", "procedure_name_vi", "procedure_name_en", "procedure_field")
FRAME = Shape(
    file="frame.csv",
    columns=("unit_code", *PROCEDURE, "psu_code", "population"),
    filled=("unit_code",),
    key=("unit_code", "procedure_code", "procedure_field", "psu_code"),
    counts=("population",),
)
PLAN = Shape(
    file="plan.csv",
    columns=("unit_code", "procedure_field", "psu_code", "channel", "planned", "issued"),
    filled=("unit_code", "planned"),
    key=("unit_code", "procedure_field", "psu_code", "channel"),
    counts=("planned", "issued"),
    options={"channel": CHANNELS},
)


MARGINS = Shape(
    file="margins.csv",
    columns=("unit_code", "variable", "category", "total"),
    filled=("variable", "category", "total"),
    key=("unit_code", "variable", "category"),
    counts=("total",),
)


def load_units(lake: Lake, survey: Round) -> pa.Table:
    """Return `units.csv`: unit_code, name_vi, name_en, level, parent_code, all text; an empty cell is null.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    table = read_table(lake, survey, UNITS)
    if survey.unit_level not in table["level"].to_pylist():
        remedy = f"add the units evaluated, or correct unit_level in {survey.folder}/round.yml"
        raise InputError(f"no unit of level {survey.unit_level!r}", f"{survey.folder}/{UNITS.file}", remedy)
    return table


def load_frame(lake: Lake, survey: Round) -> pa.Table:
    """Return `frame.csv`: units, procedures and PSUs to be surveyed, with their population (dossiers or persons).

    All text but `population` (int64); an absent column or empty cell is null. No file gives no rows, which a round
    must own up to by not claiming a finite population.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    path = f"{survey.folder}/{FRAME.file}"
    if not lake.exists(path):
        if survey.design.finite_population:
            remedy = "add the file, or write finite_population: false under design in round.yml"
            raise InputError("a finite population needs a frame", lake.full(path), remedy)
        return FRAME.schema.empty_table()
    return read_table(lake, survey, FRAME, unit_codes(lake, survey))


def load_plan(lake: Lake, survey: Round) -> pa.Table:
    """Return `plan.csv`: planned responses by unit, procedure field, PSU and channel; no file: no rows.

    `planned` and `issued` (forms given out or sent; null: as many as planned) are int64.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    if not lake.exists(f"{survey.folder}/{PLAN.file}"):
        return PLAN.schema.empty_table()
    return read_table(lake, survey, PLAN, unit_codes(lake, survey))


def load_margins(lake: Lake, survey: Round) -> pa.Table:
    """Return `margins.csv`: known totals (int64) by variable, category and, where not of the whole round, unit.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    units: frozenset[str | None] = unit_codes(lake, survey) | {None}
    return read_table(lake, survey, MARGINS, units)


def unit_codes(lake: Lake, survey: Round) -> frozenset[str]:
    """Return the codes of the round's units."""
    return frozenset(load_units(lake, survey)["unit_code"].to_pylist())


def read_table(lake: Lake, survey: Round, shape: Shape, units: Collection[str | None] = ()) -> pa.Table:
    """Return a table of the round's folder; an absent column or empty cell is null.

    Args:
        lake: where the round is.
        survey: the round.
        shape: of the table.
        units: codes that `unit_code` may hold (None: it may be empty); nothing: any.

    Raises:
        InputError: naming file, line, column and remedy.
    """
    records = [record for _, record in read_records(lake, survey, shape, units)]
    cells = [[_value(record[field.name], field.type) for record in records] for field in shape.schema]
    return pa.table(cells, schema=shape.schema)


def read_records(
    lake: Lake, survey: Round, shape: Shape, units: Collection[str | None] = ()
) -> list[tuple[int, Record]]:
    """Return the checked rows of such a table as text, each with its line in the file."""
    where = f"{survey.folder}/{shape.file}"
    keys: dict[tuple[str | None, ...], int] = {}
    records: list[tuple[int, Record]] = []
    for line, record in _records(lake, where, shape):
        _check(record, shape, units, f"{where}, line {line}")
        first = keys.setdefault(tuple(record[name] for name in shape.key), line)
        if first != line:
            raise InputError(
                f"repeats line {first}", f"{where}, line {line}", f"keep one line a {' × '.join(shape.key)}"
            )
        records.append((line, record))
    if not records:
        raise InputError("there is no row", where, "fill in the table")
    return records


def _value(text: str | None, kind: pa.DataType) -> str | int | float | None:
    if text is None or pa.types.is_string(kind):
        return text
    return int(text) if pa.types.is_integer(kind) else float(text)


def _records(lake: Lake, where: str, shape: Shape) -> Iterator[tuple[int, Record]]:
    """Yield line number and cells of every row that is not empty."""
    reader = csv.reader(io.StringIO(_text(lake, where), newline=""), strict=True)
    try:
        headings = [heading.strip() for heading in next(reader, [])]
        _check_headings(headings, shape, where)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _record(cells, headings, shape, f"{where}, line {reader.line_num}")
    except csv.Error as error:
        raise InputError(str(error), f"{where}, line {reader.line_num}", "save the table again as CSV") from None


def _text(lake: Lake, where: str) -> str:
    if not lake.exists(where):
        raise InputError("there is no such file", lake.full(where), "add it to the round's folder")
    try:
        return unicodedata.normalize("NFC", lake.read_bytes(where).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        remedy = "save it as CSV UTF-8"
        raise InputError(f"not UTF-8 at byte {error.start}", where, remedy) from None


def _check_headings(headings: list[str], shape: Shape, where: str) -> None:
    place, known = f"{where}, line 1", f"separate with commas and use: {', '.join(shape.columns)}"
    for number, heading in enumerate(headings):
        if heading not in shape.columns:
            raise InputError(f"unknown column {heading!r}", place, known)
        if heading in headings[:number]:
            raise InputError(f"column {heading!r} occurs twice", place, "keep one of them")
    for name in shape.filled:
        if name not in headings:
            raise InputError(f"column {name!r} is missing", place, known)


def _record(cells: list[str], headings: list[str], shape: Shape, where: str) -> Record:
    if len(cells) != len(headings):
        remedy = "write one cell a column; put quotes around text that holds a comma"
        raise InputError(f"{len(cells)} cells under {len(headings)} headings", where, remedy)
    filled = {heading: cell.strip() or None for heading, cell in zip(headings, cells, strict=True)}
    return {name: filled.get(name) for name in shape.columns}


def _check(record: Record, shape: Shape, units: Collection[str | None], where: str) -> None:
    for name in shape.filled:
        if record[name] is None:
            raise InputError("the cell is empty", f"{where}, column {name}", f"fill in {name}")
    for name in shape.counts:
        text = record[name]
        if text is not None and not COUNT.fullmatch(text):
            raise InputError(f"{text!r} is no count", f"{where}, column {name}", "write digits only, such as 10450")
    for name in shape.numbers:
        text = record[name]
        if text is not None and not NUMBER.fullmatch(text):
            raise InputError(f"{text!r} is no number", f"{where}, column {name}", "write it as 85 or 85.5")
    for name, options in shape.options.items():
        if record[name] is not None and record[name] not in options:
            remedy = f"use one of: {', '.join(options)}"
            raise InputError(f"unknown {name} {record[name]!r}", f"{where}, column {name}", remedy)
    if units and record["unit_code"] not in units:
        remedy = f"add the unit to {UNITS.file}, or correct the code (keep leading zeros: format the column as text)"
        raise InputError(f"unknown unit {record['unit_code']!r}", f"{where}, column unit_code", remedy)
