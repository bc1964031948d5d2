"""What was measured is kept by method, so that a table can be put together from several runs."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.localization.store import ROOT, git, hash_of
from benchmarks.retrieval.ranking import Outcome
from rs_copilot.evaluation.retrieval import RetrievalScore


@dataclass(frozen=True)
class Kept:
    """The outcomes of one method on one set of gallery and queries, and when they were measured."""

    method: str
    subject: str
    note: str
    measured: str
    outcomes: list[Outcome]
    key: str = ""


def keep(work: Path, method: str, subject: str, note: str, outcomes: list[Outcome], key: str) -> None:
    """Write the outcomes of a method; what it had before on the same subject is replaced.

    Args:
        work: folder of the benchmark.
        method: its name.
        subject: what it was measured on; only equal subjects share a table.
        note: a few words about the method, for below the table.
        outcomes: what it reached.
        key: changes with whatever decides the outcomes.
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
    path = _path(work, method, subject)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**kept, "key": key}), encoding="utf-8")


def is_kept(work: Path, method: str, subject: str, key: str) -> bool:
    """Whether a method need not be measured again."""
    path = _path(work, method, subject)
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("key") == key


def read_kept(work: Path, subject: str) -> list[Kept]:
    """Everything kept about a subject, in the order in which it was measured."""
    paths = sorted(_folder(work, subject).glob("*.json"), key=lambda path: path.stat().st_mtime)
    return [_parse(json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def code_key(*modules: str, engine: tuple[str, ...] = (), extra: str = "") -> str:
    """Changes with modules of this benchmark, with parts of the engine, and with ``extra``."""
    own = (Path(__file__).with_name(f"{name}.py") for name in (*modules, "places", "queries", "ranking"))
    code = hash_of([*own, *(ROOT / "core" / "rs_copilot" / part for part in engine)])
    return hashlib.sha256(f"{code} {extra}".encode()).hexdigest()[:16]


def stamp() -> str:
    """Date and commit."""
    return f"{date.today()}, {git('rev-parse', '--short', 'HEAD')}"


def _path(work: Path, method: str, subject: str) -> Path:
    return _folder(work, subject) / f"{re.sub('[^a-z0-9]+', '-', method.lower())}.json"


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
    return Kept(
        kept["method"], kept["subject"], kept["note"], kept["measured"], outcomes, kept.get("key", "")
    )
