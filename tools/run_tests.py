"""Run every test and end with one line that says how it went: ``make test``.

Two interpreters: the tests of engine, protocol, plugin and repository run in ``.venv``; those in
``tests/qgis`` run in the Python that has QGIS, and start the engine from ``.venv``. Arguments are handed on
to pytest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from qgis_python import find_qgis_python, qgis_environment

ROOT = Path(__file__).resolve().parents[1]
ENGINE_PYTHON = ROOT / ".venv" / "bin" / "python"
HEADLESS_SUITES = ("tests/engine", "tests/protocol", "tests/plugin", "tests/repo", "tests/benchmarks")
QGIS_SUITE = "tests/qgis"
NOTHING_COLLECTED = 5  # pytest's exit code
# Tests may attach figures to the report; only the older family of the format can hold them.
OPTIONS = ("-o", "junit_family=xunit1")


@dataclass
class Tally:
    """How the tests went."""

    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add_report(self, report: Path, exit_code: int, suite: str) -> None:
        """Count one suite by its JUnit report; a suite that broke off is a failure too."""
        if report.exists():
            for element in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - we made it
                failed = int(element.get("failures", 0)) + int(element.get("errors", 0))
                skipped = int(element.get("skipped", 0))
                self.counts["failed"] += failed
                self.counts["skipped"] += skipped
                self.counts["passed"] += int(element.get("tests", 0)) - failed - skipped
        if exit_code not in {0, 1, NOTHING_COLLECTED}:
            self.counts["failed"] += 1
            self.notes.append(f"{suite} broke off with exit code {exit_code}")
        elif exit_code == 1 and not self.counts["failed"]:
            self.counts["failed"] += 1

    def closing_line(self, seconds: float) -> str:
        """The last line of ``make test``."""
        verdict = "FAILED" if self.counts["failed"] else "all tests passed"
        counts = ", ".join(f"{self.counts[name]} {name}" for name in ("passed", "failed", "skipped"))
        notes = "".join(f"; {note}" for note in self.notes)
        return f"make test: {verdict}: {counts} in {seconds:.0f} s{notes}"


def run_suite(tally: Tally, python: str, paths: list[str], environment: dict[str, str] | None) -> None:
    """Run pytest with one interpreter on those of the paths that exist."""
    present = [path for path in paths if (ROOT / path).is_dir()]
    if not present:
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [python, "-m", "pytest", "-q", *present, f"--junitxml={report}", *OPTIONS, *sys.argv[1:]]
        result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        tally.add_report(report, result.returncode, " ".join(present))


def run_qgis_suite(tally: Tally) -> None:
    """Run the tests that need QGIS, or note plainly that they did not run."""
    found = find_qgis_python()
    if not found:
        tally.notes.append(f"{QGIS_SUITE} skipped: no Python with QGIS and pytest on this machine")
        return
    python, version = found
    # The heartbeat test runs beside whatever else the machine does: what counts there is a frozen map.
    environment = (
        {"RS_COPILOT_STALL_LIMIT_MS": "1000"}
        | qgis_environment()
        | {
            "QT_QPA_PLATFORM": "offscreen",
            "RS_COPILOT_ENGINE_PYTHON": str(ENGINE_PYTHON),
        }
    )
    print(f"\n{QGIS_SUITE} with QGIS {version} ({python})", flush=True)
    run_suite(tally, python, [QGIS_SUITE], environment)
    tally.notes.append(f"QGIS {version}")


def main() -> int:
    """Run both, then the closing line; any failure makes the exit code 1."""
    started = time.monotonic()
    tally = Tally()
    run_suite(tally, str(ENGINE_PYTHON), list(HEADLESS_SUITES), None)
    run_qgis_suite(tally)
    print(f"\n{tally.closing_line(time.monotonic() - started)}")
    return 1 if tally.counts["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
