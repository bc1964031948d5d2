"""The locked packages fit pyproject.toml, are pinned by hash, and name no index."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
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
    "core/locks/train.txt": BASE + EXTRAS["train"],
    "core/locks/cuda.txt": BASE + EXTRAS["vlm"] + EXTRAS["train"] + EXTRAS["gpu"],
    "tools/locks/build.txt": group("build"),
    "tools/locks/dev.txt": BASE + EXTRAS["eval"] + EXTRAS["train"] + EXTRAS["postgis"] + group("dev"),
}
# What something asks for and a lock leaves out; `tools/lock.py` says why.
LEFT_OUT = {"core/locks/cuda.txt": "onnxruntime", "tools/locks/dev.txt": "torch"}


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
        if requirement.name == LEFT_OUT.get(lock):
            continue
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
    for lock in ("core/locks/train.txt", "core/locks/cuda.txt", "tools/locks/dev.txt"):
        kept = {name: versions for name, versions in base.items() if name != LEFT_OUT.get(lock)}
        locked = pins(ROOT / lock)
        # What only onnxruntime needs goes with it, and -gpu needs the same.
        assert {name: locked[name] for name in kept} == kept


def test_the_two_builds_of_onnxruntime_never_meet() -> None:
    assert "onnxruntime-gpu" in pins(ROOT / "core/locks/cuda.txt")
    assert "onnxruntime" not in pins(ROOT / "core/locks/cuda.txt")
    assert all("onnxruntime-gpu" not in pins(ROOT / lock) for lock in LOCKS if "cuda" not in lock)


def test_training_on_the_cpu_drags_no_cuda_along() -> None:
    """Every torch is for Linux without CUDA or for another system, and nothing of NVIDIA comes with it."""
    text = (ROOT / "core/locks/train.txt").read_text(encoding="utf-8")
    assert not re.search(r"^(nvidia|triton|cuda)", text, re.MULTILINE)
    entries = re.findall(r"^torch==(\S+) ; (.*) \\$", text, re.MULTILINE)
    assert len(entries) == len(re.findall("^torch==", text, re.MULTILINE)) >= 2
    for version, condition in entries:
        assert version.endswith("+cpu") == ("sys_platform == 'linux'" in condition)


def test_each_linux_and_python_gets_exactly_one_torch() -> None:
    text = (ROOT / "core/locks/train.txt").read_text(encoding="utf-8")
    markers = [Marker(found) for found in re.findall(r"^torch==\S+ ; (.*) \\$", text, re.MULTILINE)]
    for system, machine in (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64")):
        for version in ("3.10.12", "3.11.2", "3.12.0", "3.13.1", "3.14.0"):
            here = {"sys_platform": system, "platform_machine": machine, "python_full_version": version}
            assert sum(marker.evaluate(here) for marker in markers) == 1, here


def test_nothing_locked_for_development_drags_cuda_along() -> None:
    """`make test` must stay light; torch without CUDA comes by another way."""
    heavy = [
        name for name in pins(ROOT / "tools/locks/dev.txt") if re.match("torch|nvidia|triton|cuda", name)
    ]
    assert heavy == []
    assert "+cpu" in (ROOT / "tools/locks/torch.in").read_text(encoding="utf-8")
