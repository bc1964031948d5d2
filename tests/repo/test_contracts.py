"""The import contracts hold, and would catch a violation of each kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_files import ROOT

LINTER = Path(sys.executable).with_name("lint-imports")
IGNORED = shutil.ignore_patterns("__pycache__")

PLANTED = {
    "qgis in the engine": ("core/rs_copilot/geo/camera.py", "def planted():\n    import qgis.core\n"),
    "the engine in the plugin": (
        "rs_copilot_plugin/__init__.py",
        "def planted():\n    import rs_copilot.types\n",
    ),
    "torch in the plugin": ("rs_copilot_plugin/__init__.py", "def planted():\n    import torch\n"),
    "the engine in the protocol": ("core/rs_copilot/protocol/framing.py", "import rs_copilot.errors\n"),
    "Qt in a presenter": ("rs_copilot_plugin/presenters/__init__.py", "from qgis.PyQt import QtCore\n"),
    "torch outside training": (
        "core/rs_copilot/localization/pose.py",
        "def planted():\n    import torch\n",
    ),
    "a layer that points up": (
        "core/rs_copilot/geo/camera.py",
        "def planted():\n    import rs_copilot.jobs\n",
    ),
}


@pytest.fixture(scope="module")
def copy_of_the_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("core", "rs_copilot_plugin"):
        shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "core"), str(folder)])}
    command = [str(LINTER), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_contracts_hold(copy_of_the_sources: Path) -> None:
    result = lint(copy_of_the_sources)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, copy_of_the_sources: Path) -> None:
    path, line = PLANTED[name]
    victim = copy_of_the_sources / path
    original = victim.read_text(encoding="utf-8")
    victim.write_text(f"{original}\n\n{line}", encoding="utf-8")
    try:
        result = lint(copy_of_the_sources)
    finally:
        victim.write_text(original, encoding="utf-8")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
