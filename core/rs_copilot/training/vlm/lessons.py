"""A conversation as what a model learns from: tokens, and which of them it shall say itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_copilot.errors import BadInputError
from rs_copilot.learned.vlm.transcript import HINT, IntArray, Scribe, Transcript
from rs_copilot.vlm.messages import Message, Role

# What torch's cross-entropy leaves out.
IGNORED = -100


@dataclass(frozen=True)
class Lesson:
    """Tokens of a conversation, and ``labels`` (L,): the token where the model says it, else `IGNORED`."""

    transcript: Transcript
    labels: IntArray

    @property
    def length(self) -> int:
        """Tokens of the whole conversation."""
        return len(self.labels)

    @property
    def learnt(self) -> int:
        """Tokens that are learnt."""
        return int((self.labels != IGNORED).sum())


def lesson_of(messages: Sequence[Message], scribe: Scribe) -> Lesson:
    """Label what the model says in a conversation: all its answers, each with the token that ends it.

    An answer is learnt after exactly the tokens that stand before it when the model is asked.

    Raises:
        BadInputError: an answer shows pictures, or the model's template writes a conversation that is over
            in another way than one that goes on.
    """
    whole = scribe.write(messages, asks=False)
    labels = np.full(len(whole.ids), IGNORED, dtype=np.int64)
    for number, message in enumerate(messages):
        if message.role is not Role.ASSISTANT:
            continue
        if message.pictures:
            raise BadInputError("an answer shows pictures, expected words", hint="Show them in questions.")
        before = scribe.write(messages[:number]).ids
        said = np.array(scribe.spoken(message), dtype=np.int64)
        expected = np.concatenate([before, said])
        if not np.array_equal(whole.ids[: len(expected)], expected):
            raise BadInputError("the model's chat template changes what was said before", hint=HINT)
        labels[len(before) : len(expected)] = said
    return Lesson(whole, labels)
