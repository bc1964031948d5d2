"""Run the benchmarks and write their tables and plots into ``docs/benchmarks.md``: ``make bench``.

Real imagery is not part of the project: RS_COPILOT_DATA names its folder, and without it only rendered
worlds are measured. What was measured is kept under ``build/bench/``: a broken run goes on.

BENCH=quick measures a few frames in about a minute, to see that everything runs, and writes no docs.
BENCH=localization (or retrieval, pose, tracking, separated by commas) measures only that.
BENCH_SECONDS=1500 ends the measuring of localisation after that time; rows kept from before then serve.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from plugin_files import ROOT

OUT = ROOT / "build" / "bench"
WORLD = ROOT / "demo-out"
PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
WEIGHTS = ROOT / "core" / "rs_copilot" / "retrieval" / "weights" / "cvaa-s.onnx"
END = "<!-- /bench -->"


def real_data() -> Path | None:
    """The folder of real imagery, where it is on this machine."""
    folder = Path(os.environ.get("RS_COPILOT_DATA", ROOT.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def insert(page: str, name: str, block: str) -> str:
    """The page with what stands between the markers of a benchmark replaced.

    Raises:
        ValueError: the page has no such markers.
    """
    begin = f"<!-- bench:{name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise ValueError(f"expected {begin} and {END} in the page, found {'no end' if found else 'neither'}")
    return f"{before}{begin}\n{block.strip()}\n{END}{after}"


def measure(name: str, arguments: list[str]) -> bool:
    """Run one benchmark; it leaves its Markdown at ``OUT/NAME.md``."""
    print(f"\n## {name}\n", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def localization(data: Path | None, *, quick: bool) -> bool:
    """Placements, side by side with simpler methods."""
    images = OUT / "images" if quick else IMAGES
    arguments = ["--markdown", str(OUT / "localization.md"), "--images", str(images)]
    seconds = os.environ.get("BENCH_SECONDS")
    budget = ["--budget", seconds] if seconds else []
    return measure("localization", [*arguments, *budget, *_data(data), *(["--quick"] if quick else [])])


def retrieval(data: Path | None, *, quick: bool) -> bool:
    """Tiles that are found; skipped where the weights have not been made."""
    if not WEIGHTS.is_file() or (quick and data is None):
        print(f"retrieval: skipped, no weights at {WEIGHTS.relative_to(ROOT)} or no data for a quick run")
        return True
    arguments = ["--markdown", str(OUT / "retrieval.md"), "--model", f"cvaa-s={WEIGHTS}"]
    few = ["--only", "networks", "--limit", "2", "--seeds", "", "--work", str(OUT / "quick")] if quick else []
    return measure("retrieval", [*arguments, *_data(data), *few])


def pose(data: Path | None, *, quick: bool) -> bool:
    """Cameras and footprints over relief; it renders worlds of its own, so a quick run leaves it out."""
    if quick:
        return True
    print("\n## pose\n", flush=True)
    command = [sys.executable, "-m", "benchmarks.pose", "--work", str(OUT / "pose"), *_data(data)]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, flush=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    words = f"Measured {date.today()}, commit {commit.stdout.strip()}.\n\n"
    (OUT / "pose.md").write_text(words + result.stdout, encoding="utf-8")
    return result.returncode == 0


def tracking(data: Path | None, *, quick: bool) -> bool:
    """Moving objects; in a quick run only the real clip, which needs no rendering."""
    if not quick and not (WORLD / "scene.gpkg").exists():
        command = [str(ROOT / ".venv" / "bin" / "rs-copilot"), "demo", "--out", str(WORLD)]
        subprocess.run(command, check=True)
    world = [] if quick else ["--world", str(WORLD)]
    return measure("tracking", [*world, *_data(data), "--markdown", str(OUT / "tracking.md")])


def _data(data: Path | None) -> list[str]:
    return ["--data", str(data)] if data else []


BENCHMARKS: dict[str, Callable[..., bool]] = {
    "localization": localization,
    "retrieval": retrieval,
    "pose": pose,
    "tracking": tracking,
}


def publish(name: str) -> None:
    """Put a benchmark's Markdown into the page."""
    made = OUT / f"{name}.md"
    if made.exists():
        page = insert(PAGE.read_text(encoding="utf-8"), name, made.read_text(encoding="utf-8"))
        PAGE.write_text(page, encoding="utf-8")


def main() -> int:
    """Run what was asked for; publish what passed."""
    OUT.mkdir(parents=True, exist_ok=True)
    words = set(os.environ.get("BENCH", "").replace(",", " ").split())
    quick = "quick" in words
    chosen = [name for name in BENCHMARKS if not words - {"quick"} or name in words]
    data = real_data()
    if data is None:
        print("real flights: skipped, set RS_COPILOT_DATA to a folder of real imagery")
    failed = []
    for name in chosen:
        (OUT / f"{name}.md").unlink(missing_ok=True)
        if not BENCHMARKS[name](data, quick=quick):
            failed.append(name)
        elif not quick:
            publish(name)
    print(f"bench: {len(chosen) - len(failed)} of {len(chosen)} ran" + f"; failed: {failed}" * bool(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
