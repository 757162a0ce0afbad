"""The default thresholds (`settings.yml`) with a round's own settings over them.

It must not decide anything by them, nor hold a number itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.methods.document import check_document, read_document
from pipelines.model.errors import InputError

DEFAULTS = Path(__file__).parent / "settings.yml"


def load_settings(overrides: Mapping[str, Any], where: str = "settings") -> dict[str, Any]:
    """Return the default thresholds with `overrides` merged over them, key by key at every depth.

    Merging a merged result again changes nothing.

    Args:
        overrides: part of the tree of `settings.yml`.
        where: what messages call the place of the overrides.

    Raises:
        InputError: for an unknown key, naming the known ones, or a value of the wrong kind or size.
    """
    merged = _merge(read_document(DEFAULTS.read_bytes(), DEFAULTS.name, "settings"), overrides, where)
    check_document(merged, where, "settings")
    return merged


def _merge(defaults: dict[str, Any], overrides: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(overrides, Mapping):
        raise InputError(f"{overrides!r} is no table of settings", where, f"use keys of: {', '.join(sorted(defaults))}")
    for key in overrides:
        if key not in defaults:
            raise InputError(f"unknown setting {key!r}", where, f"use one of: {', '.join(sorted(defaults))}")
    return {
        key: _merge(value, overrides.get(key, {}), f"{where}.{key}")
        if isinstance(value, dict)
        else overrides.get(key, value)
        for key, value in defaults.items()
    }
