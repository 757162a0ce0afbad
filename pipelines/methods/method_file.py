"""Reads `method.yml` into the model.

A leaf of the tree may be written as the bare code of an item; its titles are then those of the question. Whether the
parts fit together is checked in `consistency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.methods.document import read_document
from pipelines.methods.dossier_section import dossier_rules
from pipelines.model.instrument import Instrument, Status
from pipelines.model.method import Combination, Level, Measure, Method, Node, Rule


def parse_method(content: bytes, where: str, instruments: tuple[Instrument, ...], folder: str, sha256: str) -> Method:
    """Return the method of a `method.yml` and its instruments.

    Raises:
        InputError: naming file, key and remedy.
    """
    document = read_document(content, where, "method")
    titles = {item.code: (item.label_vi, item.label_en) for form in reversed(instruments) for item in form.items}
    return Method(
        programme=document["programme"],
        version=document["version"],
        regime=document["regime"],
        input=document["input"],
        title_vi=document["title"]["vi"],
        title_en=document["title"]["en"],
        tree=_node(document["tree"], None, titles),
        measures=tuple(_measure(entry) for entry in document["measures"]),
        instruments=instruments,
        rules={name: _rule(name, entry) for name, entry in document["rules"].items()},
        sha256=sha256,
        legal_basis=tuple(document.get("legal_basis", ())),
        breakdowns=tuple(document.get("breakdowns", ())),
        folder=folder,
        dossiers=dossier_rules(document["dossiers"]) if "dossiers" in document else None,
    )


def _node(entry: str | dict[str, Any], above: Combination | None, titles: Mapping[str, tuple[str, str]]) -> Node:
    """Build a node and all below; a branch without a combination has that of the branch above."""
    if isinstance(entry, str):
        vi, en = titles.get(entry, (entry, entry))
        return Node(entry, Level.ITEM, vi, en)
    children = entry.get("children", [])
    combination = Combination(entry["combination"]) if "combination" in entry else above
    return Node(
        code=entry["code"],
        level=Level(entry.get("level", Level.ITEM)),
        title_vi=entry["title"]["vi"],
        title_en=entry["title"]["en"],
        combination=combination if children else None,
        children=tuple(_node(child, combination, titles) for child in children),
        weight=entry.get("weight", 1.0),
        **{bound: entry.get(bound) for bound in ("minimum", "maximum", "year_from", "year_to")},
    )


def _measure(entry: dict[str, Any]) -> Measure:
    return Measure(
        name=entry["name"],
        points={int(code): float(points) for code, points in entry["points"].items()},
        unit=entry["unit"],
        is_default=entry.get("default", False),
        title_vi=entry["title"]["vi"],
        title_en=entry["title"]["en"],
        status=Status(entry["status"]),
    )


def _rule(name: str, entry: dict[str, Any]) -> Rule:
    return Rule(name, entry["value"], Status(entry["status"]), entry.get("source", ""))
