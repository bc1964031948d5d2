"""Rows, each measured in a process of its own."""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.localization import engine, methods, store
from benchmarks.localization.cases import Case
from benchmarks.localization.store import OURS, Row

# A row that takes longer is stopped and says so.
LIMIT_S = 420.0


@dataclass(frozen=True)
class Task:
    """A row to be made; ``limit`` is the number of queries of the simpler methods."""

    case: Case
    method: str
    use: str
    path: Path
    key: str
    limit: int | None = None

    def blank(self, problem: str | None = None) -> Row:
        """The row without results."""
        case = self.case
        return Row(
            case.name,
            case.group,
            self.method,
            self.use,
            self.key,
            case.truth_accuracy,
            dict(case.tags),
            commit=store.git("rev-parse", "--short", "HEAD"),
            problem=problem,
        )


def tasks_of(cases: list[Case], folder: Path, *, limit: int | None = None) -> list[Task]:
    """Every row of the cases, ours first."""
    own, other = store.engine_key(), store.method_key()
    found: list[Task] = []
    for case in cases:
        found += [Task(case, OURS, use, store.path_of(folder, case, OURS, use), own) for use in case.uses]
        wanted = tuple(methods.MAKERS) if case.methods is None else case.methods
        found += [
            Task(case, name, use, store.path_of(folder, case, name, use), other, limit)
            for name in wanted
            if case.truth is not None
            for use in methods.USES[name]
            if use in case.uses
        ]
    # What time allows is ours first: the simpler methods change seldom and are kept.
    return sorted(found, key=lambda task: task.method != OURS)


def run_all(tasks: list[Task], *, limit_s: float = LIMIT_S, budget_s: float = math.inf) -> Iterator[Row]:
    """Rows in order; those that are kept with the same key are not made again.

    When ``budget_s`` is used up, rows of an earlier state of the code serve, and say so.
    """
    started = time.monotonic()
    context = multiprocessing.get_context("forkserver")
    # Imported once, before any row is measured; every row is forked from there.
    context.set_forkserver_preload(["benchmarks.localization.runner"])
    for number, task in enumerate(tasks, start=1):
        kept = store.read_row(task.path)
        if kept is not None and kept.key == task.key:
            yield kept
            continue
        left_s = budget_s - (time.monotonic() - started)
        if left_s <= 0:
            yield task.blank("not measured, time was up") if kept is None else replace(kept, is_old=True)
            continue
        print(f"{number}/{len(tasks)} {task.path.stem}", file=sys.stderr, flush=True)
        yield _run(context, task, min(limit_s, max(left_s, 10.0)))


def _run(context: multiprocessing.context.ForkServerContext, task: Task, limit_s: float) -> Row:
    process = context.Process(target=measure, args=(task,))
    process.start()
    process.join(limit_s)
    if process.is_alive():
        process.kill()
        process.join()
        row = task.blank(f"stopped after {limit_s:.0f} s")
        if limit_s >= LIMIT_S:
            store.write_row(task.path, row)
        return row
    row = store.read_row(task.path) if process.exitcode == 0 else None
    return row or task.blank(f"failed, exit code {process.exitcode}")


def measure(task: Task) -> None:
    """Make one row in this process, and keep it."""
    load = os.getloadavg()[0]
    started, cpu = time.monotonic(), time.process_time()
    if task.method == OURS:
        outcomes, frames, more = engine.measure(task.case, task.use)
    else:
        outcomes, frames, more = methods.measure(task.case, task.method, task.use, task.limit)
    wall_s, cpu_s = time.monotonic() - started, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    row = replace(
        task.blank(),
        outcomes=outcomes,
        frames=frames,
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mb=peak_mb,
        load=load,
        more=more,
    )
    store.write_row(task.path, row)
