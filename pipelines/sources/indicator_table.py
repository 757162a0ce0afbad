"""Indicator tables: values of indicators with standard errors, one row a unit and indicator, as CSV or XLSX.

Read like keyed forms. It must not interpret a value; what an indicator counts for is the method's to say.
"""

from __future__ import annotations

from pipelines.model.source import Source
from pipelines.sources.folder import fetch_from
from pipelines.sources.postal import read

SOURCE = Source(
    name="indicator_table",
    channel="published",
    fetch=fetch_from("*.csv", "*.tsv", "*.xlsx"),
    read=read,
    titles={"vi": "Bảng giá trị chỉ báo kèm sai số chuẩn (CSV, XLSX)", "en": "Values of indicators with errors"},
)
