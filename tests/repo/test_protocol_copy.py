"""The plugin's protocol is a copy of the engine's, byte for byte, and stands on the standard library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from plugin_files import ROOT

ORIGINAL = ROOT / "core" / "rs_copilot" / "protocol"
COPY = ROOT / "rs_copilot_plugin" / "_protocol"
MODULES = sorted(path.name for path in ORIGINAL.glob("*.py"))


def test_both_folders_hold_the_same_modules() -> None:
    assert sorted(path.name for path in COPY.glob("*.py")) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_copy_is_equal_byte_for_byte(name: str) -> None:
    assert (COPY / name).read_bytes() == (ORIGINAL / name).read_bytes(), f"cp {ORIGINAL / name} {COPY / name}"


@pytest.mark.parametrize("name", MODULES)
def test_protocol_stands_on_the_standard_library(name: str) -> None:
    foreign = imported_names(ORIGINAL / name) - sys.stdlib_module_names
    assert not foreign


def imported_names(path: Path) -> set[str]:
    """First parts of the absolute imports of a module; relative ones stay inside the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names
