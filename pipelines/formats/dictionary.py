"""The dictionary of a publication: what each published column means, in Vietnamese and English, as CSV and JSON."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from pipelines.formats.csv import to_csv
from pipelines.formats.tables import public_columns
from pipelines.model.publication import Format, Publication

CSV, JSON = "dictionary.csv", "dictionary.json"
COLUMNS = ("table", "column", "type", "unit", "meaning_vi", "meaning_en")


def entries(publication: Publication) -> list[dict[str, str]]:
    """Return one entry a published column, with the keys `COLUMNS`."""
    return [
        {
            "table": name,
            "column": column.name,
            "type": column.type,
            "unit": column.unit,
            "meaning_vi": column.meaning_vi,
            "meaning_en": column.meaning_en,
        }
        for name, table in publication.tables.items()
        for column in public_columns(table)
    ]


def _tables(publication: Publication) -> list[dict[str, Any]]:
    return [
        {
            "table": name,
            "meaning_vi": table.declaration.meaning_vi,
            "meaning_en": table.declaration.meaning_en,
            "columns": [entry for entry in entries(publication) if entry["table"] == name],
        }
        for name, table in publication.tables.items()
    ]


def _write(publication: Publication) -> dict[str, bytes]:
    columns = {name: pa.array([entry[name] for entry in entries(publication)], pa.string()) for name in COLUMNS}
    text = json.dumps({"tables": _tables(publication)}, ensure_ascii=False, indent=1)
    return {CSV: to_csv(pa.table(columns)), JSON: f"{text}\n".encode()}


FORMAT = Format("dictionary", {"vi": "Từ điển dữ liệu", "en": "Data dictionary"}, _write)
