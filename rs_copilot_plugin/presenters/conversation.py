"""A conversation about pictures. It lives here, not in the engine: an engine's death loses nothing.

What a model says is text of unknown intent: it is kept and shown as plain characters, see `plain`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .detections import Box
from .projection import XY

# Far more than a model is allowed to say; a server that does not stop must not fill the panel.
MAX_ANSWER_CHARS = 32_000
MAX_LABEL_CHARS = 200
# Control characters, what Qt takes for the end of a paragraph or the edge of a frame, and what turns the
# direction of the letters after it by force: with those a text could look like another one.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\ufdd0\ufdd1\ufffc]")


class TurnState(Enum):
    """How far a question has come."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    STOPPED = "stopped"
    CUT_OFF = "cut-off"
    FAILED = "failed"


@dataclass(frozen=True)
class Source:
    """A picture to be looked at, as the engine finds it.

    ``kind`` is ``raster``, ``frame`` or ``image``; ``extent`` and ``quad`` are in ``crs`` (degrees where it
    is None), or in pixels for a frame. A stretch of a clip from ``time_s`` to ``until_s`` is shown by
    ``frames`` of its pictures; ``more`` are other pictures of the same turn.
    """

    kind: str
    path: str
    extent: Box | None = None
    crs: str | None = None
    time_s: float | None = None
    until_s: float | None = None
    frames: int | None = None
    quad: tuple[XY, ...] | None = None
    more: tuple[Source, ...] = ()

    def params(self) -> dict[str, Any]:
        """What the engine is told."""
        told = {
            "kind": self.kind,
            "path": self.path,
            "extent": None if self.extent is None else list(self.extent),
            "crs": self.crs,
            "time_s": self.time_s,
            "until_s": self.until_s,
            "frames": self.frames,
            "quad": None if self.quad is None else [list(corner) for corner in self.quad],
            "more": [source.params() for source in self.more],
        }
        return {key: value for key, value in told.items() if value is not None}


@dataclass(frozen=True)
class Question:
    """What is asked. ``source`` None: the picture of an earlier turn is still the one that is meant."""

    text: str
    task: str
    source: Source | None = None
    classes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spot:
    """An object named in a ``line`` of the answer, counted from 0; without a polygon it is not on the map.

    ``raw`` is the object as the engine gave it, to be handed back when it is kept.
    """

    line: int
    label: str
    score: float | None
    polygon: tuple[XY, ...]
    box_px: Box | None
    time_s: float | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Zoom:
    """A part of the picture that the model looked at more closely."""

    polygon: tuple[XY, ...]
    box_px: Box | None


@dataclass(frozen=True)
class Facts:
    """What the engine says about a finished answer; ``sends_to`` None: nothing left this machine."""

    model: str = ""
    model_hash: str | None = None
    stop: str = ""
    seconds: float = 0.0
    first_token_s: float | None = None
    is_empty: bool = False
    skipped: int = 0
    sends_to: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """Rows of a scene that an answer's objects were written to."""

    scene: str
    layer: str
    rows: tuple[int, ...]


@dataclass
class Turn:
    """A question and what came of it; ``error`` and ``hint`` say why there is no more."""

    question: Question
    state: TurnState = TurnState.WAITING
    answer: str = ""
    spots: list[Spot] = field(default_factory=list)
    zooms: list[Zoom] = field(default_factory=list)
    facts: Facts | None = None
    error: str = ""
    hint: str = ""
    kept: Kept | None = None

    @property
    def is_open(self) -> bool:
        """Whether the answer is still to come, or coming."""
        return self.state in (TurnState.WAITING, TurnState.ANSWERING)

    @property
    def placed(self) -> list[Spot]:
        """The objects that have a place on the map."""
        return [spot for spot in self.spots if spot.polygon]

    def spots_in_line(self, line: int) -> list[int]:
        """Numbers of the objects that a line of the answer names."""
        return [number for number, spot in enumerate(self.spots) if spot.line == line]


@dataclass(frozen=True)
class Heard:
    """What is new in the open turn: text and objects to append, unless what was said before has changed."""

    text: str = ""
    spots: tuple[Spot, ...] = ()
    zooms: tuple[Zoom, ...] = ()
    is_revised: bool = False


class Conversation:
    """Turns in order; only the last one may be open."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    @property
    def open_turn(self) -> Turn | None:
        """The turn that waits for an answer."""
        return self.turns[-1] if self.turns and self.turns[-1].is_open else None

    @property
    def picture(self) -> Source | None:
        """The picture that was shown last."""
        return self.picture_before(len(self.turns))

    def picture_before(self, index: int) -> Source | None:
        """The picture that a question at this place would be about without one of its own."""
        shown = (turn.question.source for turn in reversed(self.turns[:index]))
        return next((source for source in shown if source is not None), None)

    # --- what happens to it

    def ask(self, question: Question) -> Turn:
        """Begin a turn.

        Raises:
            RuntimeError: the former question is still being answered.
        """
        if self.open_turn is not None:
            raise RuntimeError("a question is being answered already")
        self.turns.append(Turn(question))
        return self.turns[-1]

    def hear(self, partial: Mapping[str, Any]) -> Heard:
        """Take what has been answered up to now; each partial result holds the whole of it."""
        turn = self.open_turn
        if turn is None:
            return Heard()
        turn.state = TurnState.ANSWERING
        return _take(turn, partial)

    def finish(self, result: Mapping[str, Any]) -> Heard:
        """The answer is complete."""
        turn = self.open_turn
        if turn is None:
            return Heard()
        heard = _take(turn, result, whole=True)
        turn.facts = parse_facts(result)
        turn.state = TurnState.DONE
        return heard

    def fail(
        self, message: str, hint: str, partial: Mapping[str, Any] | None, *, stopped: bool = False
    ) -> Heard:
        """The answer broke off; what had been said stays, and is marked."""
        turn = self.open_turn
        if turn is None:
            return Heard()
        heard = _take(turn, partial) if partial else Heard()
        if stopped:
            turn.state = TurnState.STOPPED
        else:
            turn.state = TurnState.CUT_OFF if turn.answer else TurnState.FAILED
            turn.error, turn.hint = plain(message), plain(hint)
        return heard

    def cut(self, index: int) -> list[Turn]:
        """Take back a question and all that followed it, to ask it again; returns what is gone."""
        gone = self.turns[index:]
        del self.turns[index:]
        return gone

    # --- what is told of it

    def params(self) -> list[dict[str, Any]]:
        """The turns as the engine takes them: questions that were never answered are left out.

        A picture that came with such a question goes to the next one that has none of its own.
        """
        told: list[dict[str, Any]] = []
        pending: Source | None = None
        for turn in self.turns:
            source = turn.question.source or pending
            pending = source
            if turn.is_open or turn.answer:
                told.append(_turn_params(turn, source))
                pending = None
        return told

    def spot_at(self, point: XY) -> tuple[int, int] | None:
        """Turn and number of the smallest object on the map that contains a point (degrees)."""
        hits = [
            (area(spot.polygon), -index, number)
            for index, turn in enumerate(self.turns)
            for number, spot in enumerate(turn.spots)
            if contains(spot.polygon, point)
        ]
        if not hits:
            return None
        _, index, number = min(hits)
        return -index, number


def _turn_params(turn: Turn, source: Source | None) -> dict[str, Any]:
    asked = turn.question
    return {
        "source": None if source is None else source.params(),
        "task": asked.task,
        "text": asked.text,
        "classes": list(asked.classes),
        "choices": list(asked.choices),
        "answer": None if turn.is_open else turn.answer,
    }


def _take(turn: Turn, told: Mapping[str, Any], whole: bool = False) -> Heard:
    """Compare with what is known; ``whole``: objects that are known are compared, too."""
    text = plain(str(told.get("text") or ""))[:MAX_ANSWER_CHARS]
    objects, zooms = dicts(told.get("objects")), dicts(told.get("zooms"))
    known = 0 if whole or len(objects) < len(turn.spots) else len(turn.spots)
    spots = turn.spots[:known] + [parse_spot(item) for item in objects[known:]]
    found = [parse_zoom(item) for item in zooms]
    revised = not text.startswith(turn.answer) or spots[: len(turn.spots)] != turn.spots
    revised = revised or found[: len(turn.zooms)] != turn.zooms
    heard = Heard(
        text[len(turn.answer) :],
        tuple(spots[len(turn.spots) :]),
        tuple(found[len(turn.zooms) :]),
        is_revised=revised,
    )
    turn.answer, turn.spots, turn.zooms = text, spots, found
    return heard


def plain(text: str) -> str:
    """Text with its letters and line breaks, and nothing that a view could take for more than that."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n"))


def parse_spot(told: Mapping[str, Any]) -> Spot:
    """An object as the engine gives it; what makes no sense in it is left out."""
    line = told.get("line")
    return Spot(
        line if isinstance(line, int) else -1,
        plain(str(told.get("label") or "")).replace("\n", " ")[:MAX_LABEL_CHARS],
        parse_number(told.get("score")),
        _ring(told.get("polygon")),
        parse_corners(told.get("box_px")),
        parse_number(told.get("time_s")),
        dict(told),
    )


def parse_zoom(told: Mapping[str, Any]) -> Zoom:
    """A closer look as the engine tells of it."""
    return Zoom(_ring(told.get("polygon")), parse_corners(told.get("box_px")))


def parse_facts(result: Mapping[str, Any]) -> Facts:
    """What a result says beside the answer."""
    usage = result.get("usage")
    first_s = usage.get("first_token_s") if isinstance(usage, dict) else None
    notes = [*(result.get("notes") or ()), *(result.get("warnings") or ())]
    return Facts(
        plain(str(result.get("model") or "")),
        result.get("model_hash") or None,
        str(result.get("stop") or ""),
        parse_number(result.get("seconds")) or 0.0,
        parse_number(first_s),
        bool(result.get("is_empty")),
        int(parse_number(result.get("skipped")) or 0),
        plain(str(result["sends_to"])) if result.get("sends_to") else None,
        tuple(plain(str(note)) for note in notes),
    )


def contains(ring: Iterable[XY], point: XY) -> bool:
    """Whether a point lies inside a ring: an odd number of edges is crossed on the way out."""
    corners, inside = list(ring), False
    x, y = point
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def area(ring: Iterable[XY]) -> float:
    """The area of a ring, in its own units (the shoelace formula)."""
    corners = list(ring)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, corners[1:] + corners[:1]))) / 2


def dicts(found: object) -> list[Mapping[str, Any]]:
    """The objects of a list; whatever else is in it is left out."""
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def parse_number(value: object) -> float | None:
    """A finite number, else None."""
    # QGIS takes NaN and endless numbers badly.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]


def _ring(value: object) -> tuple[XY, ...]:
    points = value if isinstance(value, (list, tuple)) else ()
    pairs = [point for point in points if isinstance(point, (list, tuple)) and len(point) >= 2]
    found = [(x, y) for x, y in ((parse_number(p[0]), parse_number(p[1])) for p in pairs) if x is not None]
    ring = tuple((x, y) for x, y in found if y is not None)
    ring = ring[:-1] if len(ring) > 3 and ring[0] == ring[-1] else ring
    return ring if len(ring) >= 3 and len(pairs) == len(points) else ()


def parse_corners(value: object) -> Box | None:
    """A box from a list of four finite numbers, else None."""
    numbers = [parse_number(item) for item in value] if isinstance(value, (list, tuple)) else []
    if len(numbers) != 4 or any(number is None for number in numbers):
        return None
    return tuple(numbers)  # type: ignore[return-value]
