"""The code keeps to the sizes and manners that the project set itself."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_files import ROOT

PACKAGES = ("core/rs_copilot", "rs_copilot_plugin", "tools")
MAX_BODY_LINES = 80
MAX_FILE_LINES = 500
# The borders where any error becomes a message: worker dispatch, the command's main, Qt slots.
BROAD_EXCEPT_ALLOWED = {
    "core/rs_copilot/cli.py",
    "core/rs_copilot/console.py",
    "core/rs_copilot/worker",
    "rs_copilot_plugin",
    "tools/screenshots_in_qgis.py",
}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def functions(package: str) -> Iterator[tuple[str, int]]:
    """Name and number of body lines, docstring apart, of every function."""
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_short(package: str) -> None:
    lengths = dict(functions(package))
    assert {name: lines for name, lines in lengths.items() if lines > MAX_BODY_LINES} == {}
    assert statistics.median(lengths.values()) <= 10
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 40


@pytest.mark.parametrize("package", PACKAGES)
def test_files_are_short(package: str) -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(package)}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_plain_exception_is_raised_and_no_bare_except_written(package: str) -> None:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"bare except in {path}:{node.lineno}"
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", "")
                assert name != "Exception", f"raise Exception in {path}:{node.lineno}"


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it swallows any error; one that tidies up and raises again does not."""
    last = handler.body[-1]
    reraises = isinstance(last, ast.Raise) and last.exc is None
    return getattr(handler.type, "id", "") in {"Exception", "BaseException"} and not reraises


def test_broad_excepts_stand_at_the_borders_only() -> None:
    broad = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sources(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and getattr(node.type, "id", "") in {"Exception", "BaseException"}
    }
    assert {name for name in broad if not any(name.startswith(ok) for ok in BROAD_EXCEPT_ALLOWED)} == set()
