"""The locked packages fit pyproject.toml, are pinned by hash, and name no index."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from plugin_files import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BASE: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str | dict[str, str]]] = PROJECT["dependency-groups"]


def group(name: str) -> list[str]:
    return [
        requirement
        for entry in GROUPS[name]
        for requirement in (group(entry["include-group"]) if isinstance(entry, dict) else [entry])
    ]


LOCKS = {
    "core/locks/cpu.txt": BASE,
    "core/locks/cuda.txt": BASE + EXTRAS["vlm"] + EXTRAS["gpu"],
    "tools/locks/build.txt": group("build"),
    "tools/locks/dev.txt": BASE + EXTRAS["eval"] + EXTRAS["postgis"] + group("dev"),
}


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by package; a package may have several, each for some Pythons or platforms."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([\w.+!]+)", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_locked_to_a_version_it_allows(lock: str) -> None:
    locked = pins(ROOT / lock)
    for requirement in map(Requirement, LOCKS[lock]):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{lock} lacks {requirement.name}: run make lock"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{requirement}: {versions}"
        )


@pytest.mark.parametrize("lock", [*LOCKS, "tools/locks/uv.txt"])
def test_every_package_has_a_hash_and_no_line_names_a_place(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links", text)


def test_locks_agree_with_each_other() -> None:
    base = pins(ROOT / "core/locks/cpu.txt")
    for lock in ("core/locks/cuda.txt", "tools/locks/dev.txt"):
        assert {name: pins(ROOT / lock)[name] for name in base} == base
