"""Run the benchmarks and print their tables: ``make bench``. What is published is in ``docs/benchmarks.md``.

Real imagery is not part of the project: RS_COPILOT_DATA names its folder, and without it only the demo
world is measured. The tables are kept under ``build/bench/``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from plugin_files import ROOT

OUT = ROOT / "build" / "bench"
WORLD = ROOT / "demo-out"
BENCHMARKS = ROOT / "benchmarks"


def real_data() -> Path | None:
    """The folder of real imagery, where it is on this machine."""
    folder = Path(os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def run(name: str, arguments: list[str]) -> bool:
    """Run one benchmark; its output is shown and kept."""
    print(f"\n## {name}\n", flush=True)
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, flush=True)
    (OUT / f"{name}.md").write_text(result.stdout, encoding="utf-8")
    return result.returncode == 0


def main() -> int:
    """Make the demo where it is missing, then run every benchmark that this machine can."""
    OUT.mkdir(parents=True, exist_ok=True)
    if not (WORLD / "scene.gpkg").exists():
        command = [str(ROOT / ".venv" / "bin" / "rs-copilot"), "demo", "--out", str(WORLD)]
        subprocess.run(command, check=True)
    data = real_data()
    tracking = ["--world", str(WORLD)]
    passed = [run("tracking", tracking + (["--data", str(data)] if data else []))]
    if data:
        passed.append(run("localization", ["--data", str(data)]))
    else:
        print("localization on real flights: skipped, set RS_COPILOT_DATA to a folder of real imagery")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
