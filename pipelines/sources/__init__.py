"""The connectors of the project: one module with a `SOURCE` is one connector, so adding one is adding a file.

This module only finds them; it must not know any connector by name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from pipelines.model.errors import InputError
from pipelines.model.source import Source


@cache
def sources() -> MappingProxyType[str, Source]:
    """Return every connector by its name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    found = (module.SOURCE for module in modules if hasattr(module, "SOURCE"))
    return MappingProxyType({source.name: source for source in sorted(found, key=lambda source: source.name)})


def source(name: str) -> Source:
    """Return one connector; an InputError names those that there are."""
    if name not in sources():
        raise InputError(f"there is no source “{name}”", "round.yml", f"use one of {', '.join(sources())}")
    return sources()[name]
