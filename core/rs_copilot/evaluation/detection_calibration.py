"""What scores are worth: which detections are right, and a curve through them. Pure."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from rs_copilot.detection.calibration import Curve
from rs_copilot.types import BoolArray, FloatArray

# A detection is right where it overlaps a labelled polygon by this, or holds a labelled point.
MIN_IOU = 0.3
# Fewer say nothing about a curve.
MIN_OBJECTS = 20
BINS = 10


def right_ones(shapes: NDArray[np.object_], scores: FloatArray, truth: NDArray[np.object_]) -> BoolArray:
    """Which detections show a labelled object that no better one shows. Shape (N,).

    Args:
        shapes: ``(N,)`` polygons of one class, in metres.
        scores: ``(N,)``.
        truth: ``(M,)`` polygons or points of that class.
    """
    right, free = np.zeros(len(shapes), dtype=np.bool_), np.ones(len(truth), dtype=np.bool_)
    one, other = shapely.STRtree(truth).query(shapes, predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[one], truth[other]))
    union = shapely.area(shapes[one]) + shapely.area(truth[other]) - common
    fits = (common >= MIN_IOU * union) | (shapely.get_dimensions(truth[other]) == 0)
    pairs = np.stack([one, other], axis=1)[fits]
    overlap = common[fits]
    for row in np.lexsort((-overlap, -scores[pairs[:, 0]])):
        detection, target = pairs[row]
        if free[target] and not right[detection]:
            right[detection], free[target] = True, False
    return right


def curve_of(scores: FloatArray, right: BoolArray) -> Curve | None:
    """An isotonic curve; ``None`` where there are too few detections to say anything.

    Isotonic regression: the rising steps that fit best (Zadrozny and Elkan, KDD 2002).
    """
    if len(scores) < MIN_OBJECTS:
        return None
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, right.astype(float))
    xs, ys = np.clip(fit.X_thresholds_, 0, 1), np.clip(fit.y_thresholds_, 0, 1)
    return Curve(scores=xs.tolist(), probabilities=ys.tolist(), objects=len(scores))


def calibration_error(scores: FloatArray, right: BoolArray) -> float:
    """Expected calibration error in ten bins of equal width (Naeini et al., AAAI 2015)."""
    if not len(scores):
        return 0.0
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(scores[bins == k].mean()) - float(right[bins == k].mean())) * float((bins == k).mean())
        for k in np.unique(bins)
    ]
    return float(sum(gaps))


def error_unseen(scores: FloatArray, right: BoolArray) -> float:
    """Calibration error of curves on the half that they were not fitted on, both ways round."""
    half = np.arange(len(scores)) % 2 == 0
    judged = np.array(scores, dtype=np.float64)
    for seen, unseen in ((half, ~half), (~half, half)):
        curve = curve_of(scores[seen], right[seen])
        if curve is not None:
            judged[unseen] = np.interp(scores[unseen], curve.scores, curve.probabilities)
    return calibration_error(judged, right)


def best_score(scores: FloatArray, right: BoolArray, wanted: int) -> tuple[float, float]:
    """The lowest score to keep for the best F1, and that F1. ``wanted``: labelled objects."""
    if not len(scores):
        return 0.0, 0.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + wanted)
    row = int(np.argmax(f1))
    return float(scores[order][row]), float(f1[row])
