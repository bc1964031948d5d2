"""Rows of tables that are measured one by one, each in a process of its own with a limit, and kept.

A row is made again when its key changes; a row that fails or takes too long says so, and the next goes on.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.localization.report import provenance
from benchmarks.localization.store import ROOT, git, hash_of

LIMIT_S = 400.0
PACKAGE = ROOT / "core" / "rs_copilot"


@dataclass(frozen=True)
class Kept:
    """Cells of a few lines of a table, or why there are none; ``commit`` is where they were measured."""

    name: str
    key: str
    commit: str
    lines: tuple[tuple[str, ...], ...] = ()
    problem: str | None = None
    is_old: bool = False


@dataclass(frozen=True)
class Job:
    """``make`` gives the lines, in at most ``limit_s``.

    It is run in another process, so it must be a function of a module.
    """

    name: str
    make: Callable[..., Sequence[Sequence[str]]]
    arguments: tuple[object, ...] = ()
    limit_s: float | None = None


def key_of(*parts: Path) -> str:
    """Changes with the engine, but for its simulation, training and programs, and with ``parts``."""
    engine = (
        *("geo", "matching", "retrieval", "localization", "tracking"),
        *("video", "raster", "vector", "evaluation"),
    )
    jobs = (PACKAGE / "jobs" / name for name in ("localize.py", "track.py"))
    return hash_of([*(PACKAGE / name for name in engine), *jobs, *parts])


def measured(jobs: Iterable[Job], folder: Path, key: str, *, budget_s: float) -> list[Kept]:
    """Every job's lines in order; what is kept with the same key is not measured again."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + budget_s
    found = []
    for job in jobs:
        path = folder / f"{job.name}.json"
        kept = _read(path)
        if kept is None or kept.key != key or kept.problem:
            made = _measure(job, path, key, min(job.limit_s or LIMIT_S, ends - time.monotonic()))
            kept = made if kept is None or kept.problem or not made.problem else replace(kept, is_old=True)
        found.append(kept)
    return found


def table(head: Sequence[str], rows: Iterable[Kept]) -> list[str]:
    """Markdown: where and when, the lines, and what is missing or from an earlier commit."""
    found = list(rows)
    is_fresh = any(row.lines and not row.is_old for row in found)
    first = provenance([]) if is_fresh else "Measured at earlier commits, see below.\n"
    lines = [first, _line(head), _line(["---"] * len(head))]
    lines += [_line(cells) for row in found for cells in row.lines]
    notes = [f"* {row.name}: {row.problem}." for row in found if row.problem]
    notes += [f"* {row.name}: measured at {row.commit}." for row in found if row.is_old]
    return [*lines, *([""] * bool(notes)), *notes]


def _measure(job: Job, path: Path, key: str, limit_s: float) -> Kept:
    blank = Kept(job.name, key, git("rev-parse", "--short", "HEAD"))
    if limit_s <= 0:
        return replace(blank, problem="not measured, time was up")
    print(f"{job.name} …", file=sys.stderr, flush=True)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(job, blank, draft))
    process.start()
    process.join(limit_s)
    if process.is_alive():
        process.kill()
        process.join()
        return replace(blank, problem=f"stopped after {limit_s:.0f} s")
    if process.exitcode or not draft.exists():
        return replace(blank, problem=f"failed, exit code {process.exitcode}")
    draft.replace(path)
    return _read(path) or blank


def _work(job: Job, blank: Kept, draft: Path) -> None:
    lines = tuple(tuple(cells) for cells in job.make(*job.arguments))
    draft.write_text(json.dumps(asdict(replace(blank, lines=lines))), encoding="utf-8")


def _read(path: Path) -> Kept | None:
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Kept(**{**values, "lines": tuple(tuple(cells) for cells in values["lines"])})


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
