"""Find what works on Qt 5 but not on Qt 6 in the plugin: unscoped enums, direct PyQt imports, ``exec_``.

``Qt.Horizontal`` is an error on Qt 6, and only when the line runs; ``Qt.Orientation.Horizontal`` works on
both. The check reads the syntax only: a capitalised attribute of a Qt or QGIS class is an enum's member
unless another attribute follows it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# These are enums themselves: their members are scoped by one name.
ENUM_CLASSES = {"QgsMapLayerType"}


def class_names(tree: ast.Module) -> set[str]:
    """Names of the classes that the module imports from Qt or QGIS."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qgis.")
        for alias in node.names
    } - ENUM_CLASSES


def annotations(tree: ast.Module) -> set[int]:
    """Identities of all nodes inside type annotations, where an enum is named without a member."""
    roots = [
        root
        for node in ast.walk(tree)
        for root in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if root is not None
    ]
    return {id(inner) for root in roots for inner in ast.walk(root)}


def aliases(tree: ast.Module) -> set[int]:
    """Identities of enums that get a short name of which members are then taken: ``button = Box.Button``."""
    owners = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in owners
    }


def problems_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and description of each problem in a module's source."""
    tree = ast.parse(source)
    classes = class_names(tree)
    scopes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    harmless = scopes | called | annotations(tree) | aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in classes and node.attr[0].isupper() and id(node) not in harmless:
                yield node.lineno, f"{owner}.{node.attr} is an unscoped enum: name the enum between them"
            elif node.attr == "exec_":
                yield node.lineno, "exec_ is gone in Qt 6: use exec"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if (module or "").split(".")[0] in {"PyQt5", "PyQt6", "PySide2", "PySide6"}:
                yield node.lineno, f"{module}: import from qgis.PyQt, which is right on both"


def main() -> int:
    """Check the plugin's modules."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {problem}"
        for path in sorted((ROOT / "rs_copilot_plugin").rglob("*.py"))
        for line, problem in problems_in(path.read_text(encoding="utf-8"))
    ]
    print("\n".join(found) or "ready for Qt 6 as far as the syntax tells")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
