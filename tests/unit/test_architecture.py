"""The import rule of DESIGN section 3: dags → stages → siblings → foundation, and nobody imports Airflow."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "pipelines"
FOUNDATION = {"model", "methods", "geography", "settings", "lake", "rounds", "signing", "privacy"}
SIBLINGS = {"sources", "collect", "quality", "estimate", "warehouse", "release", "formats", "simulate"}
SIBLINGS |= {"paper", "ledger", "sampling"}
JOINERS = {"stages", "cli", "cli_device", "cli_form", "cli_ledger", "cli_plan", "cli_privacy", "cli_reading"}
JOINERS |= {"cli_quality", "cli_rejects", "demo"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names} if module == "pipelines" else {module}
    return names


def parts_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("pipelines.")}


def test_every_module_belongs_to_a_known_part():
    assert {part_of(path) for path in MODULES} <= FOUNDATION | SIBLINGS | JOINERS | {"__init__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_its_layer_may(path: Path):
    part = part_of(path)
    assert not {name for name in imported(path) if name.split(".")[0] == "airflow"}
    if part == "model":
        assert parts_imported(path) <= {"model"}
        assert {name.split(".")[0] for name in imported(path)} - {"pipelines"} <= set(sys.stdlib_module_names)
    elif part in FOUNDATION:
        assert parts_imported(path) <= FOUNDATION
    elif part in SIBLINGS:
        assert parts_imported(path) <= FOUNDATION | {part}


def test_great_expectations_is_imported_by_quality_only():
    users = {part_of(path) for path in MODULES for name in imported(path) if name.startswith("great_expectations")}
    assert users <= {"quality"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_says_what_it_is_for(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_and_its_functions_stay_small(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path} is over 400 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{path}:{node.lineno} {node.name} has {length} lines"
