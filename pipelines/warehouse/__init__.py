"""The warehouse: tables and views declared under `sql/`, made and loaded through SQLAlchemy on DuckDB or PostgreSQL.

It holds scores, counts, progress and operations, never microdata. It must not compute a statistic or read the lake.
"""

from pipelines.warehouse.catalogue import load_catalogue
from pipelines.warehouse.dictionary import dictionary_markdown
from pipelines.warehouse.engine import open_engine
from pipelines.warehouse.load import Load, query, read, replace
from pipelines.warehouse.schema import create_all, metadata

__all__ = [
    "Load",
    "create_all",
    "dictionary_markdown",
    "load_catalogue",
    "metadata",
    "open_engine",
    "query",
    "read",
    "replace",
]
