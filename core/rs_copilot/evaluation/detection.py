"""How well objects were found in pictures: average precision and F1 of oriented boxes. Pure.

Average precision follows the PASCAL VOC rules as the DOTA development kit applies them to oriented boxes
(Xia et al., DOTA, CVPR 2018; Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010): in
each picture a detection belongs to the true object of its class that it overlaps most; objects marked as
difficult are neither asked for nor held against anyone. An overlap of just the threshold counts as found
(the kit asks for more than it, which differs only then).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.types import BoolArray, FloatArray

THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))


@dataclass(frozen=True)
class Boxes:
    """Objects of one picture: corners ``quads_px`` ``(N, 4, 2)`` in order, class ``names`` ``(N,)``,
    ``scores`` ``(N,)`` of detections (1 where nothing was said), and which are ``difficult`` ``(N,)``:
    neither asked for nor wrong to find.
    """

    quads_px: FloatArray = field(repr=False)
    names: NDArray[np.str_] = field(repr=False)
    scores: FloatArray = field(repr=False)
    difficult: BoolArray = field(repr=False)

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = (self.quads_px.shape, self.scores.shape, self.difficult.shape)
        if shapes != ((count, 4, 2), (count,), (count,)):
            raise ValueError(f"expected {count} quads (N, 4, 2), scores and flags, found {shapes}")

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def of(
        quads_px: FloatArray,
        names: Sequence[str] | NDArray[np.str_] | str,
        scores: FloatArray | None = None,
        difficult: BoolArray | None = None,
    ) -> Boxes:
        """With ones for scores, nothing difficult, and one name for all, unless told."""
        quads = np.asarray(quads_px, dtype=np.float64).reshape(-1, 4, 2)
        count = len(quads)
        return Boxes(
            quads,
            np.full(count, names, dtype=object) if isinstance(names, str) else np.array(names, dtype=object),
            np.ones(count) if scores is None else np.asarray(scores, dtype=np.float64),
            np.zeros(count, dtype=bool) if difficult is None else np.asarray(difficult, dtype=bool),
        )

    def take(self, mask: BoolArray) -> Boxes:
        """Some of them."""
        return Boxes(self.quads_px[mask], self.names[mask], self.scores[mask], self.difficult[mask])


Pictures = Mapping[str, Boxes]
NOTHING = Boxes.of(np.zeros((0, 4, 2)), [])


@dataclass(frozen=True)
class ClassScore:
    """One class: average precision per threshold, and how many objects were asked for."""

    name: str
    wanted: int
    average_precision: Mapping[float, float]


@dataclass(frozen=True)
class RotatedScore:
    """Average precision of oriented boxes; means are over the classes that have objects."""

    classes: tuple[ClassScore, ...]

    def mean_at(self, threshold: float) -> float:
        """Mean average precision at one overlap; NaN where nothing was asked for."""
        found = [item.average_precision[threshold] for item in self.classes if item.wanted]
        return float(np.mean(found)) if found else float("nan")

    @property
    def mean(self) -> float:
        """Over all thresholds that were scored: of 0.5 to 0.95, what COCO calls AP."""
        thresholds = self.classes[0].average_precision if self.classes else ()
        found = [self.mean_at(threshold) for threshold in thresholds]
        return float(np.mean(found)) if found else float("nan")


def quad_overlaps(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of convex quads ``(N, 4, 2)`` and ``(M, 4, 2)``. Shape (N, M)."""
    result = np.zeros((len(first), len(second)))
    if not result.size:
        return result
    a, b = shapely.polygons(first), shapely.polygons(second)
    rows, cols = shapely.STRtree(b).query(a)
    common = shapely.area(shapely.intersection(a[rows], b[cols]))
    union = shapely.area(a[rows]) + shapely.area(b[cols]) - common
    result[rows, cols] = common / np.maximum(union, 1e-12)
    return result


def average_precision(recall: FloatArray, precision: FloatArray, *, eleven_points: bool = False) -> float:
    """Area under precision over recall, both ``(N,)`` in order of falling scores.

    Precision at a recall is the best at that recall or a higher one; with ``eleven_points`` the mean over
    the recalls 0, 0.1, … 1 (VOC 2007), else the whole area (VOC 2010 and later).
    """
    if eleven_points:
        levels = np.linspace(0.0, 1.0, 11)
        best = [precision[recall >= level - 1e-12].max(initial=0.0) for level in levels]
        return float(np.mean(best))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float(np.sum(steps * envelope))


def rotated_score(
    truth: Pictures,
    found: Pictures,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    eleven_points: bool = False,
    order: np.random.Generator | None = None,
) -> RotatedScore:
    """Average precision of every class of the truth.

    Args:
        truth: objects by picture.
        found: detections by picture; of pictures that the truth does not have, nothing is counted.
        thresholds: least overlaps.
        eleven_points: see `average_precision`.
        order: draws the order of detections with equal scores; without it they keep the order they came in,
            which must not decide anything where all scores are the same.
    """
    names = sorted({str(name) for boxes in truth.values() for name in boxes.names})
    return RotatedScore(
        tuple(_class_score(truth, found, name, thresholds, eleven_points, order) for name in names)
    )


@dataclass(frozen=True)
class UnrankedScore:
    """Average precision of detections that have no scores, by 11 points: what the order of ties makes of it.

    ``drawn`` ``(S, C, T)``: orders drawn with S seeds, classes, overlaps. ``constant`` ``(C, T)``: the order
    in which the detections came. NaN for classes of which nothing was asked for.
    """

    names: tuple[str, ...]
    wanted: tuple[int, ...]
    thresholds: tuple[float, ...]
    drawn: FloatArray = field(repr=False)
    constant: FloatArray = field(repr=False)

    def mean_and_deviation(self, thresholds: Sequence[float] | None = None) -> tuple[float, float]:
        """Mean over classes and overlaps (all of them unless told): over the seeds, with its deviation.

        NaN where nothing was asked for.
        """
        values = [_mean_known(order[:, self._columns(thresholds)]) for order in self.drawn]
        return float(np.mean(values)), float(np.std(values))

    def constant_mean(self, thresholds: Sequence[float] | None = None) -> float:
        """The same for the order in which detections came."""
        return _mean_known(self.constant[:, self._columns(thresholds)])

    def class_mean(self, name: str, thresholds: Sequence[float] | None = None) -> float:
        """Mean over seeds and overlaps of one class."""
        return _mean_known(self.drawn[:, self.names.index(name)][:, self._columns(thresholds)])

    def _columns(self, thresholds: Sequence[float] | None) -> list[int]:
        return [self.thresholds.index(value) for value in thresholds or self.thresholds]


def _mean_known(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def score_without_confidence(
    truth: Pictures, found: Pictures, *, thresholds: Sequence[float] = THRESHOLDS, seeds: int = 10
) -> UnrankedScore:
    """Average precision of detectors that give no scores (AP_nc of RSCoVLM, arXiv 2511.21272).

    Scores are taken away; as the order of ties decides the curve, it is drawn anew for every seed. With
    precision P and recall R the value of many detections is about P (floor(10 R) + 1) / 11.
    """
    names = sorted({str(name) for boxes in truth.values() for name in boxes.names})
    pools = [_pool(truth, found, name) for name in names]
    orders = [np.random.default_rng(seed) for seed in range(seeds)]
    drawn = [[_unranked(pool, thresholds, order) for pool in pools] for order in orders]
    constant = [_unranked(pool, thresholds, None) for pool in pools]
    shape = (len(names), len(thresholds))
    return UnrankedScore(
        tuple(names),
        tuple(pool.wanted for pool in pools),
        tuple(thresholds),
        np.array(drawn, dtype=np.float64).reshape(seeds, *shape),
        np.array(constant, dtype=np.float64).reshape(shape),
    )


def _unranked(pooled: _Pooled, thresholds: Sequence[float], order: np.random.Generator | None) -> list[float]:
    """Average precision at each overlap with all scores alike; NaN where nothing was asked for."""
    if not pooled.wanted:
        return [float("nan")] * len(thresholds)
    count = len(pooled.scores)
    ranked = np.arange(count) if order is None else order.permutation(count)
    return [_precision_at(pooled, ranked, threshold, eleven_points=True) for threshold in thresholds]


@dataclass(frozen=True)
class _Pooled:
    """Detections of one class over all pictures: score, overlap with the true object they overlap most, its
    number over all pictures (-1 for none) and whether that is difficult.
    """

    scores: FloatArray
    overlaps: FloatArray
    owners: NDArray[np.int64]
    difficult: BoolArray
    wanted: int


def _class_score(
    truth: Pictures,
    found: Pictures,
    name: str,
    thresholds: Sequence[float],
    eleven_points: bool,
    order: np.random.Generator | None,
) -> ClassScore:
    pooled = _pool(truth, found, name)
    tie = np.arange(len(pooled.scores)) if order is None else order.permutation(len(pooled.scores))
    ranked = np.lexsort([tie, -pooled.scores])
    values = {
        threshold: _precision_at(pooled, ranked, threshold, eleven_points=eleven_points)
        for threshold in thresholds
    }
    return ClassScore(name, pooled.wanted, values)


def _precision_at(
    pooled: _Pooled, ranked: NDArray[np.intp], threshold: float, *, eleven_points: bool
) -> float:
    right, wrong = _judged(pooled, ranked, threshold)
    hits, misses = np.cumsum(right), np.cumsum(wrong)
    recall = hits / max(pooled.wanted, 1)
    precision = hits / np.maximum(hits + misses, 1)
    return average_precision(recall, precision, eleven_points=eleven_points)


def _pool(truth: Pictures, found: Pictures, name: str) -> _Pooled:
    scores, overlaps, owners, difficult = [], [], [], []
    first = wanted = 0
    for key, objects in truth.items():
        true = objects.take(objects.names == name)
        boxes = found.get(key, NOTHING)
        mine = boxes.take(boxes.names == name)
        wanted += int((~true.difficult).sum())
        shared = quad_overlaps(mine.quads_px, true.quads_px)
        best = shared.argmax(axis=1) if len(true) else np.full(len(mine), -1)
        scores.append(mine.scores)
        overlaps.append(shared.max(axis=1, initial=0.0))
        owners.append(np.where(best >= 0, best + first, -1))
        difficult.append(true.difficult[best] if len(true) else np.zeros(len(mine), dtype=bool))
        first += len(true)
    if not scores:
        empty = np.zeros(0)
        return _Pooled(empty, empty, empty.astype(np.int64), empty.astype(bool), 0)
    joined = [np.concatenate(part) for part in (scores, overlaps, owners, difficult)]
    return _Pooled(joined[0], joined[1], joined[2].astype(np.int64), joined[3].astype(bool), wanted)


def _judged(pooled: _Pooled, ranked: NDArray[np.intp], threshold: float) -> tuple[BoolArray, BoolArray]:
    """Which detections, in ranked order, are right and which wrong; on difficult objects they are neither."""
    over = pooled.overlaps[ranked] >= threshold
    neither = over & pooled.difficult[ranked]
    candidates = np.flatnonzero(over & ~neither)
    _, first = np.unique(pooled.owners[ranked][candidates], return_index=True)
    right = np.zeros(len(ranked), dtype=bool)
    right[candidates[first]] = True
    return right, np.asarray(~right & ~neither)
