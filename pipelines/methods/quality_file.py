"""Reads and renders `quality.yml`, how a method's quality flags fare on honest answers: thresholds as data.

It must not compute a rate or know what a flag means.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipelines.methods.document import read_document
from pipelines.model.method import Method

FILE, SCHEMA = "quality.yml", "quality"
HEADING = """\
# How the flags of response quality fare on honest answers, and on frauds planted among them. Made by simulation:
#   hailong quality calibrate {programme} --method {version} --write
# Rates are shares of simulated responses; they hold as far as the assumptions below do. Do not edit: calibrate again.
"""


def load_quality(method: Method) -> dict[str, Any]:
    """Return the calibration of a method's flags; empty where the method has none.

    Raises:
        InputError: naming file, key and remedy.
    """
    path = Path(method.folder) / FILE
    if not method.folder or not path.is_file():
        return {}
    document: dict[str, Any] = read_document(path.read_bytes(), str(path), SCHEMA)
    return document


def quality_text(method: Method, calibration: Mapping[str, Any]) -> str:
    """Return a calibration as the text of `quality.yml`; the same calibration gives the same bytes."""
    body = yaml.dump(
        dict(calibration), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return HEADING.format(programme=method.programme, version=method.version) + body


class _Dumper(yaml.SafeDumper):
    """One line a candidate, as a table would have it."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        """Write a candidate in braces."""
        return super().represent_mapping(tag, mapping, flow_style="detection" in mapping or flow_style)
