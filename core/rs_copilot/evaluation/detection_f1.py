"""F1 of detections without ranking them: strictly, and as a published repository computes it. Pure.

Both readings are described in the RSCoVLM paper's companion code; the strict one matches one to one, so that
saying the same thing twice does not help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rs_copilot.evaluation.detection import NOTHING, Boxes, Pictures, quad_overlaps
from rs_copilot.types import FloatArray


@dataclass(frozen=True)
class Counts:
    """Found, wrongly found and missed objects."""

    found: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.found + other.found, self.false + other.false, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of detections that are right; NaN without any."""
        return _share(self.found, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of objects that were found; NaN without any."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN where there was nothing and nothing was said."""
        return _share(2 * self.found, 2 * self.found + self.false + self.missed)


@dataclass(frozen=True)
class F1Score:
    """Counts per class; ``macro`` is the mean over classes that occur, ``micro`` of all counts together."""

    classes: Mapping[str, Counts]

    @property
    def macro(self) -> float:
        """Mean F1 of the classes (mF1)."""
        values = [counts.f1 for counts in self.classes.values() if not np.isnan(counts.f1)]
        return float(np.mean(values)) if values else float("nan")

    @property
    def micro(self) -> float:
        """F1 of all objects together."""
        return sum(self.classes.values(), Counts()).f1


def strict_f1(truth: Pictures, found: Pictures, *, threshold: float = 0.5) -> F1Score:
    """One detection for one object of its class, largest overlaps first, from ``threshold`` on.

    Difficult objects are not asked for; a detection that overlaps one enough is not held against anyone.
    """
    names = {str(name) for part in (truth, found) for boxes in part.values() for name in boxes.names}
    totals = dict.fromkeys(sorted(names), Counts())
    for key, objects in truth.items():
        boxes = found.get(key, NOTHING)
        for name in names:
            true, mine = objects.take(objects.names == name), boxes.take(boxes.names == name)
            totals[name] += _matched(true, mine, threshold)
    return F1Score(totals)


def _matched(true: Boxes, mine: Boxes, threshold: float) -> Counts:
    shared = quad_overlaps(mine.quads_px, true.quads_px)
    hits = pair_up(np.where(true.difficult, 0.0, shared), threshold)
    left = np.ones(len(mine), dtype=bool)
    left[[row for row, _ in hits]] = False
    excused = (np.where(true.difficult, shared, 0.0) >= threshold).any(axis=1)
    wanted = int((~true.difficult).sum())
    return Counts(len(hits), int((left & ~excused).sum()), wanted - len(hits))


def pair_up(overlaps: FloatArray, threshold: float) -> list[tuple[int, int]]:
    """Rows and columns of ``(N, M)`` one to one, the largest value first, while it reaches ``threshold``."""
    rows, cols = np.nonzero(overlaps >= threshold)
    pairs: list[tuple[int, int]] = []
    taken_rows: set[int] = set()
    taken_cols: set[int] = set()
    for k in np.argsort(-overlaps[rows, cols], kind="stable"):
        row, col = int(rows[k]), int(cols[k])
        if row not in taken_rows and col not in taken_cols:
            pairs.append((row, col))
            taken_rows.add(row)
            taken_cols.add(col)
    return pairs


def repository_f1(truth: Pictures, found: Pictures, *, threshold: float = 0.5) -> float:
    """Mean F1 as the code of LMMRotate computes it, only for comparing to numbers published with it.

    A table of true and said classes, with background as one more: a detection counts for every object that
    it overlaps enough, so that doubles count as right; background takes part in the means, which keeps the
    value under C / (C + 1); and the F1 is that of mean precision and mean recall.
    """
    names = sorted({str(name) for part in (truth, found) for boxes in part.values() for name in boxes.names})
    number = {name: k for k, name in enumerate(names)}
    background = len(names)
    table = np.zeros((background + 1, background + 1))
    for key, objects in truth.items():
        boxes = found.get(key, NOTHING)
        over = quad_overlaps(boxes.quads_px, objects.quads_px) >= threshold
        same = over & (boxes.names[:, None] == objects.names[None])
        for row, col in zip(*np.nonzero(over), strict=True):
            table[number[objects.names[col]], number[boxes.names[row]]] += 1
        for row in np.flatnonzero(~over.any(axis=1)):
            table[background, number[boxes.names[row]]] += 1
        for col in np.flatnonzero(~same.any(axis=0)):
            table[number[objects.names[col]], background] += 1
    right = np.diag(table).copy()
    right[background] = 0.0
    precision = float(np.mean(right / np.maximum(table.sum(axis=0), 1e-12)))
    recall = float(np.mean(right / np.maximum(table.sum(axis=1), 1e-12)))
    return 2.0 * precision * recall / (precision + recall) if precision + recall else 0.0


def best_threshold_f1(
    truth: Pictures, found: Pictures, *, threshold: float = 0.5, steps: int = 20
) -> tuple[float, F1Score]:
    """The least score in 0, 1/steps, … whose detections reach the highest `strict_f1` (micro), and that."""
    tried = []
    for k in range(steps):
        least = k / steps
        kept = {key: boxes.take(boxes.scores >= least) for key, boxes in found.items()}
        score = strict_f1(truth, kept, threshold=threshold)
        tried.append((score.micro if not np.isnan(score.micro) else -1.0, -k, least, score))
    _, _, least, score = max(tried, key=lambda item: item[:2])
    return least, score


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
