"""Rows that are measured in processes of their own: kept, made again, failed, too slow, or out of time."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import rows
from benchmarks.rows import Job, Kept, measured, table


def made(word: str) -> list[list[str]]:
    return [[word, "1"], [word, "2"]]


def count(folder: Path) -> list[list[str]]:
    (folder / f"run_{time.time_ns()}").touch()
    return [["counted"]]


def broken() -> list[list[str]]:
    raise SystemExit(3)


def endless() -> list[list[str]]:
    time.sleep(60.0)
    return []


def test_a_row_is_measured_once_and_again_when_its_key_changes(tmp_path: Path) -> None:
    jobs = [Job("count", count, (tmp_path,))]
    for key in ("one", "one", "two"):
        (kept,) = measured(jobs, tmp_path / "rows", key, budget_s=math.inf)
        assert (kept.lines, kept.key) == ((("counted",),), key)
    assert len(list(tmp_path.glob("run_*"))) == 2


def test_a_row_that_fails_says_so_and_the_next_goes_on(tmp_path: Path) -> None:
    jobs = [Job("broken", broken), Job("good", made, ("good",))]
    first, second = measured(jobs, tmp_path, "key", budget_s=math.inf)
    assert first.problem == "failed, exit code 3"
    assert second.lines == (("good", "1"), ("good", "2"))
    text = "\n".join(table(("name", "number"), [first, second]))
    assert "| good | 2 |" in text
    assert "* broken: failed, exit code 3." in text


def test_a_row_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LIMIT_S", 0.2)
    (kept,) = measured([Job("endless", endless)], tmp_path, "key", budget_s=math.inf)
    assert kept.problem == "stopped after 0 s"


def test_without_time_what_is_kept_serves_and_says_so(tmp_path: Path) -> None:
    job = Job("old", made, ("old",))
    (old,) = measured([job], tmp_path, "before", budget_s=math.inf)
    kept, new = measured([job, Job("new", made, ("new",))], tmp_path, "after", budget_s=0.0)
    assert kept == replace(old, is_old=True)
    assert new == Kept("new", "after", new.commit, problem="not measured, time was up")
    assert f"* old: measured at {old.commit}." in table(("a", "b"), [kept])
