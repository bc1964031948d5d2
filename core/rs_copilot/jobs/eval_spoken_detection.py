"""How well a vision-language model finds oriented objects: AP without confidence, and F1."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path

from pydantic import Field, model_validator

from rs_copilot.errors import BadInputError
from rs_copilot.evaluation.detection import NOTHING, Boxes
from rs_copilot.evaluation.detection_data import read_boxes, write_dota_results
from rs_copilot.evaluation.spoken import reshaped
from rs_copilot.evaluation.spoken_scores import (
    SEEDS,
    at_least,
    has_scores,
    least_score,
    renamed,
    repository_f1_of_scores,
    score_spoken,
)
from rs_copilot.jobs.answering import ANSWERS, Who
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.eval_report import AnswerCounts, SuiteResult, known, report_path, write_report
from rs_copilot.jobs.spoken_detection import Spoken, SpokenDetectionParams, ask_for_objects
from rs_copilot.vlm.parsing.labels import plain_label

TABLES = {".csv", ".txt"}
MAX_MODE_PX = 1008 * 1008
NOTES = (
    "ap_nc: scores are taken away; mean and deviation over orders drawn with fixed seeds, and constant for "
    "the order in which objects were named. PASCAL VOC's eleven points.",
    "mf1 and micro_f1 match one to one; f1_repository counts as LMMRotate's code does, for comparison only.",
)


class Outline(str, Enum):
    """Between what overlaps are measured."""

    RECTANGLES = "rectangles"
    """The smallest rectangles around the quads, as DOTA's evaluation has it."""
    QUADS = "quads"
    """The quads themselves."""


class EvalSpokenDetectionParams(SpokenDetectionParams):
    """``truth``: labels in DOTA's form or a table; without it results are only written, for DOTA's server.

    ``predictions`` may also be a folder of DOTA results or a table of boxes, of any detector. ``classes``:
    what is asked for, without it all classes of the truth. ``max_mode`` shows every tile with as many pixels
    as RSCoVLM was trained with.
    """

    truth: Path | None = None
    classes: tuple[str, ...] = ()
    max_mode: bool = False
    outline: Outline = Outline.RECTANGLES
    min_score: float = Field(default=0.0, ge=0.0, le=1.0)
    seeds: int = Field(default=SEEDS, ge=1, le=100)

    @model_validator(mode="before")
    @classmethod
    def _show_all(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        return {**values, "min_px": MAX_MODE_PX, "max_px": MAX_MODE_PX} if values.get("max_mode") else values

    @model_validator(mode="after")
    def _tiles_move(self) -> EvalSpokenDetectionParams:
        if self.tile_px and self.overlap_px >= self.tile_px:
            raise ValueError(f"expected an overlap below the {self.tile_px} pixels of a tile")
        return self


def run(params: EvalSpokenDetectionParams, context: JobContext) -> SuiteResult:
    """Ask for the objects of every picture or tile, merge, score, and write results in DOTA's form.

    Raises:
        UsageError: neither a model nor predictions, or both.
        BadInputError: a file or picture cannot be used, or nothing says which classes to look for.
        CancelledError: stopped; the answers so far are kept.
        RsCopilotError: whatever the model raises.
    """
    labels = {} if params.truth is None else read_boxes(params.truth)
    # Each class as models say it, and as its file is called.
    files = {plain_label(name): name.replace(" ", "-") for name in params.classes or _names_in(labels)}
    if not files:
        raise BadInputError("nothing says which classes to look for", hint="Give --truth or --classes.")
    truth = _plainly_named(labels, files)
    said = _said(params, sorted(files), truth, context)
    found = at_least(said.found, params.min_score)
    write_dota_results(params.out / "dota", found, files)
    scores, groups = _score(truth, found, params) if truth else ({}, {})
    result = SuiteResult(
        suite="rscovlm-detection",
        model=said.who.name,
        model_hash=said.who.sha256,
        counts=said.counts,
        scores=known(scores),
        groups={"class": {name: known(values) for name, values in groups.items()}},
        report=report_path(params.out),
        answers=params.out / ANSWERS if params.model is not None else None,
        notes=list(NOTES),
        warnings=list(context.warnings),
    )
    return write_report(result, params)


def _said(
    params: EvalSpokenDetectionParams,
    classes: Sequence[str],
    truth: Mapping[str, Boxes],
    context: JobContext,
) -> Spoken:
    """Objects by picture: from boxes that a detector wrote, or from answers of a model."""
    path = params.predictions
    if path is not None and (path.is_dir() or path.suffix.lower() in TABLES):
        found = _plainly_named(read_boxes(path), classes)
        counts = AnswerCounts(asked=len(truth), answered=len(set(found) & set(truth)))
        return Spoken(found, counts, Who(path.name))
    return ask_for_objects(params, classes, truth, context)


def _plainly_named(pictures: Mapping[str, Boxes], classes: Collection[str]) -> dict[str, Boxes]:
    """Objects of some classes under the names that models say."""
    return renamed(
        pictures, {name: plain for name in _names_in(pictures) if (plain := plain_label(name)) in classes}
    )


def _names_in(pictures: Mapping[str, Boxes]) -> list[str]:
    return sorted({str(name) for boxes in pictures.values() for name in boxes.names})


def _score(
    truth: Mapping[str, Boxes], found: Mapping[str, Boxes], params: EvalSpokenDetectionParams
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    as_quads = params.outline is Outline.QUADS
    true = {key: reshaped(boxes, as_quads=as_quads) for key, boxes in truth.items()}
    mine = {key: reshaped(found.get(key, NOTHING), as_quads=as_quads) for key in truth}
    score = score_spoken(true, mine, seeds=params.seeds)
    values = score.values
    if has_scores(mine):
        mean, most = repository_f1_of_scores(true, mine)
        values |= {"f1_repository_mean": mean, "f1_repository_max": most}
        values["best_min_score"] = least_score(true, mine) or 0.0
    return values, score.classes
