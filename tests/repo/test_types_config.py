"""The verdict on types must not depend on what happens to be installed: optional packages are named."""

from __future__ import annotations

import ast
import re
import sys

from plugin_files import ROOT

from tests.repo.test_locks import PROJECT

# Modules whose distribution has another name.
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow"}


def third_party_modules() -> set[str]:
    found = set()
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"rs_copilot"}


def test_every_package_is_locked_for_development_or_told_to_the_type_checker() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "tools/locks/dev.txt").read_text(), re.MULTILINE))
    settings = PROJECT["tool"]["mypy"]["overrides"]
    told = {
        name.removesuffix(".*")
        for part in settings
        if part.get("ignore_missing_imports")
        for name in part["module"]
    }
    modules = third_party_modules()
    assert {"numpy", "torch", "transformers"} <= modules
    unknown = {
        name for name in modules - told if DISTRIBUTIONS.get(name, name).replace("_", "-") not in locked
    }
    assert unknown == set()
