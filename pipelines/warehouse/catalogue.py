"""Reads the declarations under `sql/` into tables: the only place where a column is declared.

`sql/<schema>/<table>/table.yml` declares one table; with a `query.sql` beside it, a view. `sql/vocabulary.yml` declares
columns that mean the same wherever they occur; a table names them by name alone. Everything is checked here, so that
the rest of the warehouse may trust a `Table`. It must not open a warehouse.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.model.errors import InputError
from pipelines.model.table import Column, Table
from pipelines.warehouse.column_types import TYPES

PUBLISHED = "published"  # the schema that people outside read: it may hold public columns only
TABLE_KEYS = {"meaning_vi", "meaning_en", "grain", "partition", "columns", "public_columns_of"}
COLUMN_KEYS = {"name", "type", "unit", "meaning_vi", "meaning_en", "public", "checks"}
CHECKS: dict[str, tuple[type, ...]] = {"min": (int, float), "max": (int, float), "in": (list,), "not_null": (bool,)}
NAME = re.compile(r"[a-z][a-z0-9_]*")
SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*")


def load_catalogue(project: Path) -> dict[str, Table]:
    """Return all declared tables and views by full name (`mart.index_score`), sorted.

    Args:
        project: the folder that holds `sql/`.

    Raises:
        InputError: a declaration is incomplete, contradicts itself or holds an unknown key; names file and key.
    """
    sql = project / "sql"
    paths = {f"{path.parent.parent.name}.{path.parent.name}": path for path in sorted(sql.glob("*/*/table.yml"))}
    if not paths:
        raise InputError("no table is declared", str(sql), "set HAILONG_PROJECT to the folder that holds sql/")
    vocabulary = _read_vocabulary(sql / "vocabulary.yml", project)
    drafts = {name: _read_draft(path, project, vocabulary) for name, path in paths.items()}
    return {name: _table(name, drafts) for name in paths}


@dataclass(frozen=True)
class _Draft:
    """A declaration as read: own columns only, the other table's not yet added."""

    where: str
    body: Mapping[str, Any]
    columns: tuple[Column, ...]
    query: str


class _Loader(yaml.CSafeLoader):
    """A YAML loader that refuses a key given twice; YAML itself would keep the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key “{key}” is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read_text(path: Path, where: str) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text ({error.reason})", where, "save the file as UTF-8") from error
    if not unicodedata.is_normalized("NFC", text):
        raise InputError("the text is not in Unicode form NFC", where, "save the file with composed letters (NFC)")
    return text


def _read_yaml(path: Path, where: str) -> Any:
    try:
        return yaml.load(_read_text(path, where), Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {error}", where, "correct the line that the message names") from error


def _read_vocabulary(path: Path, project: Path) -> dict[str, Column]:
    where = str(path.relative_to(project))
    columns = _columns(_read_yaml(path, where) or [], {}, where) if path.exists() else ()
    return {column.name: column for column in columns}


def _read_draft(path: Path, project: Path, vocabulary: Mapping[str, Column]) -> _Draft:
    where = str(path.relative_to(project))
    body = _mapping(_read_yaml(path, where), TABLE_KEYS, where)
    for part in (path.parent.parent.name, path.parent.name):
        _require(NAME.fullmatch(part), f"“{part}” is no name for a schema or table", where)
    return _Draft(where, body, _columns(body.get("columns", []), vocabulary, where), _read_query(path.parent, project))


def _read_query(folder: Path, project: Path) -> str:
    path = folder / "query.sql"
    if not path.exists():
        return ""
    where = str(path.relative_to(project))
    query = _read_text(path, where).strip()
    code = COMMENT.sub("", query)
    _require(SELECT.match(code) and ";" not in code, "a view is one SELECT, without a semicolon", where)
    return query


def _columns(entries: Any, vocabulary: Mapping[str, Column], where: str) -> tuple[Column, ...]:
    _require(isinstance(entries, list), "columns is not a list", where)
    columns = tuple(_column(entry, vocabulary, f"{where}: columns[{index}]") for index, entry in enumerate(entries))
    _require_unique(columns, where)
    return columns


def _column(entry: Any, vocabulary: Mapping[str, Column], where: str) -> Column:
    if isinstance(entry, str):
        _require(entry in vocabulary, f"column “{entry}” is not in sql/vocabulary.yml", where)
        return vocabulary[entry]
    body = _mapping(entry, COLUMN_KEYS, where)
    name = _text(body, "name", where)
    where = f"{where} ({name})"
    _require(NAME.fullmatch(name), f"“{name}” is no name for a column", where)
    _require(name not in vocabulary, f"“{name}” is declared in sql/vocabulary.yml: give the name alone", where)
    kind = _text(body, "type", where)
    _require(kind in TYPES, f"type “{kind}” is none of {', '.join(TYPES)}", where)
    _require(isinstance(body.get("public", False), bool), "public is not true or false", where)
    _require(isinstance(body.get("unit", ""), str), "unit is not text", where)
    return Column(
        name,
        kind,
        _text(body, "meaning_vi", where),
        _text(body, "meaning_en", where),
        body.get("unit", ""),
        body.get("public", False),
        _checks(body.get("checks", {}), where),
    )


def _checks(body: Any, where: str) -> dict[str, Any]:
    checks = _mapping(body, set(CHECKS), f"{where}: checks")
    for key, value in checks.items():
        _require(isinstance(value, CHECKS[key]), f"check “{key}” has a value of the wrong kind: {value!r}", where)
    return checks


def _table(name: str, drafts: Mapping[str, _Draft], seen: tuple[str, ...] = ()) -> Table:
    draft = drafts[name]
    schema, _, table = name.partition(".")
    columns = draft.columns + _inherited(name, drafts, seen)
    _require_unique(columns, draft.where)
    declaration = Table(
        schema,
        table,
        _text(draft.body, "meaning_vi", draft.where),
        _text(draft.body, "meaning_en", draft.where),
        _names(draft.body, "grain", columns, draft.where),
        columns,
        _names(draft.body, "partition", columns, draft.where),
        draft.query,
    )
    _validate(declaration, draft.where)
    return declaration


def _inherited(name: str, drafts: Mapping[str, _Draft], seen: tuple[str, ...]) -> tuple[Column, ...]:
    draft = drafts[name]
    if "public_columns_of" not in draft.body:
        return ()
    other = _text(draft.body, "public_columns_of", draft.where)
    where = f"{draft.where}: public_columns_of"
    _require(other in drafts, f"table “{other}” is not declared", where)
    _require(other not in (*seen, name), f"“{other}” takes its columns from this table", where)
    return tuple(column for column in _table(other, drafts, (*seen, name)).columns if column.public)


def _validate(table: Table, where: str) -> None:
    _require(table.columns, "no column is declared", f"{where}: columns")
    _require(table.grain, "the grain is missing: the columns that tell one row from another", f"{where}: grain")
    _require(not (table.query and table.partition), "a view is not loaded", f"{where}: partition")
    # Rows of one load are tested to be unique; with the key inside the grain, so are all rows of the table.
    _require(set(table.partition) <= set(table.grain), "partition is not part of the grain", f"{where}: partition")
    private = [column.name for column in table.columns if not column.public]
    _require(not (table.schema == PUBLISHED and private), f"columns that are not public: {', '.join(private)}", where)


def _names(body: Mapping[str, Any], key: str, columns: tuple[Column, ...], where: str) -> tuple[str, ...]:
    names, known = body.get(key, []), {column.name for column in columns}
    _require(isinstance(names, list), "not a list of columns", f"{where}: {key}")
    _require(len(names) == len(set(map(str, names))), "a column is named twice", f"{where}: {key}")
    for name in names:
        _require(name in known, f"column “{name}” is not declared", f"{where}: {key}")
    return tuple(names)


def _mapping(body: Any, keys: set[str], where: str) -> dict[str, Any]:
    _require(isinstance(body, dict), f"not a mapping of {', '.join(sorted(keys))}", where)
    unknown = [str(key) for key in body if key not in keys]
    _require(not unknown, f"unknown key {', '.join(unknown)}; known are {', '.join(sorted(keys))}", where)
    return body


def _text(body: Mapping[str, Any], key: str, where: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError("missing, empty or not text", f"{where}: {key}", f"write {key}")
    return value.strip()


def _require_unique(columns: tuple[Column, ...], where: str) -> None:
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    _require(not twice, f"column declared twice: {', '.join(twice)}", f"{where}: columns")


def _require(holds: object, what: str, where: str) -> None:
    if not holds:
        raise InputError(what, where, "correct the declaration")
