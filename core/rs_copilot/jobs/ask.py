"""Answer a question about a scene, with evidence, or say why there is no answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import shapely
from pydantic import BaseModel, ConfigDict, Field

from rs_copilot.jobs.ask_model import Files, ModelWishes, Planning, find_files, open_planning
from rs_copilot.jobs.ask_priors import PriorWishes, scene_priors
from rs_copilot.jobs.context import JobContext, Progress
from rs_copilot.reasoning.answer import Answer, Evidence
from rs_copilot.reasoning.answering import answered
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import NoPlan
from rs_copilot.reasoning.question import Mark, Question
from rs_copilot.reasoning.scene import read_memory
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table
from rs_copilot.vector.json_values import to_json
from rs_copilot.vector.store import append_layer, read_scene_info

# What a region that was drawn on the map is called in a question.
REGION = "region"
# Points and lines of the evidence are widened by this, so that answers have an area.
MARGIN_M = 1.0
# Shapes of more points are shown with these metres of tolerance.
SHOWN_POINTS, SHOWN_M = 20, 0.5
METHOD = "spatial program"


class AskParams(ModelWishes, PriorWishes):
    """What is asked, of which scene.

    ``layers`` are the user's layers by name; ``zones``, ``roads``, ``occluders`` and ``places`` say what they
    hold. ``choices`` are texts by letter. ``image_region`` is LON1,LAT1,LON2,LAT2 of an area that the
    question calls "the region". ``satellite`` is the map that a model is shown, and with ``sentence`` it puts
    the answer into a sentence. ``index`` is an index of the map, in which frames without a place are looked
    up and whose best squares a model is told; not with ``prior`` ``none``. With ``keep`` the answer
    goes into the layer ``answers``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    question: str = Field(min_length=1, max_length=4000)
    clip: str | None = None
    layers: Mapping[str, str] = Field(default_factory=dict)
    choices: Mapping[str, str] = Field(default_factory=dict)
    marks: list[Mark] = Field(default_factory=list)
    image_region: tuple[float, float, float, float] | None = None
    kind: AnswerKind | None = None
    satellite: str | None = None
    sentence: bool = False
    keep: bool = True


class AskEvidence(BaseModel):
    """Something to look at; ``geometry`` is GeoJSON in degrees."""

    says: str
    layer: str | None
    fid: int | None
    things: list[str]
    clip: str | None
    frame: int | None
    time_s: float | None
    box_px: tuple[float, float, float, float] | None
    geometry: dict[str, Any] | None


class AskResult(BaseModel):
    """The answer. With ``abstained``, ``reason`` says why and ``settle`` what would settle it.

    ``model`` is the model that was asked, ``sends_to`` where words and the map went; ``None`` where they
    stayed on this machine.
    """

    scene: str
    answer: str
    value: str | float | None
    unit: str | None
    error: float | None
    kind: AnswerKind
    task: str | None
    confidence: float
    abstained: bool
    reason: str | None
    settle: str | None
    understood: str
    missed: list[str]
    planner: str
    program: dict[str, Any] | None
    evidence: list[AskEvidence]
    row: int | None = None
    notes: list[str]
    seconds: float
    device: str
    model: str | None = None
    model_hash: str | None = None
    sends_to: str | None = None
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        lines = [f"Understood as: {self.understood}"] if self.understood else []
        if self.abstained:
            lines += [f"No answer: {self.reason}."] + ([self.settle] if self.settle else [])
        else:
            lines += [f"{self.answer} (confidence {100 * self.confidence:.0f} %)"]
        lines += [f"Not understood: {', '.join(self.missed)}"] * bool(self.missed)
        lines += [f"  see: {item.says}" for item in self.evidence[:6]]
        lines += [f"Planned by {self.planner}."] * (self.model is not None)
        lines += [f"Words and the map were sent to {self.sends_to}."] * bool(self.sends_to)
        return "\n".join(lines + self.notes)


def run(params: AskParams, context: JobContext) -> AskResult:
    """Answer, and keep the answer in the scene.

    Raises:
        SceneError: no scene, or no such clip.
        UsageError: no such model.
        BadInputError: a layer, the map or the model cannot be read.
        MissingDependencyError: packages, weights, the server or the device are missing.
        OutOfMemoryError: the model does not fit.
        CancelledError: stopped; nothing is kept.
        StorageError: the scene cannot be written.
    """
    started = time.monotonic()
    context.progress(0, 2, "reading the scene")
    memory = SHELF.read(params.scene, params.clip, params.layers)
    question = _question(params)
    known = memory.with_marks(question.marks)

    def understood(text: str) -> None:
        context.on_progress(Progress(0, 2, "understanding", {"understood": text}))

    def files() -> Files:
        return find_files(params.scene, memory.views.clip, params.satellite)

    with (
        scene_priors(params.scene, memory.views.clip, params, context) as priors,
        open_planning(params, context, files, understood, None if priors is None else priors.of) as planning,
    ):
        plan = planning.planner(question, known)
        told = "" if isinstance(plan, NoPlan) else plan.understood
        context.progress(1, 2, "computing", {"understood": told})
        answer = answered(question, known, plan, planning.eyes, None if priors is None else priors.at)
        if params.sentence and not answer.abstained:
            answer = replace(answer, text=planning.phrase(question, answer, known) or answer.text)
    context.check()
    document = None if isinstance(plan, NoPlan) else plan.program.document()
    row = keep_answer(params.scene, question, answer, memory, document) if params.keep else None
    if row is not None:
        SHELF.wrote(params.scene)
    result = _result(params, answer, memory, planning, context)
    return result.model_copy(update={"program": document, "row": row, "seconds": time.monotonic() - started})


def _question(params: AskParams) -> Question:
    marks = list(params.marks)
    if params.image_region is not None:
        west, south, east, north = params.image_region
        box = shapely.box(min(west, east), min(south, north), max(west, east), max(south, north))
        marks.append(Mark(name=REGION, geometry=shapely.geometry.mapping(box)))
    return Question(
        text=params.question, choices=params.choices, marks=tuple(marks), kind=params.kind, clip=params.clip
    )


def _result(
    params: AskParams, answer: Answer, memory: Memory, planning: Planning, context: JobContext
) -> AskResult:
    return AskResult(
        scene=params.scene,
        answer=answer.text,
        value=answer.value,
        unit=answer.unit,
        error=answer.error,
        kind=answer.kind,
        task=None if answer.task is None else answer.task.value,
        confidence=round(answer.confidence, 3),
        abstained=answer.abstained,
        reason=answer.reason,
        settle=answer.settle,
        understood=answer.understood,
        missed=list(answer.missed),
        planner=answer.planner,
        program=None,
        evidence=[_evidence(item, memory) for item in answer.evidence],
        notes=list(answer.notes),
        seconds=0.0,
        device=planning.device,
        model=planning.model,
        model_hash=planning.model_hash,
        sends_to=planning.sends_to,
        warnings=list(context.warnings),
    )


def _evidence(item: Evidence, memory: Memory) -> AskEvidence:
    shape = None if item.shape is None else memory.to_lonlat(_to_show(item.shape))
    return AskEvidence(
        says=item.says,
        layer=item.layer,
        fid=item.fid,
        things=list(item.things),
        clip=item.clip,
        frame=item.frame,
        time_s=item.time_s,
        box_px=item.box_px,
        geometry=None if shape is None else json.loads(shapely.to_geojson(shape)),
    )


def _to_show(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape without points that nobody sees: paths over many frames have thousands."""
    return shape if shapely.get_num_coordinates(shape) <= SHOWN_POINTS else shapely.simplify(shape, SHOWN_M)


def keep_answer(
    scene: str, question: Question, answer: Answer, memory: Memory, program: Mapping[str, Any] | None
) -> int:
    """Write an answer into the layer ``answers``; the row's number. All of it can be shown without asking.

    Raises:
        StorageError: the scene cannot be written.
    """
    evidence = [_evidence(item, memory).model_dump(mode="json") for item in answer.evidence]
    row = {
        "question": question.text,
        "task": None if answer.task is None else answer.task.value,
        "answer": answer.text,
        "kind": answer.kind.value,
        "value": None if answer.value is None else str(answer.value),
        "unit": answer.unit,
        "confidence": answer.confidence,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "evidence": to_json(evidence),
        "settle": answer.settle,
        "understood": answer.understood or None,
        "missed": to_json(answer.missed),
        "planner": answer.planner,
        "program": None if program is None else to_json(program),
        "notes": to_json(answer.notes),
    }
    grid = Grid(memory.crs, read_scene_info(scene).crs)
    provenance = Provenance(memory.views.clip or None, f"{METHOD}, planner {answer.planner}")
    table = build_table(schema.ANSWERS, [row], [_area(answer)], grid, provenance)
    return append_layer(scene, "answers", table)[0]


def _area(answer: Answer) -> shapely.Geometry | None:
    """The area that holds all evidence."""
    shapes = [shapely.force_2d(item.shape) for item in answer.evidence if item.shape is not None]
    return shapely.GeometryCollection(shapes).convex_hull.buffer(MARGIN_M) if shapes else None


class MemoryShelf:
    """The memory that was read last: a follow-up question over the same files need not read them again."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._memory: Memory | None = None

    def read(self, scene: str, clip: str | None, layers: Mapping[str, str]) -> Memory:
        """What `read_memory` gives."""
        key = (scene, clip, tuple(sorted(layers.items())), _state(scene), *map(_state, layers.values()))
        if self._memory is None or key != self._key:
            self._memory = read_memory(scene, clip, layers)
            self._key = key if _state(scene) is not None else None
        return self._memory

    def wrote(self, scene: str) -> None:
        """Say that the scene was changed by an answer only, which no memory holds."""
        if self._key is not None and self._key[0] == scene:
            self._key = (*self._key[:3], _state(scene), *self._key[4:])


SHELF = MemoryShelf()


def _state(place: str) -> tuple[int, int] | None:
    """What changes when a file does; ``None`` for a database."""
    try:
        found = Path(place.partition("|")[0]).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
