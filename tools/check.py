"""Run every static check and end with one line that says how it went: ``make check``.

All checks run even when one fails, so that one run shows everything. ``tools/check.py NAME...`` runs only
those named.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
TOOLS = str(Path(PYTHON).parent)
# The plugin's untyped neighbour is QGIS; strictness would only count its missing stubs.
PLUGIN_TYPES = ["--config-file", "tools/mypy_plugin.ini", "rs_copilot_plugin"]

CHECKS: dict[str, list[str]] = {
    "format": [f"{TOOLS}/ruff", "format", "--check", "-q", "."],
    "lint": [f"{TOOLS}/ruff", "check", "-q", "."],
    "types of the engine": [f"{TOOLS}/mypy"],
    "types of the plugin": [f"{TOOLS}/mypy", *PLUGIN_TYPES],
    "import contracts": [f"{TOOLS}/lint-imports", "--no-cache"],
    "repository (versions, changelog, protocol copy, structure)": [
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "tests/repo",
    ],
    "Qt 6 readiness": [PYTHON, "tools/qt_enums.py"],
    "security scan of the built zip": [PYTHON, "tools/scan_plugin.py"],
}


def run_check(name: str, command: list[str]) -> bool:
    """Run one check; its output is shown only where it failed."""
    started = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    passed = result.returncode == 0
    print(f"{'ok    ' if passed else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
    if not passed:
        print(result.stdout + result.stderr, flush=True)
    return passed


def main() -> int:
    """Run the named checks, or all."""
    wanted = sys.argv[1:]
    chosen = {
        name: command
        for name, command in CHECKS.items()
        if not wanted or any(word in name for word in wanted)
    }
    failed = [name for name, command in chosen.items() if not run_check(name, command)]
    print(
        f"make check: {len(chosen) - len(failed)} of {len(chosen)} passed"
        + f"; failed: {failed}" * bool(failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
