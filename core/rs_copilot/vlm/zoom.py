"""Looking closer: an overview first, then parts of it that a model asks for, cut from the source itself.

A model that was trained for it calls a tool with the part that it wants to see. Others are asked for the
place of the region first, as they would be for an object, and then for the object in the enlarged region.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rs_copilot.detection import boxes
from rs_copilot.types import Box, FloatArray, SizeWH
from rs_copilot.vlm.answers import Parsed
from rs_copilot.vlm.backend import Backend, Decoding, Reply, Stop, Usage, never, unheard
from rs_copilot.vlm.crop import crop_window, is_same
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.messages import Message, assistant, system, user
from rs_copilot.vlm.parsing import SHAPES, parse, split_thought
from rs_copilot.vlm.picture import Picture, PictureSource
from rs_copilot.vlm.prompts import (
    calls_zoom,
    refused_text,
    region_text,
    write_prompt,
    write_zoom_prompt,
    zoomed_text,
)
from rs_copilot.vlm.resize import PixelBudget
from rs_copilot.vlm.tasks import Prompt, Task
from rs_copilot.vlm.zoom_call import parse_zoom_call

MAX_ZOOMS = 3
# A picture that is smaller than its window by less hides nothing that a closer look would show.
MIN_SHRINK = 1.25
# Boxes of one label that overlap by more show one object that was seen in two parts.
MAX_IOU = 0.5
MAX_REASON = 200
ASKED = "The model asked to see this part closer."
OVERVIEW = "What was asked about, as a whole."
REGION = "The model named this part of the overview."
_CALL = "<tool_call>"
_OTHER = re.compile(
    r"\b(?:(first|original|whole)\s+(?:image|picture)|overview|(?:image|picture)\s+(\d{1,2}))\b"
)


@dataclass(frozen=True)
class Look:
    """A picture that the model was shown: 0 is the overview; ``reason`` is a sentence for people."""

    step: int
    picture: Picture
    reason: str


@dataclass(frozen=True)
class Place:
    """An object of the answer: ``quad_px`` (4, 2) in pixels of the source, seen in which look."""

    label: str
    quad_px: FloatArray = field(repr=False)
    step: int
    line: int


@dataclass(frozen=True)
class Outcome:
    """What came of a question.

    ``is_empty``: the answer says clearly that there is nothing; ``skipped`` are what could not be read.
    ``notes`` are for people: what was refused, or done differently than asked.
    """

    text: str
    stop: Stop
    places: tuple[Place, ...]
    looks: tuple[Look, ...]
    is_empty: bool
    skipped: tuple[str, ...]
    notes: tuple[str, ...]
    usage: tuple[Usage, ...]


@dataclass(frozen=True)
class Manner:
    """How a question is put: what the model may see and say, and who listens."""

    budget: PixelBudget
    decoding: Decoding = field(default_factory=Decoding)
    max_zooms: int = MAX_ZOOMS
    on_look: Callable[[Look], None] = lambda _: None
    on_text: Callable[[str], None] = unheard
    is_cancelled: Callable[[], bool] = never


def look_closer(
    backend: Backend,
    source: PictureSource,
    prompt: Prompt,
    text: str,
    manner: Manner,
    window: Box | None = None,
) -> Outcome:
    """Ask about a window of a source, and look closer where its size hides detail.

    Args:
        backend: who answers.
        source: what is looked at.
        prompt: the question, as it is put where all detail can be seen at once.
        text: what is looked for, in the words of the user.
        manner: how it is asked; without zooms in one turn.
        window: x1, y1, x2, y2 in pixels of the source; without it all of it.

    Raises:
        BadInputError: a picture cannot be read or shown.
        OutOfMemoryError: the conversation does not fit.
        MissingDependencyError: the server does not answer.
    """
    whole = window or (0, 0, source.size.width_px, source.size.height_px)
    talk = _Talk(backend, source, prompt, text, manner)
    if manner.max_zooms and prompt.grammar in SHAPES and not calls_zoom(backend.family):
        return talk.by_regions(whole)
    return talk.by_calls(whole)


@dataclass
class _Talk:
    """One question and what was shown and said so far."""

    backend: Backend
    source: PictureSource
    prompt: Prompt
    text: str
    manner: Manner
    looks: list[Look] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    said: list[tuple[Reply, Parsed]] = field(default_factory=list)

    @property
    def _numbers(self) -> Coordinates:
        return self.backend.family.coordinates

    def by_calls(self, window: Box) -> Outcome:
        """One conversation in which the model calls for closer looks."""
        picture = self._show(window, OVERVIEW)
        zooms = picture.shrink >= MIN_SHRINK and self.manner.max_zooms > 0 and calls_zoom(self.backend.family)
        messages = _opening(self._asked(zooms), picture)
        first, is_told = len(self.looks) - 1, False
        while True:
            reply = self._reply(messages)
            call = parse_zoom_call(reply.text, reply.seen[-1], coordinates=self._numbers) if zooms else None
            if call is None or is_told or reply.stop is Stop.CANCELLED:
                if call is not None:
                    self.notes.append("The model asked to look closer again instead of giving an answer.")
                break
            wanted = None if call.box is None else self._wanted(call.box, reply.seen[-1])
            refusal = call.reason or self._refusal(wanted)
            messages.append(assistant(split_thought(reply.text)[1]))
            if wanted is None or refusal:
                self.notes.append(f"A closer look was refused: {refusal}.")
                messages.append(user(refused_text(self.backend.family, refusal)))
                is_told = True
            else:
                picture = self._show(wanted, _reason(reply.text))
                messages.append(user(picture.part, zoomed_text(self.backend.family)))
        self._keep(reply, self.looks[first:])
        return self._outcome()

    def by_regions(self, window: Box) -> Outcome:
        """The place of the region first, then what is in it; parts that are still too large once more."""
        waiting = [(window, OVERVIEW)]
        zooms = self.manner.max_zooms
        while waiting:
            picture = self._show(*waiting.pop(0))
            regions = (
                self._regions(picture) if picture.shrink >= MIN_SHRINK and zooms else [picture.window_px]
            )
            new = [box for box in regions if not is_same(box, picture.window_px)][:zooms]
            if len(new) < len(regions) and not new:
                self._keep(self._reply(_opening(self.prompt, picture)), self.looks[-1:])
            if len(new) < len(regions) and new:
                self.notes.append(f"Of {len(regions)} parts that the model named {len(new)} were looked at.")
            zooms -= len(new)
            waiting += [(box, REGION) for box in new]
            if self._is_stopped():
                break
        return self._outcome()

    def _asked(self, zooms: bool) -> Prompt:
        if not zooms:
            return self.prompt
        tool = write_zoom_prompt(self.backend.family, self.prompt.text)
        role = "\n\n".join(text for text in (tool.system, self.prompt.system) if text)
        return replace(self.prompt, system=role, text=tool.text)

    def _show(self, window: Box, reason: str) -> Picture:
        picture = self.source.read(window, self.backend.family, self.manner.budget)
        look = Look(len(self.looks), picture, reason)
        self.looks.append(look)
        if picture.damaged:
            self.notes.append(f"{picture.damaged} pieces of the raster are damaged and were not seen.")
        elif picture.share < 1.0:
            self.notes.append(
                f"{picture.share:.0%} of the part that was looked at first was read, because the file has no "
                f"overviews; gdaladdo -r average makes them."
            )
        self.manner.on_look(look)
        return picture

    def _reply(self, messages: Sequence[Message]) -> Reply:
        manner = self.manner
        reply = self.backend.reply(tuple(messages), manner.decoding, manner.on_text, manner.is_cancelled)
        self.usage.append(reply.usage)
        self.notes += [note for note in reply.notes if note not in self.notes]
        return reply

    def _wanted(self, box: tuple[int, int, int, int], seen: SizeWH) -> Box:
        corners = np.array(box, dtype=np.float64).reshape(2, 2)
        return crop_window(self.looks[-1].picture.in_source(corners, seen, self._numbers), self.source.size)

    def _refusal(self, wanted: Box | None) -> str:
        if len(self.looks) > self.manner.max_zooms:
            return f"{self.manner.max_zooms} closer looks are all there are"
        if wanted is not None and is_same(wanted, self.looks[-1].picture.window_px):
            return "this is what the last picture shows"
        return ""

    def _regions(self, picture: Picture) -> list[Box]:
        """Windows around what the model names as the region; none that shows nearly the same as another."""
        family = self.backend.family
        prompt = write_prompt(Task.GROUND, family, text=region_text(family, self.text))
        reply = self._reply(_opening(prompt, picture))
        parsed = parse(reply.text, prompt.grammar, reply.seen[-1], coordinates=self._numbers)
        found: list[Box] = []
        for spoken in parsed.objects:
            quad = picture.in_source(spoken.quad, reply.seen[-1], self._numbers)
            box = crop_window(quad, self.source.size)
            if not any(is_same(box, other, min_iou=MAX_IOU) for other in found):
                found.append(box)
        if not found:
            self.said.append((reply, parsed))
        return found

    def _keep(self, reply: Reply, looks: Sequence[Look]) -> None:
        """What an answer says about places; each belongs to the picture that its line names, or the last."""
        if self.prompt.grammar not in SHAPES:
            self.said.append((reply, Parsed(())))
            return
        lines = split_thought(reply.text)[1].split("\n")
        shown = {_picture_of(line, len(looks)) for line in lines} | {len(looks) - 1}
        for number in sorted(shown, reverse=True):
            parsed = parse(reply.text, self.prompt.grammar, reply.seen[number], coordinates=self._numbers)
            if number == len(looks) - 1:
                self.said.append((reply, parsed))
            for spoken in parsed.objects:
                named = lines[spoken.line] if spoken.line < len(lines) else ""
                if _picture_of(named, len(looks)) != number:
                    continue
                look = looks[number]
                quad = look.picture.in_source(spoken.quad, reply.seen[number], self._numbers)
                self.places.append(Place(spoken.label, quad, look.step, spoken.line))

    def _is_stopped(self) -> bool:
        return bool(self.said) and self.said[-1][0].stop is Stop.CANCELLED

    def _outcome(self) -> Outcome:
        last, _ = self.said[-1]
        return Outcome(
            "\n".join(reply.text for reply, _ in self.said),
            last.stop,
            _once(self.places),
            tuple(self.looks),
            not self.places and all(parsed.is_empty for _, parsed in self.said),
            tuple(text for _, parsed in self.said for text in parsed.skipped),
            tuple(self.notes),
            tuple(self.usage),
        )


def _opening(prompt: Prompt, picture: Picture) -> list[Message]:
    role = [] if prompt.system is None else [system(prompt.system)]
    return [*role, user(picture.part, prompt.text)]


def _reason(text: str) -> str:
    """What the model said before its call, on one line; it comes from outside, so no more than a sentence."""
    said = " ".join(split_thought(text)[1].partition(_CALL)[0][: 10 * MAX_REASON].split())
    shown = "".join(letter for letter in said if letter.isprintable())
    return shown[:MAX_REASON] or ASKED


def _picture_of(line: str, count: int) -> int:
    """Which of so many pictures a line speaks of: one that it names, else the last."""
    found = _OTHER.search(line.lower())
    if found is None:
        return count - 1
    number = 1 if found[2] is None else int(found[2])
    return number - 1 if 1 <= number <= count else count - 1


def _once(places: Sequence[Place]) -> tuple[Place, ...]:
    """Objects that several looks show, once."""
    if len({place.step for place in places}) < 2:
        return tuple(places)
    names = sorted({place.label for place in places})
    quads = np.stack([place.quad_px for place in places])
    labels = np.array([names.index(place.label) for place in places])
    # Of equal ones that of the later look, which shows more detail.
    scores = np.array([float(place.step) for place in places])
    kept = np.sort(boxes.nms(quads, scores, labels, max_iou=MAX_IOU))
    return tuple(places[int(row)] for row in kept)
