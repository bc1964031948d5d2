"""Doors to labelled pictures and to detections: tables of boxes, DOTA text files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rs_copilot.errors import BadInputError, StorageError
from rs_copilot.evaluation.detection import Boxes
from rs_copilot.types import FloatArray

_QUAD = [f"{axis}{corner}" for corner in range(1, 5) for axis in "xy"]
_BOUNDS = ["xmin", "ymin", "xmax", "ymax"]
_XYWH = ["x", "y", "w", "h"]
# Objects of an inventory of tracks without a class are what its makers followed.
DEFAULT_NAME = "vehicle"
_DOTA_WORDS = 8


def read_boxes(path: Path) -> dict[str, Boxes]:
    """Boxes by picture, from a table or from DOTA text files.

    A CSV table has one row per object: the picture (``file`` or ``frame``), corners ``x1, y1, … x4, y4`` or
    bounds ``xmin, ymin, xmax, ymax`` or ``x, y, w, h`` in pixels, and where they are known ``class``,
    ``score``, and ``difficult`` or ``occluded`` (not 0: not asked for). A folder of DOTA labels has one text
    file per picture; a folder of results in DOTA's form has files ``Task1_CLASS.txt``.

    Raises:
        BadInputError: it cannot be read, or is none of these.
    """
    if path.is_dir():
        return _read_folder(path)
    return read_dota_labels([path]) if path.suffix.lower() == ".txt" else read_table(path)


def read_table(path: Path) -> dict[str, Boxes]:
    """Boxes by picture from a CSV table, see `read_boxes`.

    Raises:
        BadInputError: it cannot be read or lacks columns.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise BadInputError(f"cannot read the table {path}: {error}") from error
    key = next((name for name in ("file", "frame", "image") if name in table), None)
    quads = _quads(table)
    if key is None or quads is None:
        raise BadInputError(
            f"{path} has the columns {', '.join(map(str, table.columns))}; expected file or frame, and "
            "corners x1 to y4, or xmin to ymax, or x, y, w, h"
        )
    names = table["class"].astype(str).to_numpy() if "class" in table else np.full(len(table), DEFAULT_NAME)
    scores = table["score"].to_numpy(float) if "score" in table else np.ones(len(table))
    hidden = next((name for name in ("difficult", "occluded") if name in table), None)
    difficult = table[hidden].to_numpy() != 0 if hidden else np.zeros(len(table), dtype=bool)
    groups = table.groupby(table[key].astype(str), sort=True).indices
    return {
        str(name): Boxes.of(quads[rows], names[rows], scores[rows], difficult[rows])
        for name, rows in groups.items()
    }


def _quads(table: pd.DataFrame) -> FloatArray | None:
    """Corners ``(N, 4, 2)`` from whichever columns there are."""
    if set(_QUAD) <= set(table.columns):
        return np.asarray(table[_QUAD].to_numpy(float).reshape(-1, 4, 2))
    if set(_BOUNDS) <= set(table.columns):
        return quads_of(table[_BOUNDS].to_numpy(float))
    if set(_XYWH) <= set(table.columns):
        boxes = table[_XYWH].to_numpy(float)
        return quads_of(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1))
    return None


def quads_of(bounds_px: FloatArray) -> FloatArray:
    """Corners ``(N, 4, 2)`` of horizontal boxes x1, y1, x2, y2, clockwise from the top left."""
    x1, y1, x2, y2 = np.asarray(bounds_px, dtype=np.float64).reshape(-1, 4).T
    return np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 2)


def read_dota_labels(paths: Sequence[Path]) -> dict[str, Boxes]:
    """Labels in DOTA's form: per picture a text file of lines ``x1 y1 … x4 y4 class difficult``.

    Lines with a colon (``imagesource:``, ``gsd:``) say something about the picture and are passed over.

    Raises:
        BadInputError: a file cannot be read, or a line has another form.
    """
    return {path.stem: _dota_boxes(path) for path in paths}


def _dota_boxes(path: Path) -> Boxes:
    quads, names, difficult = [], [], []
    for number, words in _lines(path):
        if ":" in words[0]:
            continue
        quads.append(_numbers(words[:_DOTA_WORDS], path, number))
        if len(words) <= _DOTA_WORDS:
            raise BadInputError(f"{path}, line {number}: no class after the eight coordinates")
        names.append(words[_DOTA_WORDS])
        difficult.append(len(words) > _DOTA_WORDS + 1 and words[_DOTA_WORDS + 1] != "0")
    return Boxes.of(np.array(quads), names, difficult=np.array(difficult, dtype=bool))


def read_dota_results(paths: Sequence[Path]) -> dict[str, Boxes]:
    """Results in DOTA's form: per class a file ``Task1_CLASS.txt`` of lines ``picture score x1 y1 … x4 y4``.

    Raises:
        BadInputError: a file cannot be read, or a line has another form.
    """
    rows: dict[str, list[tuple[str, FloatArray]]] = {}
    for path in paths:
        name = path.stem.removeprefix("Task1_")
        for number, words in _lines(path):
            values = _numbers(words[1 : _DOTA_WORDS + 2], path, number, _DOTA_WORDS + 1)
            rows.setdefault(words[0], []).append((name, values))
    return {
        key: Boxes.of(
            np.array([values[1:] for _, values in found]),
            [name for name, _ in found],
            np.array([values[0] for _, values in found]),
        )
        for key, found in sorted(rows.items())
    }


def write_dota_results(folder: Path, found: Mapping[str, Boxes], files: Mapping[str, str]) -> list[Path]:
    """Results as DOTA's server takes them: per class a file ``Task1_CLASS.txt``, also where it has no lines.

    Lines are picture, score, and eight coordinates in pixels, numbers with two decimals. ``files`` gives for
    each class the name that its file bears.

    Raises:
        StorageError: the files cannot be written.
    """
    lines: dict[str, list[str]] = {name: [] for name in files}
    for key, boxes in found.items():
        for name, score, quad in zip(boxes.names, boxes.scores, boxes.quads_px, strict=True):
            numbers = " ".join(f"{value:.2f}" for value in quad.ravel())
            lines[str(name)].append(f"{key} {score:.2f} {numbers}\n")
    paths = [folder / f"Task1_{files[name]}.txt" for name in lines]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, name in zip(paths, lines, strict=True):
            path.write_text("".join(lines[name]), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write results to {folder}: {error}") from error
    return paths


def _read_folder(folder: Path) -> dict[str, Boxes]:
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise BadInputError(f"{folder} holds no text files; expected DOTA labels or results")
    results = [path for path in paths if path.name.startswith("Task1_")]
    return read_dota_results(results) if results else read_dota_labels(paths)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Numbers and words of the lines that are not empty."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read {path}: {error}") from error
    return [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]


def _numbers(words: Sequence[str], path: Path, line: int, count: int = _DOTA_WORDS) -> FloatArray:
    try:
        values = np.array([float(word) for word in words])
    except ValueError as error:
        raise BadInputError(f"{path}, line {line}: expected {count} numbers: {error}") from error
    if len(values) != count:
        raise BadInputError(f"{path}, line {line}: expected {count} numbers, found {len(values)}")
    return values
