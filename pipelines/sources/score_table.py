"""Score tables: scores that somebody published, one row a unit and year, as CSV or XLSX.

Read like keyed forms. It must not interpret a score; which heading is which leaf of the index is the method's to say.
"""

from __future__ import annotations

from pipelines.model.source import Source
from pipelines.sources.folder import fetch_from
from pipelines.sources.postal import read

SOURCE = Source(
    name="score_table",
    channel="published",
    fetch=fetch_from("*.csv", "*.xlsx"),
    read=read,
    titles={"vi": "Bảng điểm đã công bố (CSV, XLSX)", "en": "Published score tables (CSV, XLSX)"},
)
