"""Publication formats: one module each, found by its value `FORMAT`.

A format turns a publication into bytes. It must not compute a score, decide what may be shown, read a clock or write a
file.
"""

from __future__ import annotations

import importlib
import pkgutil

from pipelines.model.publication import Format


def formats() -> list[Format]:
    """Return the formats of all modules of this package, sorted by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return sorted((module.FORMAT for module in modules if hasattr(module, "FORMAT")), key=lambda one: one.name)
