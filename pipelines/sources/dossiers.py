"""Dossiers: the export of a one-stop or portal system, one row a dossier, as CSV or XLSX.

Read like keyed forms. It must not score a dossier; which heading is which field is said by a mapping file.
"""

from __future__ import annotations

from pipelines.model.source import Source
from pipelines.sources.folder import fetch_from
from pipelines.sources.postal import read

SOURCE = Source(
    name="dossiers",
    channel="portal",
    fetch=fetch_from("*.csv", "*.tsv", "*.xlsx"),
    read=read,
    titles={"vi": "Hồ sơ từ hệ thống một cửa, cổng dịch vụ công (CSV, XLSX)", "en": "Dossiers of a one-stop system"},
)
