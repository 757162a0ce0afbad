"""CSV: one file a table, for machines and spreadsheets.

UTF-8 without a byte order mark, comma, `\\n`, a heading; text in double quotes, numbers bare and unrounded with a
decimal point; an empty cell without quotes is null, `""` is an empty text. A text that a spreadsheet would take for a
formula, or that starts with an apostrophe, gets an apostrophe in front; a reader takes one leading apostrophe off.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipelines.formats.tables import public_rows
from pipelines.model.publication import Format, Publication

LIKE_A_FORMULA = r"^([=+\-@\t\r\n'＝＋－＠])"


def to_csv(rows: pa.Table) -> bytes:
    """Return the rows as CSV."""
    for index, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            neutral = pc.replace_substring_regex(rows.column(index), LIKE_A_FORMULA, r"'\1")
            rows = rows.set_column(index, field, neutral)
    sink = io.BytesIO()
    pa.csv.write_csv(rows, sink)
    return sink.getvalue()


def _write(publication: Publication) -> dict[str, bytes]:
    return {f"{name}.csv": to_csv(public_rows(table)) for name, table in publication.tables.items()}


FORMAT = Format("csv", {"vi": "CSV (văn bản phân cách bằng dấu phẩy)", "en": "CSV (comma-separated text)"}, _write)
