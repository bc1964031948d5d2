"""The plugin's zip: the same bytes every time, and what the QGIS repository asks for."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import build_plugin
import plugin_files
import pytest
import scan_plugin


@pytest.fixture(scope="module")
def archive_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_plugin.build(tmp_path_factory.mktemp("dist"))


def test_two_builds_are_equal(archive_path: Path, tmp_path: Path) -> None:
    os.utime(plugin_files.ROOT / "metadata.txt")
    assert build_plugin.build(tmp_path).read_bytes() == archive_path.read_bytes()


def test_the_repository_would_take_it(archive_path: Path) -> None:
    assert build_plugin.problems_of(archive_path) == []


def test_members_lie_in_one_folder_sorted_with_fixed_time_and_mode(archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {"rs_copilot_plugin"}
    assert {member.date_time for member in members} == {build_plugin.TIMESTAMP}
    assert {member.external_attr >> 16 for member in members} == {0o100644}


def test_a_missing_licence_is_noticed(archive_path: Path, tmp_path: Path) -> None:
    poorer = tmp_path / "poorer.zip"
    with zipfile.ZipFile(archive_path) as source, zipfile.ZipFile(poorer, "w") as target:
        for name in source.namelist():
            if not name.endswith("/LICENSE"):
                target.writestr(name, source.read(name))
    assert build_plugin.problems_of(poorer) == ["missing: LICENSE"]


@pytest.mark.parametrize("name", ["__pycache__/a.pyc", ".hidden", "lib/x.so", "run.sh", "a/.git/config"])
def test_caches_binaries_and_hidden_files_stay_out(name: str) -> None:
    assert not plugin_files.belongs(Path(name))


def test_the_engine_travels_along(archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path) as archive:
        names = set(archive.namelist())
    assert {
        f"rs_copilot_plugin/_engine/{name}"
        for name in ("start_worker.py", "rs_copilot/__init__.py", "locks/cpu.txt", "locks/cuda.txt")
    } <= names


def test_the_scan_finds_a_planted_secret_and_a_planted_weakness(tmp_path: Path) -> None:
    planted = tmp_path / "planted.zip"
    key = "AKIA" + "IOSFODNN7EXAMPLQ"
    with zipfile.ZipFile(planted, "w") as archive:
        archive.writestr("p/a.py", f"import pickle\nKEY = {key!r}\npickle.loads(b'')\n")
    findings = scan_plugin.scan(planted)
    assert any("B301" in finding for finding in findings)
    assert any("AWS" in finding for finding in findings)
