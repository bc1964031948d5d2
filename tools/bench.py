"""Run the benchmarks and write their tables and plots into ``docs/benchmarks.md``: ``make bench``.

Real imagery is not part of the project: RS_COPILOT_DATA names its folder, and without it only rendered
worlds are measured. What was measured is kept under ``build/bench/`` with the hash of the code that decides
it: a broken run goes on, and only what has changed is measured again. Every step ends by itself when its time
is up, and its section is written at once; what is missing then stands in the section.

BENCH=quick measures a few frames in about two minutes, to see that everything runs, and writes no docs.
BENCH=localization (or retrieval, pose, tracking, detector, tiles, questions, asking, segmentation, nms,
galleries, vlm, vlm_chain, separated by commas) measures only that. BENCH_SECONDS=7200 is the time for all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from plugin_files import ROOT

OUT = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "benchmarks.md"
IMAGES = ROOT / "docs" / "images"
WEIGHTS = ROOT / "core" / "rs_copilot" / "retrieval" / "weights" / "cvaa-s.onnx"
END = "<!-- /bench -->"
# Enough for everything on two quiet cores.
SECONDS = 7200.0


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


@dataclass(frozen=True)
class Step:
    """One run of a benchmark that leaves its section at ``OUT/SECTION.md``."""

    name: str
    limit_s: float
    words: tuple[str, ...] = ()
    part: str = ""

    @property
    def section(self) -> str:
        """What its place on the page is called."""
        return f"{self.name}-{self.part}" if self.part else self.name

    def command(self, data: Path | None, left_s: float) -> list[str]:
        """Its command line; those that go row by row are told to end in time."""
        words = [sys.executable, "-m", f"benchmarks.{self.name}", *([self.part] * bool(self.part))]
        words += ["--markdown", str(OUT / f"{self.section}.md")]
        if data is not None and self.name not in WITHOUT_DATA:
            words += ["--data", str(data)]
        if self.name == "retrieval":
            words += ["--model", f"cvaa-s={WEIGHTS}"]
        elif self.name not in UNTIMED:
            words += ["--budget", f"{min(self.limit_s, left_s):.0f}"]
        return [*words, *self.words]


# These take what they take, and no limit of time.
UNTIMED = ("retrieval", "segmentation", "galleries", "vlm", "vlm_chain", "asking")
# These make what they look at.
WITHOUT_DATA = ("segmentation", "vlm", "vlm_chain", "asking")
# The most telling first, and last what is the same whatever the engine does.
STEPS = (
    Step("localization", 1000.0, ("--methods", "ours", "--images", str(IMAGES))),
    Step("retrieval", 600.0, ("--only", "networks,pairs,second")),
    Step("tracking", 420.0),
    Step("pose", 420.0),
    Step("detector", 300.0),
    Step("tiles", 600.0),
    Step("questions", 1800.0),
    Step("asking", 400.0),
    Step("segmentation", 600.0),
    Step("nms", 200.0, ("--images", str(IMAGES))),
    Step("vlm", 600.0),
    Step("vlm_chain", 400.0),
    Step("galleries", 900.0, part="kinds"),
    Step("galleries", 2000.0, part="whole"),
    Step("localization", 480.0, ("--images", str(IMAGES))),
    Step("retrieval", 700.0, ("--only", "dense,sift,orb")),
)
# Without rendering, and as little of the rest as shows that it runs.
QUICK = (
    Step("localization", 150.0, ("--quick", "--images", str(OUT / "images"))),
    Step(
        "retrieval",
        100.0,
        (
            *("--only", "networks,second,dense", "--limit", "2", "--seeds", ""),
            *("--places", "04_brighton", "--work", str(OUT / "quick" / "retrieval")),
        ),
    ),
    Step("tracking", 100.0, ("--quick", "--work", str(OUT / "quick" / "tracking"))),
    Step("pose", 100.0, ("--quick", "--work", str(OUT / "quick" / "pose"))),
    Step("tiles", 60.0, ("--quick", "--work", str(OUT / "quick" / "tiles"))),
    Step("questions", 60.0, ("--quick", "--work", str(OUT / "quick" / "questions"))),
    Step("asking", 60.0, ("--frames", "600", "--tracks", "60", "--work", str(OUT / "quick" / "asking"))),
    Step("segmentation", 60.0, ("--quick", "--work", str(OUT / "quick" / "segmentation"))),
    Step("vlm", 120.0, ("--quick", "--work", str(OUT / "quick" / "vlm"))),
    Step("nms", 60.0, ("--quick", "--work", str(OUT / "quick" / "nms"), "--images", str(OUT / "images"))),
)
# A step that was told its time, or has none to be told, is stopped this much later.
GRACE_S = 60.0


def run(step: Step, data: Path | None, left_s: float) -> str | None:
    """Run a step; what went wrong, if anything did."""
    print(f"\n## {step.section} {' '.join(step.words)}\n", flush=True)
    limit_s = min(step.limit_s, left_s) + GRACE_S
    try:
        result = subprocess.run(step.command(data, left_s), cwd=ROOT, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return f"stopped after {limit_s:.0f} s"
    return f"exit code {result.returncode}" if result.returncode else None


def is_possible(step: Step, data: Path | None) -> bool:
    """Retrieval needs the weights, and a quick run of it real imagery."""
    if step.name == "galleries":
        return data is not None
    return step.name != "retrieval" or (WEIGHTS.is_file() and (data is not None or step not in QUICK))


def publish(name: str) -> None:
    """Put a benchmark's Markdown into the page."""
    made = OUT / f"{name}.md"
    if made.exists():
        page = insert(PAGE.read_text(encoding="utf-8"), name, made.read_text(encoding="utf-8"))
        PAGE.write_text(page, encoding="utf-8")


def main() -> int:
    """Run what was asked for; publish every section as soon as it is made."""
    OUT.mkdir(parents=True, exist_ok=True)
    words = set(os.environ.get("BENCH", "").replace(",", " ").split())
    ends = time.monotonic() + float(os.environ.get("BENCH_SECONDS", SECONDS))
    quick = "quick" in words
    data = real_data()
    if data is None:
        print("real flights: skipped, set RS_COPILOT_DATA to a folder of real imagery")
    problems = []
    for step in QUICK if quick else STEPS:
        if (words - {"quick"} and step.name not in words) or not is_possible(step, data):
            continue
        left_s = ends - time.monotonic()
        (OUT / f"{step.section}.md").unlink(missing_ok=True)
        problem = run(step, data, left_s) if left_s > 0 else "no time was left"
        if problem:
            problems.append(f"{step.section} {' '.join(step.words)}: {problem}")
        if not quick:
            publish(step.section)
    print("\n".join(["bench: everything ran"] if not problems else ["bench: not all ran", *problems]))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
