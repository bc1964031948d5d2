"""How well objects were found in pictures, measured against labelled ones."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.errors import BadInputError
from rs_copilot.jobs.context import JobContext


class EvalDetectionParams(BaseModel):
    """Detections and truth: CSV tables or DOTA text files (see `evaluation.detection_data`).

    ``as_one`` scores all classes as one: where they are called differently, or to leave naming out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    predictions: Path
    truth: Path
    as_one: bool = False
    min_score: float = Field(default=0.0, ge=0.0, le=1.0)


class ClassResult(BaseModel):
    """One class: objects asked for, average precision at overlap 0.5 (oriented), and F1."""

    name: str
    wanted: int
    ap_50: float
    f1: float


class EvalDetectionResult(BaseModel):
    """Oriented boxes by VOC rules (all points, 11 points at 0.5), horizontal ones by COCO's; F1 at 0.5."""

    pictures: int
    map_50: float
    map_75: float
    map_50_95: float
    map_50_11_points: float
    mf1: float
    mf1_repository: float
    coco_map: float
    coco_map_50: float
    classes: list[ClassResult]
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        return (
            f"{self.pictures} pictures: mAP50 {self.map_50:.3f}, mAP75 {self.map_75:.3f}, mAP50:95 "
            f"{self.map_50_95:.3f} (oriented), COCO mAP {self.coco_map:.3f} (horizontal), mF1 {self.mf1:.3f}"
        )


def run(params: EvalDetectionParams, context: JobContext) -> EvalDetectionResult:
    """Read both sides, score what both have.

    Raises:
        BadInputError: a file cannot be used, or they have no picture in common.
        MissingDependencyError: faster-coco-eval is not installed.
    """
    from rs_copilot.evaluation.detection import Boxes, rotated_score
    from rs_copilot.evaluation.detection_coco import coco_score
    from rs_copilot.evaluation.detection_data import read_boxes
    from rs_copilot.evaluation.detection_f1 import repository_f1, strict_f1

    truth, found = read_boxes(params.truth), read_boxes(params.predictions)
    if not set(truth) & set(found):
        raise BadInputError(
            f"no picture of {params.predictions} is in {params.truth}",
            hint="Both name pictures by the same file names, or frames by number.",
        )
    found = {key: boxes.take(boxes.scores >= params.min_score) for key, boxes in found.items()}
    if params.as_one:
        truth, found = (
            {key: Boxes.of(b.quads_px, "object", b.scores, b.difficult) for key, b in side.items()}
            for side in (truth, found)
        )
    left = len(set(found) - set(truth))
    if left:
        context.warn(f"{left} pictures with detections have no truth and were left out.")
    area, eleven = (
        rotated_score(truth, found),
        rotated_score(truth, found, thresholds=(0.5,), eleven_points=True),
    )
    strict, coco = strict_f1(truth, found), coco_score(truth, found)
    return EvalDetectionResult(
        pictures=len(truth),
        map_50=area.mean_at(0.5),
        map_75=area.mean_at(0.75),
        map_50_95=area.mean,
        map_50_11_points=eleven.mean,
        mf1=strict.macro,
        mf1_repository=repository_f1(truth, found),
        coco_map=coco.mean,
        coco_map_50=coco.at_50,
        classes=[
            ClassResult(
                name=item.name,
                wanted=item.wanted,
                ap_50=item.average_precision[0.5],
                f1=0.0 if math.isnan(f1 := strict.classes[item.name].f1) else f1,
            )
            for item in area.classes
        ],
        warnings=list(context.warnings),
    )
