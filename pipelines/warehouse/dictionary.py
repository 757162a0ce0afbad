"""The text of the data dictionary, `docs/dictionary/<schema>.md`, from the declarations: every table, column and input.

`docs/generate.py` writes the pages; a test fails when the committed ones are not what this module gives. It must not
open a warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipelines.model.table import Column, Table
from pipelines.warehouse.lineage import inputs
from pipelines.warehouse.schema import is_required

SCHEMAS = {
    "ref": ("Danh mục tham chiếu", "Reference lists"),
    "mart": ("Kết quả và theo dõi", "Results and monitoring"),
    "ops": ("Nhật ký vận hành", "Record of operations"),
    "published": ("Số liệu đang công bố", "Published results"),
}
MARKDOWN = re.compile(r"([\\|*_<>`\[\]])")
CHECK_WORDS = {"min": "≥", "max": "≤", "in": "∈"}


def dictionary_markdown(catalogue: Mapping[str, Table]) -> dict[str, str]:
    """Return file name → Markdown, one page a schema, in Vietnamese and English."""
    schemas = sorted({table.schema for table in catalogue.values()})
    return {f"{schema}.md": _page(schema, catalogue) for schema in schemas}


def _page(schema: str, catalogue: Mapping[str, Table]) -> str:
    title = " · ".join((f"`{schema}`", *SCHEMAS.get(schema, ())))
    head = f"# {title}\n\n<!-- Generated from sql/ by pipelines.warehouse.dictionary; do not edit. -->\n"
    tables = [table for table in catalogue.values() if table.schema == schema]
    return "\n".join([head, *(_section(table, catalogue) for table in tables)])


def _section(table: Table, catalogue: Mapping[str, Table]) -> str:
    kind = "Khung nhìn / View" if table.query else "Bảng / Table"
    facts = {
        "Loại / Kind": kind,
        "Khoá / Grain": _names(table.grain),
        "Thay theo / Replaced by": _names(table.partition),
        "Lấy từ / Made from": _links(inputs(table), table.schema),
        "Dùng cho / Read by": _links(_readers(table, catalogue), table.schema),
    }
    lines = [f"- {label}: {value}" for label, value in facts.items() if value]
    rows = [_row(column, table) for column in table.columns]
    return "\n".join(
        [
            f"## {table.full_name}\n",
            f"{_escaped(table.meaning_vi)}  ",
            f"*{_escaped(table.meaning_en)}*\n",
            *lines,
            "",
            "| Cột / Column | Kiểu / Type | Đơn vị / Unit | Nghĩa | Meaning | Kiểm tra / Checks | Công khai / Public |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _row(column: Column, table: Table) -> str:
    checks = _checks(column.checks, is_required(column, table))
    unit, public = _escaped(column.unit), "✓" if column.public else ""
    texts = (_escaped(column.meaning_vi), _escaped(column.meaning_en))
    return f"| {' | '.join((f'`{column.name}`', column.type, unit, *texts, checks, public))} |"


def _checks(checks: Mapping[str, Any], is_required: bool) -> str:
    parts = ["not null"] if is_required else []
    for name, word in CHECK_WORDS.items():
        if name in checks:
            value = checks[name]
            parts.append(f"{word} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return _escaped("; ".join(parts))


def _readers(table: Table, catalogue: Mapping[str, Table]) -> list[str]:
    return [name for name, other in catalogue.items() if table.full_name in inputs(other)]


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _links(names: tuple[str, ...] | list[str], schema: str) -> str:
    """Link to sections; a heading's anchor is its text without the full stop."""
    return ", ".join(f"[{name}]({_page_of(name, schema)}#{name.replace('.', '')})" for name in names)


def _page_of(name: str, schema: str) -> str:
    other = name.partition(".")[0]
    return "" if other == schema else f"{other}.md"


def _escaped(text: str) -> str:
    return MARKDOWN.sub(r"\\\1", text)
