"""The workbook: a sheet to print, the components of the overall score, each table as it is, and what the columns mean.

Sheets: `Kết quả` and `Thành phần` (laid out for people; where the publication holds scores), one tidy sheet a table
under its name, `Giải thích`. No cell is a formula. Numbers are stored unrounded and shown with the decimals of
the method, with a comma where the reader's program is set to Vietnamese. XLSX keeps 16 significant digits.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import xlsxwriter

from pipelines.formats.dictionary import COLUMNS, entries
from pipelines.formats.results import TABLE, measures_shown, results_of
from pipelines.formats.sheet import Sheet
from pipelines.formats.tables import public_rows
from pipelines.formats.xlsx_result import write_components, write_units
from pipelines.model.errors import InputError
from pipelines.model.publication import Format, Publication

FILE = "results.xlsx"
MOST_ROWS = 1_048_575  # of a sheet, below its heading
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def _write(publication: Publication) -> dict[str, bytes]:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, OPTIONS) as workbook:
        workbook.set_properties(_properties(publication))
        if TABLE in publication.tables and (measures := measures_shown(publication)):
            results = results_of(publication, measures[0].name)
            places = publication.method.decimals
            write_units(Sheet.add(workbook, "Kết quả", places), results, measures[0])
            if results.headline:
                write_components(Sheet.add(workbook, "Thành phần", places), results, measures[0])
        for name, table in publication.tables.items():
            _write_table(Sheet.add(workbook, name), public_rows(table))
        _write_meaning(Sheet.add(workbook, "Giải thích"), publication)
    return {FILE: sink.getvalue()}


def _properties(publication: Publication) -> dict[str, Any]:
    frozen_on = date.fromisoformat(publication.frozen_on)
    return {
        "title": publication.round.title_vi,
        "subject": publication.round.title_en,
        "comments": publication.release_id,
        "created": datetime(frozen_on.year, frozen_on.month, frozen_on.day, tzinfo=UTC),
    }


def _write_table(sheet: Sheet, rows: pa.Table) -> None:
    if rows.num_rows > MOST_ROWS:
        raise InputError(
            f"{rows.num_rows} rows do not fit into a sheet of {MOST_ROWS}", sheet.name, "publish without xlsx"
        )
    for place, name in enumerate(rows.column_names):
        sheet.put(0, place, name, "heading")
        sheet.width(place, min(max(len(name) + 3, 10), 30))
        for row, value in enumerate(rows[name].to_pylist(), start=1):
            sheet.put(row, place, value)
    sheet.freeze(1)
    sheet.filter(rows.num_rows, rows.num_columns)


def _write_meaning(sheet: Sheet, publication: Publication) -> None:
    facts = [
        ("Bản phát hành · Release", publication.release_id),
        ("Đợt khảo sát · Round", publication.round.id),
        ("Phương pháp · Method", publication.method.id),
        ("Căn cứ · Legal basis", "; ".join(publication.method.legal_basis)),
        ("Chốt ngày · Frozen on", publication.frozen_on),
        *((f"Lưu ý · {en}", vi) for vi, en in publication.notes),
    ]
    for row, (name, value) in enumerate(facts):
        sheet.put(row, 0, name, "name")
        sheet.put(row, 2, value)
    start = len(facts) + 1
    for place, (name, width) in enumerate(zip(COLUMNS, (22, 18, 12, 12, 60, 60), strict=True)):
        sheet.put(start, place, name, "heading")
        sheet.width(place, width)
        for row, entry in enumerate(entries(publication), start=start + 1):
            sheet.put(row, place, entry[name], "wrapped")
    sheet.print_landscape()


FORMAT = Format("xlsx", {"vi": "Bảng tính Excel", "en": "Excel workbook"}, _write)
