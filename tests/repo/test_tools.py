"""The small tools do what the commands rely on."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import qt_enums
import run_tests
import uv_settings
from plugin_files import ROOT

PIP_LISTING = """\
:env:.find-links='/wheels one'
global.cert='/certs/bundle.crt'
global.extra-index-url='file:///a/simple file:///b/simple'
global.find-links='/ignored'
install.index-url='https://mirror.invalid/simple'
install.no-compile='true'
"""


def test_pip_settings_are_read_and_the_environment_wins() -> None:
    assert uv_settings.pip_settings(PIP_LISTING) == {
        "find-links": ["/wheels", "one"],
        "cert": ["/certs/bundle.crt"],
        "extra-index-url": ["file:///a/simple", "file:///b/simple"],
        "index-url": ["https://mirror.invalid/simple"],
    }


def test_uv_gets_the_settings_unless_it_has_its_own() -> None:
    lines = uv_settings.uv_lines(uv_settings.pip_settings(PIP_LISTING), {"SSL_CERT_FILE": "kept"})
    assert "export UV_FIND_LINKS=/wheels,one" in lines
    assert "export UV_DEFAULT_INDEX=https://mirror.invalid/simple" in lines
    assert not [line for line in lines if "SSL_CERT_FILE" in line]


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("x = Qt.Horizontal", True),
        ("x = Qt.Orientation.Horizontal", False),
        ("x = Qgis.Critical", True),
        ("x: Qgis.MessageLevel = Qgis.MessageLevel.Critical", False),
        ("def f() -> Qt.Orientation: ...", False),
        ("x = QgsMapLayerType.RasterLayer", False),
        ("x = Qt.instance()", False),
        ("x = Qt.Orientation\ny = x.Horizontal", False),
        ("x = Qt.Horizontal\ny = 1", True),
        ("dialog.exec_()", True),
        ("from PyQt5.QtCore import QObject", True),
        ("import PyQt6", True),
    ],
)
def test_what_breaks_on_qt6_is_caught(line: str, caught: bool) -> None:
    head = "from qgis.PyQt.QtCore import Qt\nfrom qgis.core import Qgis, QgsMapLayerType\n"
    assert bool(list(qt_enums.problems_in(head + line))) == caught


def write_report(folder: Path, **counts: int) -> Path:
    attributes = " ".join(f'{key}="{value}"' for key, value in counts.items())
    report = folder / "report.xml"
    report.write_text(f"<testsuites><testsuite {attributes}/></testsuites>", encoding="utf-8")
    return report


def test_closing_line_counts(tmp_path: Path) -> None:
    tally = run_tests.Tally()
    tally.add_report(write_report(tmp_path, tests=10, failures=0, errors=0, skipped=2), 0, "tests/x")
    assert tally.closing_line(3.2) == "make test: all tests passed: 8 passed, 0 failed, 2 skipped in 3 s"


@pytest.mark.parametrize("exit_code", [2, 3, -11, 134])
def test_a_suite_that_breaks_off_is_a_failure(tmp_path: Path, exit_code: int) -> None:
    tally = run_tests.Tally()
    tally.add_report(tmp_path / "missing.xml", exit_code, "tests/x")
    assert tally.closing_line(1).startswith("make test: FAILED: 0 passed, 1 failed")
    assert f"exit code {exit_code}" in tally.closing_line(1)


def test_setup_goes_on_without_qgis_where_it_may_not_install_it(tmp_path: Path) -> None:
    nothing_installed = tmp_path / "dpkg-query"
    nothing_installed.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    nothing_installed.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "RS_COPILOT_NO_SYSTEM": "1",
    }
    result = subprocess.run(
        [ROOT / "tools" / "setup.sh", "qgis"], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert "may not be installed (RS_COPILOT_NO_SYSTEM is set): going on without it" in result.stdout


def test_makefile_has_the_promised_targets_each_with_help() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    documented = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert {"demo", "qgis", "test", "check", "package", "link", "bench", "docs"} <= documented


def test_ci_runs_what_people_run() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test"]
