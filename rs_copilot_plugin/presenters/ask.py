"""The Ask panel: what is asked of the scene, what was answered, and the evidence for it.

Answers, names of features and words of models are text of unknown intent: they pass `plain` and are shown as
characters, never as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from .attached import Attached, timed
from .conversation import (
    Conversation,
    Heard,
    Question,
    Turn,
    TurnState,
    dicts,
    parse_corners,
    parse_number,
    plain,
)
from .corrections import Changes, Things, asks_for_things, things_of
from .detections import Box
from .locate import LocatePanel, Request
from .models import ModelPicker
from .shapes import Shape, ShapeKind, parse_shape
from .user_layers import Chosen, layer_params

# What the engine takes for "compute only".
NO_MODEL = "none"


class AskLack(Enum):
    """What stands between the user and an answer."""

    BUSY = "busy"
    ENGINE = "engine"
    SCENE = "scene"
    QUESTION = "question"


class EvidenceKind(Enum):
    """What a piece of evidence is, for its icon and its look on the map."""

    MOMENT = "moment"
    TRACK = "track"
    MEASURE = "measure"
    PLACE = "place"


@dataclass(frozen=True)
class Evidence:
    """Something to look at: on the map (``shape``, degrees), in the video (``clip``, ``time_s``), or both.

    ``things`` are the tracks or objects that it shows; they can be corrected.
    """

    says: str
    layer: str = ""
    fid: int | None = None
    clip: str = ""
    time_s: float | None = None
    box_px: Box | None = None
    shape: Shape | None = None
    things: Things | None = None

    @property
    def kind(self) -> EvidenceKind:
        """What it is."""
        if self.layer == "frames":
            return EvidenceKind.MOMENT
        if self.layer == "tracks":
            return EvidenceKind.TRACK
        is_line = self.shape is not None and self.shape.kind is ShapeKind.LINE
        return EvidenceKind.MEASURE if is_line and not self.layer else EvidenceKind.PLACE


@dataclass(frozen=True)
class Found:
    """An answer; with ``abstained``, ``reason`` says why there is none and ``settle`` what would help.

    ``sends_to`` is where pictures or words were sent; empty: nothing left this machine. An answer that rests
    on tracks or objects (``counts_things``) may be another one after a correction.
    """

    answer: str = ""
    task: str = ""
    confidence: float | None = None
    abstained: bool = False
    reason: str = ""
    settle: str = ""
    understood: str = ""
    missed: tuple[str, ...] = ()
    planner: str = ""
    sends_to: str = ""
    notes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    seconds: float | None = None
    counts_things: bool = True


@dataclass(frozen=True)
class AskQuestion(Question):
    """A question to the scene. ``asked_at`` is a time in UTC, as ISO 8601 has it; ``model`` helps, if any."""

    attached: Attached = field(default_factory=Attached)
    asked_at: str = ""
    model: str = ""


@dataclass
class AskTurn(Turn):
    """A question and its answer; ``row`` is the answer's number in the scene.

    ``is_outdated``: the scene was corrected, or made anew, since.
    """

    found: Found | None = None
    row: int | None = None
    is_outdated: bool = False


class AskTalk(Conversation):
    """Questions to one scene, in the order in which they were asked.

    Args:
        say: the words of an answer, or of there being none.
    """

    def __init__(self, say: Callable[[Found], str]) -> None:
        super().__init__()
        self._say = say

    def turn(self, index: int) -> AskTurn | None:
        """A turn by its number; None where there is none."""
        turn = self.turns[index] if 0 <= index < len(self.turns) else None
        return turn if isinstance(turn, AskTurn) else None

    @property
    def asked(self) -> list[AskTurn]:
        """All turns."""
        return [turn for turn in self.turns if isinstance(turn, AskTurn)]

    def ask(self, question: Question) -> Turn:
        """Begin a turn.

        Raises:
            RuntimeError: the former question is still being answered.
        """
        if self.open_turn is not None:
            raise RuntimeError("a question is being answered already")
        self.turns.append(AskTurn(question))
        return self.turns[-1]

    def hear(self, partial: Mapping[str, Any]) -> Heard:
        """Take what is known up to now: how the question was understood, words, and first evidence."""
        turn = self.open_turn
        heard = super().hear({"text": partial.get("text")})
        if isinstance(turn, AskTurn):
            turn.found = parse_found(partial)
        return heard

    def finish(self, result: Mapping[str, Any]) -> Heard:
        """The answer is there."""
        turn = self.open_turn
        found = parse_found(result)
        heard = super().finish({"text": self._say(found)})
        if isinstance(turn, AskTurn):
            turn.found, turn.row = found, _whole(result.get("row"))
        return heard

    def take_history(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Add what the scene has kept and what is not here yet, oldest first; returns whether anything was.

        While a question is open its row may be written already: nothing is added then.
        """
        if self.open_turn is not None:
            return False
        known = {turn.row for turn in self.asked}
        fresh = [turn for turn in (self._remembered(row) for row in rows) if turn.row not in known]
        if fresh:
            # What has no number was never kept: it stays last, in its order.
            both = [*fresh, *self.asked]
            self.turns = [*sorted(both, key=lambda turn: (turn.row is None, turn.row or 0))]
        return bool(fresh)

    def mark_outdated(self, changes: Changes) -> bool:
        """Mark answers that were given before the scene was changed; returns whether any mark changed."""
        changed = False
        for turn in self.asked:
            asked_at = turn.question.asked_at if isinstance(turn.question, AskQuestion) else ""
            found = turn.found if turn.state is TurnState.DONE else None
            before = found is not None and changes.are_after(asked_at, found.counts_things)
            changed = changed or before != turn.is_outdated
            turn.is_outdated = before
        return changed

    def _remembered(self, row: Mapping[str, Any]) -> AskTurn:
        found = parse_row(row)
        asked = AskQuestion(_line(row.get("question")), "", asked_at=_line(row.get("created_at")))
        return AskTurn(asked, TurnState.DONE, self._say(found), found=found, row=_whole(row.get("fid")))


@dataclass
class AskPanel:
    """State of the panel; views read it and call its methods."""

    inputs: LocatePanel
    talk: AskTalk
    models: ModelPicker = field(default_factory=lambda: ModelPicker(is_optional=True))
    text: str = ""
    attached: Attached = field(default_factory=Attached)
    layers: tuple[Chosen, ...] = ()
    is_configured: bool = True
    scene: Path | None = None

    def lacks(self) -> list[AskLack]:
        """Why it cannot be asked yet, most important first."""
        lacks = [AskLack.BUSY] if self.talk.open_turn is not None else []
        if not self.is_configured:
            lacks.append(AskLack.ENGINE)
        if self.scene is None or not self.scene.is_file():
            lacks.append(AskLack.SCENE)
        if not self.text.strip():
            lacks.append(AskLack.QUESTION)
        return lacks

    def begin(self, asked_at: str = "") -> AskQuestion:
        """Put what is in the box into the conversation; what was attached stays for the next question.

        Args:
            asked_at: the time of day, UTC, as ISO 8601 has it.

        Raises:
            ValueError: something is lacking, see `lacks`.
        """
        if self.lacks():
            raise ValueError(f"something is lacking: {self.lacks()}")
        question = AskQuestion(
            timed(self.text.strip(), self.attached.now_s),
            "",
            attached=self.attached,
            asked_at=asked_at,
            model=self.models.name,
        )
        self.talk.ask(question)
        self.text = ""
        return question

    def request(self, question: AskQuestion, clip: str | None, copies: Mapping[str, str]) -> Request:
        """The call to the engine.

        Args:
            question: what is asked.
            clip: name of the clip that is asked about; None: the engine chooses.
            copies: files in place of layers that the engine cannot read, by the layer's id.
        """
        attached = question.attached
        params: dict[str, Any] = {
            "scene": str(self.scene),
            "question": question.text,
            "clip": clip,
            "layers": layer_params(self.layers, copies),
            "marks": [{"name": pin.name, "geometry": dict(pin.geometry)} for pin in attached.pins],
            "image_region": None if attached.region is None else list(attached.region),
            "keep": True,
            "vlm": question.model or NO_MODEL,
        }
        if question.model:
            params |= {"precision": self.models.precision, "key": self.models.keys.get(question.model)}
        return Request("ask", params, question.text)

    def edit(self, index: int) -> None:
        """Take a question into the box again, with what was attached to it."""
        turn = self.talk.turn(index)
        if turn is not None and isinstance(turn.question, AskQuestion):
            self.text = turn.question.text
            attached = turn.question.attached
            # The moment stands in the question's own words by now.
            self.attached = Attached(attached.region, attached.pins)

    def again(self, index: int, asked_at: str = "") -> AskQuestion | None:
        """Ask a question once more, with what was attached to it; what is in the box stays there."""
        turn, draft = self.talk.turn(index), (self.text, self.attached)
        if turn is None:
            return None
        self.edit(index)
        try:
            return None if self.lacks() else self.begin(asked_at)
        finally:
            self.text, self.attached = draft

    def use_scene(self, scene: Path | None) -> bool:
        """Ask another scene; returns whether it is another one. A question on its way is not waited for."""
        if scene == self.scene:
            return False
        self.scene = scene
        self.talk.cut(0)
        self.attached = Attached()
        return True


def parse_found(result: Mapping[str, Any]) -> Found:
    """An answer as the engine gives it."""
    evidence = tuple(parse_evidence(item) for item in dicts(result.get("evidence")))
    has_things = any(item.things is not None for item in evidence)
    return Found(
        answer=plain(str(result.get("answer") or "")),
        task=_line(result.get("task")),
        confidence=parse_number(result.get("confidence")),
        abstained=bool(result.get("abstained")),
        reason=_line(result.get("reason")).rstrip("."),
        settle=_line(result.get("settle")),
        understood=_line(result.get("understood")),
        missed=_lines(result.get("missed")),
        planner=_line(result.get("planner")),
        sends_to=_line(result.get("sends_to")),
        notes=_lines(result.get("notes")) + _lines(result.get("warnings")),
        evidence=evidence,
        seconds=parse_number(result.get("seconds")),
        counts_things=has_things or asks_for_things(result.get("program"), bool(result.get("abstained"))),
    )


def parse_row(row: Mapping[str, Any]) -> Found:
    """An answer as the scene has kept it; its ``evidence`` is a list already."""
    clip = _line(row.get("clip"))
    told = [{"clip": clip, **item} for item in dicts(row.get("evidence"))]
    return parse_found({**row, "evidence": told})


def parse_evidence(told: Mapping[str, Any]) -> Evidence:
    """Evidence as the engine gives it; what makes no sense in it is left out."""
    says, clip = _line(told.get("says")), _line(told.get("clip"))
    return Evidence(
        says,
        _line(told.get("layer")),
        _whole(told.get("fid")),
        clip,
        parse_number(told.get("time_s")),
        parse_corners(told.get("box_px")),
        parse_shape(told.get("geometry")),
        things_of(told.get("things"), clip, says),
    )


def _line(value: object) -> str:
    """Text in one line."""
    return plain("" if value is None else str(value)).replace("\n", " ").replace("\t", " ")[:4000]


def _lines(value: object) -> tuple[str, ...]:
    return tuple(_line(item) for item in value) if isinstance(value, (list, tuple)) else ()


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
