"""The Look panel: what is asked of which picture, what still lacks, and what the engine is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from .conversation import Conversation, Kept, Question, Source, Turn
from .detections import Box
from .find import split_names
from .locate import LocatePanel, Request, scene_beside
from .models import ModelPicker
from .projection import XY

# A clip is shown to a model as so many of its frames.
CLIP_FRAMES = 8
# About twice what a model sees of a picture at once. Of less a closer look shows hardly more, and it costs:
# an answer that is looked for closely names its objects only at its end.
LARGE_PX = 2_000_000


class Task(str, Enum):
    """What is wanted; the values are the engine's."""

    CHAT = "chat"
    ASK = "ask"
    CAPTION = "caption"
    GROUND = "ground"
    DETECT = "detect"
    DESCRIBE = "describe"
    CLASSIFY = "classify"
    CHOOSE = "choose"
    COMPARE = "compare"
    CLIP = "clip"


class Picture(str, Enum):
    """Where the picture of a turn comes from."""

    SAME = "same"
    VIEW = "view"
    FRAME = "frame"
    BOX = "box"


class Layer(str, Enum):
    """Where objects of an answer can be kept; the values are the engine's."""

    GROUNDINGS = "groundings"
    DETECTIONS = "detections"


class LookLack(Enum):
    """What stands between the user and an answer."""

    BUSY = "busy"
    ENGINE = "engine"
    MODEL = "model"
    QUESTION = "question"
    CLASSES = "classes"
    SCENES = "scenes"
    CHOICES = "choices"
    RASTER = "raster"
    SERVICE = "service"
    BESIDE = "beside"
    VIDEO = "video"
    BOX = "box"


# Tasks whose instruction says it all; others need words of the user's.
_SPEAK_FOR_THEMSELVES = frozenset({Task.CAPTION, Task.DETECT, Task.DESCRIBE, Task.CLASSIFY, Task.COMPARE})
_NAMES = {Task.DETECT: LookLack.CLASSES, Task.CLASSIFY: LookLack.SCENES, Task.CHOOSE: LookLack.CHOICES}


def names_of(task: Task) -> LookLack | None:
    """What kind of names a task needs, by what is missing without them."""
    return _NAMES.get(task)


@dataclass(frozen=True)
class Sights:
    """What could be looked at now.

    ``view`` and ``box`` are bounds in ``crs``, cut to the raster; None: nothing of it is there. ``shown_s``
    is the time of the frame in the video panel; ``view_px`` and ``box_px`` count the raster's pixels there.
    """

    raster: str | None = None
    is_service: bool = False
    view: Box | None = None
    box: Box | None = None
    has_box: bool = False
    crs: str | None = None
    view_px: float = 0.0
    box_px: float = 0.0
    clip: str = ""
    shown_s: float = 0.0
    duration_s: float = 0.0


@dataclass
class LookPanel:
    """State of the panel. The conversation is the panel's own: the engine is told all of it, each time."""

    inputs: LocatePanel
    models: ModelPicker = field(default_factory=ModelPicker)
    conversation: Conversation = field(default_factory=Conversation)
    task: Task = Task.CHAT
    picture: Picture = Picture.VIEW
    text: str = ""
    names: str = ""
    zoom: bool = True
    max_mode: bool = False
    editing: int | None = None
    is_configured: bool = True
    _is_large: bool = False

    @property
    def needs_text(self) -> bool:
        """Whether the task is nothing without words."""
        return self.task not in _SPEAK_FOR_THEMSELVES

    @property
    def can_reuse(self) -> bool:
        """Whether there is a picture to go on with."""
        return self._shown is not None

    @property
    def _place(self) -> int:
        """Where in the conversation the question goes."""
        return len(self.conversation.turns) if self.editing is None else self.editing

    @property
    def _shown(self) -> Source | None:
        before = self.conversation.picture_before(self._place)
        return before if self.editing is None else self._edited_source or before

    @property
    def _edited_source(self) -> Source | None:
        if self.editing is None or self.editing >= len(self.conversation.turns):
            return None
        return self.conversation.turns[self.editing].question.source

    # --- asking

    def lacks(self, sights: Sights) -> list[LookLack]:
        """Why it cannot be asked yet, most important first."""
        lacks = [LookLack.BUSY] if self.conversation.open_turn is not None else []
        if not self.is_configured:
            lacks.append(LookLack.ENGINE)
        if not self.models.name:
            lacks.append(LookLack.MODEL)
        lacks += self._lacks_of_picture(sights)
        if self.needs_text and not self.text.strip():
            lacks.append(LookLack.QUESTION)
        named = names_of(self.task)
        if named is not None and not split_names(self.names):
            lacks.append(named)
        return lacks

    def _lacks_of_picture(self, sights: Sights) -> list[LookLack]:
        if self.task is Task.CLIP:
            return [] if sights.clip else [LookLack.VIDEO]
        if self.task is Task.COMPARE:
            return ([] if sights.clip else [LookLack.VIDEO]) + _lacks_of_view(sights, sights.view)
        lacks = [LookLack.BOX] if self.task is Task.DESCRIBE and not sights.has_box else []
        if self.picture is Picture.SAME and self.can_reuse:
            return lacks
        if self.picture is Picture.FRAME:
            return lacks + ([] if sights.clip else [LookLack.VIDEO])
        if self.picture is Picture.BOX and not sights.has_box:
            return lacks or [LookLack.BOX]
        return lacks + _lacks_of_view(sights, sights.box if self.picture is Picture.BOX else sights.view)

    def question(self, sights: Sights) -> Question:
        """What is asked.

        Raises:
            ValueError: something is lacking, see `lacks`.
        """
        if self.lacks(sights):
            raise ValueError(f"something is lacking: {self.lacks(sights)}")
        named = tuple(split_names(self.names)) if names_of(self.task) is not None else ()
        return Question(
            self.text.strip(),
            self.task.value,
            self._source(sights),
            () if self.task is Task.CHOOSE else named,
            named if self.task is Task.CHOOSE else (),
        )

    def _source(self, sights: Sights) -> Source | None:
        if self.task is Task.CLIP:
            return Source(
                "frame", sights.clip, time_s=0.0, until_s=sights.duration_s or None, frames=CLIP_FRAMES
            )
        if self.task is Task.COMPARE:
            return replace(_frame(sights), more=(_raster(sights, sights.view),))
        source = self._chosen(sights)
        if self.task is not Task.DESCRIBE or sights.box is None:
            return source
        return _with_box(source or self._shown, sights)

    def _chosen(self, sights: Sights) -> Source | None:
        if self.picture is Picture.SAME and self.can_reuse:
            return self._edited_source
        if self.picture is Picture.FRAME:
            return _frame(sights)
        # A box that is to be described is seen with what is around it.
        whole_box = self.picture is Picture.BOX and self.task is not Task.DESCRIBE
        return _raster(sights, sights.box if whole_box else sights.view or sights.box)

    def looks_large(self, sights: Sights) -> bool:
        """Whether the chosen picture has more in it than a model sees at once."""
        if self.task in (Task.CLIP, Task.COMPARE):
            return False
        if self.picture is Picture.SAME and self.can_reuse:
            return self._is_large
        shown_px = {Picture.FRAME: 0.0, Picture.BOX: sights.box_px}.get(self.picture, sights.view_px)
        return shown_px > LARGE_PX

    def begin(self, question: Question, is_large: bool = False) -> list[Turn]:
        """Put the question into the conversation; returns turns that an edited question took out of it."""
        gone = [] if self.editing is None else self.conversation.cut(self.editing)
        self.editing, self._is_large = None, is_large
        self.conversation.ask(question)
        self.picture, self.text = Picture.SAME, ""
        return gone

    def request(self, device: str = "auto") -> Request:
        """The call to the engine; a scene that is not written yet has no places to tell of."""
        scene = self.inputs.scene
        params: dict[str, Any] = {
            "turns": self.conversation.params(),
            "model": self.models.name,
            "precision": self.models.precision,
            "max_mode": self.max_mode,
            "zoom": self.zoom and self._is_large,
            "scene": str(scene) if scene is not None and scene.is_file() else None,
            "key": self.models.key,
            "device": device,
        }
        return Request("look", params, self.models.name)

    def edit(self, index: int) -> Question:
        """Take a question up again; it stays in the conversation until it is asked."""
        asked = self.conversation.turns[index].question
        self.editing = index
        self.text, self.task = asked.text, Task(asked.task)
        self.names = ", ".join(asked.classes or asked.choices)
        self.picture = Picture.SAME
        return asked

    def clear(self) -> list[Turn]:
        """Begin a new conversation; returns the former turns."""
        self.editing, self.picture = None, Picture.VIEW
        return self.conversation.cut(0)

    # --- keeping

    def turn_to_keep(self, preferred: int | None) -> int | None:
        """The answer whose objects would be kept: the one pointed at, else the last that has some."""
        turns = self.conversation.turns
        if preferred is not None and preferred < len(turns) and turns[preferred].placed:
            return preferred
        return next((i for i in range(len(turns) - 1, -1, -1) if turns[i].placed), None)

    def scene_to_keep(self, index: int, home: Path) -> Path | None:
        """The scene to write to: the present one, or a new one beside what was looked at."""
        inputs = self.inputs
        if inputs.scene is not None and inputs.is_scene_of_satellite:
            return inputs.scene
        if inputs.satellite is not None:
            return scene_beside(inputs.satellite, [])
        source = self.picture_of(index)
        return None if source is None else scene_beside(Path(source.path), [], home)

    def picture_of(self, index: int) -> Source | None:
        """The picture that an answer is about."""
        return self.conversation.picture_before(index + 1)

    def keep_request(self, index: int, layer: Layer, scene: Path) -> Request:
        """Write an answer's objects into a scene."""
        turn = self.conversation.turns[index]
        source, facts = self.picture_of(index), turn.facts
        params = {
            "scene": str(scene),
            "source": None if source is None else source.params(),
            "question": turn.question.text,
            "objects": [dict(spot.raw) for spot in turn.placed],
            "model": facts.model if facts is not None else self.models.name,
            "model_hash": facts.model_hash if facts is not None else None,
            "layer": layer.value,
        }
        return Request("look.keep", params, scene.name)


def forget_request(kept: Kept) -> Request:
    """Take what was kept out of the scene again."""
    params = {"scene": kept.scene, "layer": kept.layer, "rows": list(kept.rows)}
    return Request("look.forget", params, Path(kept.scene).name)


def parse_kept(scene: Path, result: dict[str, Any]) -> Kept:
    """Where the engine wrote the objects."""
    rows = tuple(int(row) for row in result.get("rows") or ())
    return Kept(str(scene), str(result.get("layer") or ""), rows)


def _lacks_of_view(sights: Sights, bounds: Box | None) -> list[LookLack]:
    if sights.raster is None:
        return [LookLack.SERVICE if sights.is_service else LookLack.RASTER]
    return [] if bounds is not None else [LookLack.BESIDE]


def _frame(sights: Sights) -> Source:
    return Source("frame", sights.clip, time_s=sights.shown_s)


def _raster(sights: Sights, bounds: Box | None) -> Source:
    return Source("raster", sights.raster or "", bounds, sights.crs)


def _with_box(source: Source | None, sights: Sights) -> Source:
    """The picture with the drawn box in it; one that does not hold the box grows until it does."""
    if source is None or sights.box is None or source.kind != "raster" or source.crs != sights.crs:
        return replace(_raster(sights, sights.box), quad=_corners(sights.box or (0.0, 0.0, 0.0, 0.0)))
    seen, box = source.extent or sights.box, sights.box
    both = (min(seen[0], box[0]), min(seen[1], box[1]), max(seen[2], box[2]), max(seen[3], box[3]))
    return replace(source, extent=both, quad=_corners(box))


def _corners(box: Box) -> tuple[XY, ...]:
    """Corners clockwise from the top left, as the map is drawn."""
    x1, y1, x2, y2 = box
    return ((x1, y2), (x2, y2), (x2, y1), (x1, y1))
