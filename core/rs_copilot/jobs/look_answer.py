"""Getting an answer from a model: straight, or after it has looked closer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from rs_copilot.jobs.look_params import Object, Turn, Zoom
from rs_copilot.jobs.look_pictures import Shown, open_windows
from rs_copilot.jobs.look_stream import AnswerStream, object_at, on_map, place_objects
from rs_copilot.jobs.look_talk import Talk, names_of
from rs_copilot.types import FloatArray, SizeWH
from rs_copilot.vlm.backend import Backend, Conversation, Decoding, Reply, Stop, Usage, never, unheard
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import Message, Role
from rs_copilot.vlm.parsing import Listener
from rs_copilot.vlm.zoom import Look, Manner, look_closer

Report = Callable[[int, dict[str, Any]], None]


@dataclass(frozen=True)
class Asking:
    """How an answer is made, and who hears of it."""

    backend: Backend
    decoding: Decoding
    report: Report
    is_cancelled: Callable[[], bool]


@dataclass(frozen=True)
class Said:
    """An answer and what it says about places."""

    text: str
    stop: Stop
    objects: list[Object]
    zooms: list[Zoom]
    is_empty: bool
    skipped: int
    notes: list[str]
    usage: dict[str, Any]


def answer(talk: Talk, asking: Asking) -> Said:
    """One turn; objects are reported as soon as their line is complete. Raises what `Backend.reply` does."""
    family = asking.backend.family
    expected = talk.shown[-1].seen(family) if talk.shown else None
    stream = _stream(talk, expected, family, asking.report)
    try:
        reply = asking.backend.reply(talk.messages, asking.decoding, stream.hear, asking.is_cancelled)
    finally:
        stream.flush()
    if talk.has_places and reply.seen[-1] != expected:
        # For want of memory the model saw less than was planned: its numbers mean other places.
        stream = _stream(talk, reply.seen[-1], family, asking.report)
        stream.hear(reply.text)
    parsed = stream.finish()
    stream.flush()
    return Said(
        reply.text,
        reply.stop,
        stream.objects,
        [],
        parsed.is_empty,
        len(parsed.skipped),
        list(reply.notes),
        asdict(reply.usage),
    )


def _stream(talk: Talk, seen: SizeWH | None, family: Family, report: Report) -> AnswerStream:
    """Hears an answer about the last picture, which the model sees in the given size."""
    if not talk.has_places or seen is None:
        return AnswerStream(None, lambda _: [], report)
    where = family.coordinates
    listener = Listener(talk.prompt.grammar, seen, coordinates=where, classes=names_of(talk.turn))
    place = partial(place_objects, shown=talk.shown[-1], seen=seen, coordinates=where)
    return AnswerStream(listener, place, report)


def answer_closer(talk: Talk, asking: Asking) -> Said:
    """The model may look closer at the last picture first; each look is reported.

    Raises:
        BadInputError: the picture's source is gone or damaged.
        RsCopilotError: what `Backend.reply` raises.
    """
    shown = talk.shown[-1]
    stream = AnswerStream(None, lambda _: [], asking.report)

    def on_look(look: Look) -> None:
        if look.step:
            stream.break_line()
            stream.zooms.append(_zoom(look, shown))
            stream.flush()

    backend = _InConversation(asking.backend, talk.messages[:-1])
    manner = Manner(
        shown.picture.budget,
        asking.decoding,
        on_look=on_look,
        on_text=stream.hear,
        is_cancelled=asking.is_cancelled,
    )
    try:
        with open_windows(shown) as source:
            outcome = look_closer(
                backend, source, talk.prompt, _sought(talk.turn), manner, shown.picture.window_px
            )
    finally:
        stream.flush()
    stream.objects = [object_at(item.quad_px, item.label, item.line, shown) for item in outcome.places]
    stream.flush()
    return Said(
        outcome.text,
        outcome.stop,
        stream.objects,
        stream.zooms,
        outcome.is_empty,
        len(outcome.skipped),
        list(outcome.notes),
        _sum(outcome.usage),
    )


def _sought(turn: Turn) -> str:
    """What is looked for, in the words of the user."""
    return turn.text or ", ".join(names_of(turn)) or turn.task.value


def _zoom(look: Look, shown: Shown) -> Zoom:
    x1, y1, x2, y2 = (float(side) for side in look.picture.window_px)
    return Zoom(polygon=on_map(_corners(x1, y1, x2, y2), shown), box_px=(x1, y1, x2, y2))


def _corners(x1: float, y1: float, x2: float, y2: float) -> FloatArray:
    return SizeWH(1, 1).corners_px * [x2 - x1, y2 - y1] + [x1, y1]


def _sum(usage: Sequence[Usage]) -> dict[str, Any]:
    """All turns together; the first token is that of the first."""
    parts = [asdict(item) for item in usage]
    total = {name: sum(part[name] for part in parts) for name in parts[0]}
    return {**total, "first_token_s": parts[0]["first_token_s"]}


@dataclass(frozen=True)
class _InConversation:
    """A backend that hears what was said before along with every question, and answers the question."""

    inner: Backend
    before: Conversation

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def sha256(self) -> str | None:
        return self.inner.sha256

    @property
    def family(self) -> Family:
        return self.inner.family

    @property
    def device(self) -> str:
        return self.inner.device

    @property
    def sends_to(self) -> str | None:
        return self.inner.sends_to

    def reply(
        self,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None] = unheard,
        is_cancelled: Callable[[], bool] = never,
    ) -> Reply:
        reply = self.inner.reply(self._whole(conversation), decoding, on_text, is_cancelled)
        return self._own(reply)

    def reply_all(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        is_cancelled: Callable[[], bool] = never,
    ) -> list[Reply]:
        whole = [self._whole(item) for item in conversations]
        return [self._own(reply) for reply in self.inner.reply_all(whole, decoding, is_cancelled)]

    def close(self) -> None:
        self.inner.close()

    def _whole(self, conversation: Conversation) -> tuple[Message, ...]:
        """The role that is told now goes first: there is one only, and it names the tool."""
        role = [message for message in conversation if message.role is Role.SYSTEM]
        before = [message for message in self.before if not role or message.role is not Role.SYSTEM]
        return (*role, *before, *(message for message in conversation if message.role is not Role.SYSTEM))

    def _own(self, reply: Reply) -> Reply:
        """Sizes of the pictures of the question alone."""
        earlier = sum(len(message.pictures) for message in self.before)
        return replace(reply, seen=reply.seen[earlier:])
