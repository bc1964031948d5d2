"""Average precision of a network on its way, on pictures of held-out ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rs_copilot.evaluation.detection import Boxes, RotatedScore, quad_overlaps, rotated_score
from rs_copilot.evaluation.detection_f1 import best_threshold_f1
from rs_copilot.training.detector.network import VehicleNetwork, angle_of, decoded
from rs_copilot.training.detector.sampler import Batch
from rs_copilot.types import FloatArray

NAME = "vehicle"
LEAST_SCORE, MOST_BOXES = 0.05, 300
# Boxes of one class that overlap more than this are the same vehicle.
MOST_OVERLAP = 0.3


@dataclass(frozen=True)
class Measured:
    """Average precision, and the least score of a detection with which its F1 is best."""

    precision: RotatedScore
    min_score: float


def measure(model: VehicleNetwork, pictures: Tensor, batch: Batch) -> Measured:
    """Score oriented boxes of a network of one class on ``pictures`` ``(B, 3, H, W)`` of a batch."""
    model.eval()
    with torch.no_grad():
        logits, raw = model(pictures)
        boxes = decoded(raw)
    angles = angle_of(boxes[:, 4:5], boxes[:, 5:6])
    rows = torch.cat([boxes[:, :4], angles], dim=1).transpose(1, 2).cpu().numpy().astype(np.float64)
    scores = torch.sigmoid(logits).flatten(1).cpu().numpy()
    truth = {
        str(number): Boxes.of(corners(box.astype(np.float64)), NAME, difficult=~asked)
        for number, (box, asked) in enumerate(zip(batch.boxes, batch.asked, strict=True))
    }
    found = {
        str(number): _once(row, score) for number, (row, score) in enumerate(zip(rows, scores, strict=True))
    }
    return Measured(rotated_score(truth, found), best_threshold_f1(truth, found)[0])


def corners(boxes: FloatArray) -> FloatArray:
    """Boxes ``(N, 5)`` (middle, sides, angle) as quads ``(N, 4, 2)``, the first side along the angle."""
    angle = boxes[:, 4]
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * boxes[:, 2:3] / 2.0
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) * boxes[:, 3:4] / 2.0
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.stack([boxes[:, :2] + a * along + b * across for a, b in signs], axis=1)


def _once(rows: FloatArray, scores: FloatArray) -> Boxes:
    """The best of each vehicle's boxes."""
    ranked = np.argsort(-scores, kind="stable")[:MOST_BOXES]
    ranked = ranked[scores[ranked] >= LEAST_SCORE]
    quads = corners(rows[ranked])
    shared = quad_overlaps(quads, quads) > MOST_OVERLAP
    kept = np.zeros(len(ranked), dtype=bool)
    for row in range(len(ranked)):
        kept[row] = not (shared[row, :row] & kept[:row]).any()
    return Boxes.of(quads[kept], NAME, scores[ranked][kept])
