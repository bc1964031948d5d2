"""Average precision of horizontal boxes as COCO defines it, through `faster_coco_eval`."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from rs_copilot.errors import MissingDependencyError
from rs_copilot.evaluation.detection import Boxes, Pictures
from rs_copilot.types import FloatArray

_HINT = "Install it with: pip install 'rs-copilot[eval]'"


@dataclass(frozen=True)
class CocoScore:
    """Mean average precision over overlaps 0.5 to 0.95, at 0.5 and at 0.75, and recall with 100 per picture.

    Values are -1 where nothing was asked for, as COCO says it.
    """

    mean: float
    at_50: float
    at_75: float
    recall_100: float


def coco_score(truth: Pictures, found: Pictures) -> CocoScore:
    """Score the horizontal boxes around all quads; difficult objects become crowds, which COCO ignores.

    Raises:
        MissingDependencyError: faster-coco-eval is not installed.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ModuleNotFoundError as error:
        raise MissingDependencyError("COCO scores need the package faster-coco-eval", hint=_HINT) from error
    names = sorted({str(name) for boxes in truth.values() for name in boxes.names})
    numbers = {key: k + 1 for k, key in enumerate(truth)}
    said = [
        row | {"score": float(score)}
        for key, number in numbers.items()
        if key in found
        for row, score in zip(_rows(found[key], number, names), _known(found[key], names).scores, strict=True)
    ]
    # The library tells the console about each of its steps.
    with contextlib.redirect_stdout(io.StringIO()):
        gold = COCO(_dataset(truth, numbers, names))
        if not said:
            return CocoScore(0.0, 0.0, 0.0, 0.0)
        judge = COCOeval_faster(gold, gold.loadRes(said), "bbox")
        judge.run()
    stats = [float(value) for value in judge.stats]
    return CocoScore(stats[0], stats[1], stats[2], stats[8])


def _dataset(truth: Pictures, numbers: dict[str, int], names: list[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for key, boxes in truth.items():
        for row, difficult in zip(_rows(boxes, numbers[key], names), boxes.difficult, strict=True):
            area = row["bbox"][2] * row["bbox"][3]
            annotations.append(
                row | {"id": len(annotations) + 1, "iscrowd": int(difficult), "area": float(area)}
            )
    return {
        "info": {},
        "images": [{"id": number, "file_name": key} for key, number in numbers.items()],
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(names)],
    }


def _known(boxes: Boxes, names: list[str]) -> Boxes:
    return boxes.take(np.isin(boxes.names.astype(str), names))


def _rows(boxes: Boxes, number: int, names: list[str]) -> list[dict[str, Any]]:
    known = _known(boxes, names)
    return [
        {"image_id": number, "category_id": names.index(str(name)) + 1, "bbox": [float(v) for v in bounds]}
        for name, bounds in zip(known.names, _xywh(known.quads_px), strict=True)
    ]


def _xywh(quads_px: FloatArray) -> FloatArray:
    low, high = quads_px.min(axis=1), quads_px.max(axis=1)
    return np.concatenate([low, high - low], axis=1)
