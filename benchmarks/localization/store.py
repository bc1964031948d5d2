"""Rows on disk: one JSON file each, with the hash of the code that made it."""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.localization.cases import Case
from rs_copilot.evaluation.localization_scores import Outcome

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "bench"
OURS = "ours"
# What decides where a frame is put; a change elsewhere leaves the rows valid.
ENGINE_PARTS = (
    "geo",
    "matching",
    "retrieval",
    "localization",
    "video",
    "raster",
    "types.py",
    "jobs/localize.py",
)
INPUTS = ("cases", "sources", "worlds", "modalities", "maps")
WEIGHTS = ROOT / "core" / "rs_copilot" / "retrieval" / "weights"
# The modules and the weights of each simpler method.
METHOD_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sift-homography": (("sift",), ()),
    "sift-gated": (("sift",), ()),
    "grey-ncc": (("dense",), ()),
    "double-angle": (("dense",), ()),
    "retriever": (("dense", "retriever"), ("cvaa-s.onnx",)),
    "learned-field": (("dense", "learned"), ("cvaa-s-dense.onnx",)),
}


@dataclass(frozen=True)
class Row:
    """One case, one method, one use of telemetry, and what came of it.

    ``wall_s`` and ``cpu_s`` cover the whole clip with everything that it takes; ``frames`` were worked on.
    ``commit`` is where it was measured, ``problem`` says why there is no result.
    """

    case: str
    group: str
    method: str
    use: str
    key: str
    truth_accuracy: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    frames: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    load: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)
    commit: str = ""
    problem: str | None = None
    is_old: bool = False


def git(*words: str) -> str:
    """What git answers, without line ends; nothing where it cannot."""
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def hash_of(paths: Iterable[Path]) -> str:
    """SHA-256 of the contents of files and folders, of code without what it says about itself, 16 digits."""
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.exists()):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.suffix in (".py", ".onnx", ".json", ".safetensors") and file.is_file():
                digest.update(file.name.encode() + _content(file))
    return digest.hexdigest()[:16]


def _content(file: Path) -> bytes:
    """Of code its syntax tree: a comment, a docstring or a line break leaves kept rows valid."""
    if file.suffix != ".py":
        return file.read_bytes()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree).encode()


def engine_key() -> str:
    """Changes with anything that decides where the engine puts a frame."""
    package = ROOT / "core" / "rs_copilot"
    own = ROOT / "benchmarks" / "localization"
    inputs = [own / f"{name}.py" for name in ("engine", *INPUTS)]
    return hash_of([*(package / part for part in ENGINE_PARTS), *inputs])


def matched_key(matcher: str) -> str:
    """Changes with the engine and with a matcher's weights."""
    weights = Path(matcher) / "model.safetensors"
    inputs = [weights, ROOT / "core" / "rs_copilot" / "learned"]
    return f"{engine_key()}-{hash_of(inputs) if weights.is_file() else matcher}"


def method_key(method: str) -> str:
    """Changes with a simpler method and its inputs, and with the weights of those that are networks."""
    own = ROOT / "benchmarks" / "localization"
    modules, weights = METHOD_PARTS[method]
    names = ("methods", "queries", *modules, *INPUTS)
    return hash_of([*(own / f"{name}.py" for name in names), *(WEIGHTS / name for name in weights)])


def path_of(folder: Path, case: Case, method: str, use: str) -> Path:
    """Where a row is kept."""
    return folder / f"{case.name}--{method}--{use}.json"


def write_row(path: Path, row: Row) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(asdict(row)), encoding="utf-8")
    draft.replace(path)


def read_row(path: Path) -> Row | None:
    """A row, or ``None`` where there is none."""
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    outcomes = [_outcome(item) for item in values.pop("outcomes")]
    return Row(**values, outcomes=outcomes)


def _outcome(item: dict[str, Any]) -> Outcome:
    candidates = item.pop("candidates_m")
    return Outcome(**item, candidates_m=None if candidates is None else tuple(candidates))


def write_errors(path: Path, rows: Iterable[Row]) -> None:
    """Every query of every row in one CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["case", "method", "telemetry", "query", "error_m", "score", "radius_m", "area_share"]
        )
        for row in rows:
            for o in row.outcomes:
                cells = [o.query, o.error_m, o.score, o.radius_m, o.area_share]
                writer.writerow([row.case, row.method, row.use, *cells])
