"""What answers: one small interface before every engine that runs a vision-language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from rs_copilot.types import SizeWH
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import Message


class Stop(str, Enum):
    """Why an answer ended."""

    END = "end"
    """The model had no more to say."""
    LENGTH = "length"
    """It reached the number of tokens that was allowed."""
    REPEATED = "repeated"
    """It said the same line again and again."""
    CANCELLED = "cancelled"
    """The caller did not want more."""


@dataclass(frozen=True)
class Decoding:
    """How an answer is made.

    ``temperature`` 0 takes the likeliest token each time. ``lookup`` guesses tokens ahead from what was
    said before, which pays for lists of boxes and never changes the answer. ``repeats`` is how often the same
    line may come in a row. With a JSON ``schema`` the answer is a document of that form, where the model can
    be held to it; a note says where it cannot, and a long document is cut at ``max_tokens`` all the same.
    """

    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    lookup: bool = False
    repeats: int = 8
    schema: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)


@dataclass(frozen=True)
class Usage:
    """What an answer cost. ``cached_tokens`` of the prompt were known from the turn before."""

    prompt_tokens: int
    cached_tokens: int
    image_tokens: int
    new_tokens: int
    first_token_s: float
    total_s: float


@dataclass(frozen=True)
class Reply:
    """An answer. ``seen`` is the size in which the model saw each picture of the conversation, in order.

    ``notes`` say what was done differently than asked, for example a smaller picture for want of memory.
    """

    text: str
    stop: Stop
    seen: tuple[SizeWH, ...]
    usage: Usage
    notes: tuple[str, ...] = ()


Conversation = Sequence[Message]


def unheard(_: str) -> None:
    """Nobody listens to the stream."""


def never() -> bool:
    """Nobody cancels."""
    return False


class Backend(Protocol):
    """A model that answers. One thread at a time may ask."""

    @property
    def model(self) -> str:
        """Name of the model, as rows of results carry it."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hash of its weights, where they are on this machine."""
        ...

    @property
    def family(self) -> Family:
        """How to speak to it."""
        ...

    @property
    def device(self) -> str:
        """What it runs on."""
        ...

    @property
    def sends_to(self) -> str | None:
        """Where pixels and words go, for people to read; ``None`` where they stay on this machine."""
        ...

    def reply(
        self,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None] = unheard,
        is_cancelled: Callable[[], bool] = never,
    ) -> Reply:
        """The answer to the last message.

        Args:
            conversation: messages in order, the last one the user's.
            decoding: how the answer is made.
            on_text: hears each piece of text as it comes.
            is_cancelled: asked before every token; an answer that was cut short is returned as it is.

        Raises:
            BadInputError: pictures or words that the model cannot take.
            OutOfMemoryError: they do not fit, not even smaller.
            MissingDependencyError: the server does not answer or does not know the model.
        """
        ...

    def reply_all(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        is_cancelled: Callable[[], bool] = never,
    ) -> list[Reply]:
        """Answers to several conversations, together where that is faster. Raises what `reply` does."""
        ...

    def close(self) -> None:
        """Give back the memory."""
        ...
