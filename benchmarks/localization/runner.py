"""Rows, each measured in a process of its own."""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.localization import engine, methods, store
from benchmarks.localization.cases import Case
from benchmarks.localization.store import OURS, Row

# A row that takes longer is stopped and says so.
LIMIT_S = 300.0
# Where ours is also measured with a matcher: a map of another sensor and date, and one of the same flight.
MATCHED = ("01_fengyuan", "05_seneca")
# What is measured first.
GROUPS = ("real", "tilt", "area", "season", "foreign", "modality")


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
    """Every row of the cases, in the order of the report."""
    own = store.engine_key()
    found: list[Task] = []
    for case in cases:
        found += [Task(case, OURS, use, store.path_of(folder, case, OURS, use), own) for use in case.uses]
        helped = engine.matchers() if case.name in MATCHED else {}
        found += [
            Task(case, name, use, store.path_of(folder, case, name, use), store.matched_key(matcher))
            for name, matcher in helped.items()
            for use in case.uses
        ]
        wanted = tuple(methods.MAKERS) if case.methods is None else case.methods
        found += [
            Task(case, name, use, store.path_of(folder, case, name, use), store.method_key(name), limit)
            for name in wanted
            if case.truth is not None
            for use in methods.USES[name]
            if use in case.uses
        ]
    return found


@dataclass(frozen=True)
class Limits:
    """Seconds: for one row, and for all; ``methods`` are those to measure, none for every one."""

    row_s: float = LIMIT_S
    all_s: float = math.inf
    methods: tuple[str, ...] = ()


def run_all(tasks: list[Task], limits: Limits) -> list[Row]:
    """A row for every task; those that are kept with the same key are not made again.

    For what is not wanted now, or no longer fits, rows of an earlier state of the code serve, and say so.
    """
    rows = {task.path: _served(task, limits.row_s) for task in tasks}
    missing = [task for task in tasks if rows[task.path] is None]
    wanted = [task for task in missing if not limits.methods or task.method in limits.methods]
    started = time.monotonic()
    context = multiprocessing.get_context("forkserver")
    # Imported once, before any row is measured; every row is forked from there.
    context.set_forkserver_preload(["benchmarks.localization.runner"])
    for number, task in enumerate(sorted(wanted, key=_urgency), start=1):
        left_s = limits.all_s - (time.monotonic() - started)
        if left_s <= 0:
            break
        print(f"{number}/{len(wanted)} {task.path.stem}", file=sys.stderr, flush=True)
        rows[task.path] = _run(context, task, min(limits.row_s, max(left_s, 10.0)), limits.row_s)
    return [rows[task.path] or _earlier(task) for task in tasks]


def _served(task: Task, limit_s: float) -> Row | None:
    """The row that is kept of this state of the code, but for one that now may take longer."""
    kept = store.read_row(task.path)
    if kept is None or kept.key != task.key:
        return None
    return None if kept.problem and kept.more.get("limit_s", LIMIT_S) < limit_s else kept


def _earlier(task: Task) -> Row:
    kept = store.read_row(task.path)
    if kept is None or kept.problem:
        return task.blank("not measured, time was up")
    return kept if kept.key == task.key else replace(kept, is_old=True)


def _urgency(task: Task) -> tuple[int, int, float]:
    """First ours, then the others, which change seldom, then ours that are new or took too long before.

    Within these by group, and what was quick before others.
    """
    kept = store.read_row(task.path)
    is_slow = kept is None or kept.problem is not None
    stage = 1 if task.method != OURS else 2 if is_slow else 0
    group = GROUPS.index(task.case.group) if task.case.group in GROUPS else len(GROUPS)
    return stage, group, kept.wall_s if kept is not None else math.inf


def _run(
    context: multiprocessing.context.ForkServerContext, task: Task, limit_s: float, row_limit_s: float
) -> Row | None:
    """The row, or ``None`` where less time than a row may take was left, and not enough."""
    process = context.Process(target=measure, args=(task,))
    process.start()
    process.join(limit_s)
    if process.is_alive():
        process.kill()
        process.join()
        if limit_s < row_limit_s:
            return None
        row = replace(task.blank(f"stopped after {limit_s:.0f} s"), more={"limit_s": limit_s})
        store.write_row(task.path, row)
        return row
    row = store.read_row(task.path) if process.exitcode == 0 else None
    return row or task.blank(f"failed, exit code {process.exitcode}")


def measure(task: Task) -> None:
    """Make one row in this process, and keep it."""
    load = os.getloadavg()[0]
    started, cpu = time.monotonic(), time.process_time()
    if task.method == OURS or task.method in engine.matchers():
        matcher = engine.matchers().get(task.method)
        outcomes, frames, more = engine.measure(task.case, task.use, matcher)
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
