"""What was measured is kept by method, so that a table can be put together from several runs."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.retrieval.ranking import Outcome
from rs_copilot.evaluation.retrieval import RetrievalScore

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kept:
    """The outcomes of one method on one set of gallery and queries, and when they were measured."""

    method: str
    subject: str
    note: str
    measured: str
    outcomes: list[Outcome]


def keep(work: Path, method: str, subject: str, note: str, outcomes: list[Outcome]) -> None:
    """Write the outcomes of a method; what it had before on the same subject is replaced.

    Args:
        work: folder of the benchmark.
        method: its name.
        subject: what it was measured on; only equal subjects share a table.
        note: a few words about the method, for below the table.
        outcomes: what it reached.
    """
    rows = [
        {
            "condition": item.condition,
            "group": item.group,
            "ranks": item.score.ranks.tolist(),
            "seconds": item.seconds,
        }
        for item in outcomes
    ]
    kept = {"method": method, "subject": subject, "note": note, "measured": stamp(), "rows": rows}
    path = _folder(work, subject) / f"{re.sub('[^a-z0-9]+', '-', method.lower())}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept), encoding="utf-8")


def read_kept(work: Path, subject: str) -> list[Kept]:
    """Everything kept about a subject, in the order in which it was measured."""
    paths = sorted(_folder(work, subject).glob("*.json"), key=lambda path: path.stat().st_mtime)
    return [_parse(json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def stamp() -> str:
    """Date and commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{date.today()}, {commit}"


def _folder(work: Path, subject: str) -> Path:
    return work / "kept" / hashlib.sha256(subject.encode()).hexdigest()[:12]


def _parse(kept: dict) -> Kept:
    outcomes = [
        Outcome(
            kept["method"],
            row["condition"],
            row["group"],
            RetrievalScore(np.array(row["ranks"], dtype=np.int64)),
            row["seconds"],
        )
        for row in kept["rows"]
    ]
    return Kept(kept["method"], kept["subject"], kept["note"], kept["measured"], outcomes)
