"""Nothing in the repository names the machine it was made on, a registry or a credential."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from plugin_files import ROOT

# Written in pieces so that this file does not find itself.
FORBIDDEN = [
    re.compile(pattern)
    for pattern in (
        r"/" + r"work/(main|shared)",
        r"/" + r"opt/(wheels|pypi)",
        r"(?<![\w.])/" + r"(root|home/(?!(u|user|someone)/)\w+)/",
        r"files\.python" + r"hosted\.org",
        r"pypi\." + r"org/simple",
        r"BEGIN [A-Z ]*PRIVATE " + r"KEY",
    )
]
TEXT_SUFFIXES = {
    "",
    ".py",
    ".md",
    ".txt",
    ".toml",
    ".in",
    ".ini",
    ".sh",
    ".svg",
    ".ts",
    ".json",
    ".csv",
    ".qml",
}


def tracked_files() -> list[Path]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, or git is not installed")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_machine_path_registry_or_key_is_named() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if path.suffix in TEXT_SUFFIXES
        for pattern in FORBIDDEN
        if (match := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_no_large_file_is_tracked() -> None:
    # Weights have a limit of their own (test_weights.py).
    files = [path for path in tracked_files() if path.suffix != ".onnx"]
    large = {str(path): path.stat().st_size for path in files if path.stat().st_size > 1_000_000}
    assert large == {}
