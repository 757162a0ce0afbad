"""Rows of the schema `ref`: what the scores of a round refer to. It reads declarations only, never an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.csv

from pipelines import rounds
from pipelines.geography.register import FOLDER
from pipelines.model.instrument import Question, Role
from pipelines.model.method import Method, Node
from pipelines.model.round import Round
from pipelines.stages.context import Context
from pipelines.stages.dossier_labels import dossier_choices, dossier_questions
from pipelines.warehouse import Load

TEXT, DAY, TRUTH = pa.string(), pa.date32(), pa.bool_()
RECORD = "record"  # role of what is counted from dossiers
PUBLISHED_ROLES = (Role.ITEM, Role.PERCEPTION, Role.NEED, Role.PROFILE)


def round_loads(context: Context, round_: Round, method: Method) -> list[Load]:
    """Return the loads that describe a round and its method."""
    version = {"programme": method.programme, "method_version": method.version}
    return [
        Load("ref.programme", {"programme": method.programme}, rows([_programme(method)])),
        Load("ref.method", version, rows([version | _method(method)])),
        Load("ref.node", version, rows(version | node for node in _nodes(method.tree, "", []))),
        Load("ref.item", version, rows(version | item for item in _items(method))),
        Load("ref.choice", version, rows(version | choice for choice in _choices(method))),
        Load("ref.round", {"round_id": round_.id}, rows([_round(round_)])),
        Load("ref.round_unit", {"round_id": round_.id}, _units(context, round_)),
    ]


def geography_loads() -> list[Load]:
    """Return the loads of the national list of units and its crosswalk."""
    units = _read("units.csv", {"valid_from": DAY, "valid_to": DAY})
    names = {"level": "unit_level", "code": "unit_code", "type": "unit_type", "parent_code": "parent_unit_code"}
    crosswalk = _read("crosswalk.csv", {"from_date": DAY, "is_default": TRUTH})
    return [
        Load("ref.unit", {}, units.rename_columns([names.get(name, name) for name in units.column_names])),
        Load("ref.unit_crosswalk", {}, crosswalk),
    ]


def rows(records: Iterable[dict[str, Any]]) -> pa.Table:
    """Return records as a table."""
    return pa.Table.from_pylist(list(records))


def _read(name: str, types: dict[str, pa.DataType]) -> pa.Table:
    header = (FOLDER / name).open(encoding="utf-8").readline().strip().split(",")
    convert = pyarrow.csv.ConvertOptions(
        column_types={column: types.get(column, TEXT) for column in header}, strings_can_be_null=False
    )
    return pyarrow.csv.read_csv(FOLDER / name, convert_options=convert)


def _programme(method: Method) -> dict[str, Any]:
    return {"programme": method.programme, "title_vi": method.title_vi, "title_en": method.title_en}


def _method(method: Method) -> dict[str, Any]:
    return {
        "title_vi": method.title_vi,
        "title_en": method.title_en,
        "regime": method.regime,
        "input": method.input,
        "legal_basis": "\n".join(method.legal_basis),
        "method_sha256": method.sha256,
    }


def _nodes(node: Node, parent: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found.append(
        {
            "node_code": node.code,
            "parent_code": parent,
            "node_level": str(node.level),
            "position": len(found) + 1,
            "title_vi": node.title_vi,
            "title_en": node.title_en,
            "weight": node.weight,
            "combination": str(node.combination or ""),
            "minimum": node.minimum,
            "maximum": node.maximum,
            "year_from": node.year_from,
            "year_to": node.year_to,
        }
    )
    for child in node.children:
        _nodes(child, node.code, found)
    return found


def _questions(method: Method) -> list[Question]:
    found: dict[str, Question] = {}
    for instrument in method.instruments:
        for question in instrument.with_role(*PUBLISHED_ROLES):
            found.setdefault(question.code, question)
    return list(found.values())


def _items(method: Method) -> list[dict[str, Any]]:
    counted = [_record_item(*question) for question in dossier_questions(method)]
    return [_item(method, question) for question in _questions(method)] + counted


def _record_item(code: str, label_vi: str, label_en: str) -> dict[str, Any]:
    """Return what is counted from dossiers: no form asks it."""
    return {"question_code": code, "instruments": "", "role": RECORD, "label_vi": label_vi, "label_en": label_en}


def _item(method: Method, question: Question) -> dict[str, Any]:
    forms = [instrument.id for instrument in method.instruments if question.code in instrument.by_code]
    return {
        "question_code": question.code,
        "instruments": " ".join(forms),
        "role": str(question.role),
        "label_vi": question.label_vi,
        "label_en": question.label_en,
    }


def _choices(method: Method) -> list[dict[str, Any]]:
    asked = [
        (question.code, choice.code, choice.label_vi, choice.label_en)
        for question in _questions(method)
        if question.code_list is not None
        for choice in question.code_list.choices
    ]
    names = ("question_code", "answer_code", "label_vi", "label_en")
    return [dict(zip(names, choice, strict=True)) for choice in (*asked, *dossier_choices(method))]


def _round(round_: Round) -> dict[str, Any]:
    return {
        "round_id": round_.id,
        "programme": round_.programme,
        "method_version": round_.method_version,
        "year": round_.year,
        "title_vi": round_.title_vi,
        "title_en": round_.title_en,
        "window_from": round_.window_from,
        "window_to": round_.window_to,
        "unit_level": round_.unit_level,
        "round_sha256": round_.sha256,
    }


def _units(context: Context, round_: Round) -> pa.Table:
    table = rounds.load_units(context.lake, round_)
    names = {"level": "unit_level", "parent_code": "parent_unit_code"}
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    return table.append_column("round_id", pa.array([round_.id] * table.num_rows, TEXT))
