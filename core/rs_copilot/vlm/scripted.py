"""A model whose answers are given: for tests of everything around models, and of panels without weights."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rs_copilot.types import SizeWH
from rs_copilot.vlm.backend import Conversation, Decoding, Reply, Stop, Usage, never, unheard
from rs_copilot.vlm.families import RSCOVLM, Family
from rs_copilot.vlm.messages import Message
from rs_copilot.vlm.resize import seen_size

# What comes out in one go: a word with the space after it, or a line break.
TOKEN = re.compile(r"\n|[^\s]+[^\S\n]*|[^\S\n]+")


@dataclass
class ScriptedBackend:
    """Gives the answers of ``script``: one after the other, or what a function says of the conversation.

    ``pause_s`` passes before each word. Conversations that were heard are kept in ``heard``, unless there
    may be too many of them: each holds its pictures.
    """

    script: Sequence[str] | Callable[[Conversation], str]
    family: Family = RSCOVLM
    pause_s: float = 0.0
    model: str = "scripted"
    sha256: str | None = None
    device: str = "cpu"
    sends_to: str | None = None
    remembers: bool = True
    heard: list[tuple[Message, ...]] = field(default_factory=list)
    _asked: int = 0

    def reply(
        self,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None] = unheard,
        is_cancelled: Callable[[], bool] = never,
    ) -> Reply:
        """The next answer of the script; see `Backend.reply`.

        Raises:
            IndexError: the script has no more answers.
        """
        started = time.monotonic()
        self._asked += 1
        if self.remembers:
            self.heard.append(tuple(conversation))
        tokens = TOKEN.findall(self._answer(conversation))
        said: list[str] = []
        stop, first_s = Stop.END, 0.0
        for token in tokens:
            if is_cancelled() or len(said) >= decoding.max_tokens:
                stop = Stop.CANCELLED if is_cancelled() else Stop.LENGTH
                break
            time.sleep(self.pause_s)
            said.append(token)
            first_s = first_s or time.monotonic() - started
            on_text(token)
        seen = self._seen(conversation)
        pictures = sum(size.width_px * size.height_px // self.family.unit_px**2 for size in seen)
        words = sum(len(message.text.split()) for message in conversation)
        usage = Usage(words + pictures, 0, pictures, len(said), first_s, time.monotonic() - started)
        return Reply("".join(said), stop, seen, usage)

    def reply_all(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        is_cancelled: Callable[[], bool] = never,
    ) -> list[Reply]:
        """One answer after the other; see `Backend.reply_all`."""
        return [self.reply(item, decoding, unheard, is_cancelled) for item in conversations]

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, conversation: Conversation) -> str:
        if callable(self.script):
            return self.script(conversation)
        return self.script[self._asked - 1]

    def _seen(self, conversation: Conversation) -> tuple[SizeWH, ...]:
        limits = self.family.limits
        return tuple(
            seen_size(part.size, self.family.unit_px, (part.budget or limits).within(limits))
            for message in conversation
            for part in message.pictures
        )
