"""Reads how a method's published scores are laid out: `score_layout.yml`, and `units.csv` beside it.

It must not read a score.
"""

from __future__ import annotations

import csv
from pathlib import Path

from pipelines.methods.document import read_document
from pipelines.model.errors import InputError
from pipelines.model.method import Method
from pipelines.model.score_layout import ScoreLayout


def load_score_layout(method: Method) -> ScoreLayout:
    """Return the layout of a method whose input is published scores.

    Raises:
        InputError: a file is missing or wrong, or a number belongs to no leaf; naming file, key and remedy.
    """
    path, units = Path(method.folder) / "score_layout.yml", Path(method.folder) / "units.csv"
    for needed in (path, units):
        if not needed.is_file():
            raise InputError(f"method {method.id} has published scores as input, but no {needed.name}", str(needed))
    document = read_document(path.read_bytes(), str(path), "score_layout")
    known = {leaf.code.partition("@")[0] for leaf in method.tree.leaves}
    for heading, number in document["leaves"].items():
        if number not in known:
            raise InputError(f"the index has no leaf {number}", f"{path}: leaves.{heading}", "see tree in method.yml")
    with units.open(encoding="utf-8", newline="") as stream:
        codes = {row[document["unit"]]: row["unit_code"] for row in csv.DictReader(stream)}
    return ScoreLayout(document["unit"], document["year"], document["leaves"], tuple(document.get("ignore", ())), codes)
