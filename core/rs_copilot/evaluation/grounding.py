"""Whether a model put its boxes where the described things are. Pure.

One thing described, one box given: right where they overlap by more than half (Acc@0.5). Several things:
right where every one was found and nothing else was said, by generalised overlap (Rezatofighi et al.,
*Generalized Intersection over Union*, CVPR 2019), largest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from rs_copilot.detection.boxes import are_upright, bounds_of
from rs_copilot.evaluation.detection import quad_overlaps
from rs_copilot.evaluation.detection_f1 import Counts, pair_up
from rs_copilot.types import FloatArray

THRESHOLD = 0.5


def is_hit(found: FloatArray, true: FloatArray) -> bool:
    """Whether two quads ``(4, 2)`` overlap by strictly more than a half."""
    return overlap(found, true) > THRESHOLD


def overlap(found: FloatArray, true: FloatArray) -> float:
    """Intersection over union of two quads ``(4, 2)``."""
    return float(quad_overlaps(found[None], true[None])[0, 0])


def is_hit_by_repository(found: FloatArray, true: FloatArray) -> bool:
    """The same as RSCoVLM's code has it: what is shared counts only if it is over a pixel wide and high.

    Differs for boxes of a pixel or two alone.
    """
    one, other = bounds_of(found[None])[0], bounds_of(true[None])[0]
    shared = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return bool((shared > 1.0).all()) and is_hit(found, true)


def generalized_overlaps(first: FloatArray, second: FloatArray) -> FloatArray:
    """Generalised IoU of quads ``(N, 4, 2)`` and ``(M, 4, 2)``, -1 to 1. Shape (N, M).

    What encloses two horizontal boxes is a horizontal box, what encloses others their hull.
    """
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    one, other = (shapely.convex_hull(shapely.polygons(quads)) for quads in (first, second))
    common = shapely.area(shapely.intersection(one[:, None], other[None]))
    union = shapely.area(one)[:, None] + shapely.area(other)[None] - common
    upright = are_upright(first)[:, None] & are_upright(second)[None]
    around = np.where(upright, _box_areas(first, second), _hull_areas(first, second))
    overlaps: FloatArray = common / np.maximum(union, 1e-12)
    return np.asarray(overlaps - (around - union) / np.maximum(around, 1e-12))


def _box_areas(first: FloatArray, second: FloatArray) -> FloatArray:
    one, other = bounds_of(first)[:, None], bounds_of(second)[None]
    sides = np.maximum(one[..., 2:], other[..., 2:]) - np.minimum(one[..., :2], other[..., :2])
    return np.asarray(sides.prod(axis=-1))


def _hull_areas(first: FloatArray, second: FloatArray) -> FloatArray:
    corners = np.concatenate(
        [np.repeat(first[:, None], len(second), axis=1), np.repeat(second[None], len(first), axis=0)], axis=2
    )
    return np.asarray(shapely.area(shapely.convex_hull(shapely.multipoints(corners))))


def match_all(found: FloatArray, true: FloatArray) -> Counts:
    """Objects found, wrongly found and missed, one to one, while generalised overlap reaches a half."""
    pairs = pair_up(generalized_overlaps(found, true), THRESHOLD)
    return Counts(len(pairs), len(found) - len(pairs), len(true) - len(pairs))


def is_complete(counts: Counts) -> bool:
    """Whether the F1 is 1: every object found and nothing else said."""
    return counts.found > 0 and counts.false == counts.missed == 0


@dataclass(frozen=True)
class Grounded:
    """One description and how it was answered. ``objects`` is how many things it describes.

    ``group`` is the benchmark it belongs to; ``size`` and ``sort`` are what the benchmark says of it.
    """

    key: str
    group: str
    objects: int
    is_right: bool
    is_right_by_repository: bool
    overlap: float | None
    size: str = ""
    sort: str = ""


def tally(items: Sequence[Grounded]) -> dict[str, dict[str, float]]:
    """Shares of right answers by benchmark, by number of things, by size and by sort.

    Keys are names of groups, below them name and share.
    """
    values = {
        "benchmark": [item.group for item in items],
        "objects": ["several" if item.objects > 1 else "single" for item in items],
        "size": [item.size for item in items],
        "type": [item.sort for item in items],
    }
    right = np.array([item.is_right for item in items], dtype=bool)
    return {
        group: {name: float(right[np.array(named) == name].mean()) for name in sorted({*named} - {""})}
        for group, named in values.items()
    }
