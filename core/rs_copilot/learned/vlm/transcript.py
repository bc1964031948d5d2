"""A conversation as the tokens that a model reads.

Frames of messages come from the model's own template. What people, layers and files say is cut into tokens
apart from them and never becomes a token of control, whatever it contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from rs_copilot.errors import BadInputError
from rs_copilot.learned.vlm.pictures import Optics, Picture
from rs_copilot.types import SizeWH
from rs_copilot.vlm.backend import Conversation
from rs_copilot.vlm.messages import Message, TextPart, VideoPart

IntArray = npt.NDArray[np.int64]
WORDS, PICTURE, CLIP = 0, 1, 2
# Stand for people's words in a template; from Unicode's private area, and words themselves never get there.
MARK = re.compile("\ue000([0-9]+)\ue001")
HINT = "The model's chat template does not suit this program: use the one of the released model."


@dataclass(frozen=True)
class Transcript:
    """Tokens ``ids`` (L,) and what each is, ``kinds`` (L,): `WORDS`, `PICTURE` or `CLIP`.

    ``marks`` (L,) are equal where two conversations are: the id of a word, for visual tokens a number made
    from the picture.
    """

    ids: IntArray
    kinds: IntArray
    marks: IntArray
    pictures: tuple[Picture, ...] = field(repr=False)

    @property
    def seen(self) -> tuple[SizeWH, ...]:
        """Sizes of its pictures, in order."""
        return tuple(picture.seen for picture in self.pictures)

    @property
    def visual_tokens(self) -> int:
        """How many tokens are pictures."""
        return int((self.kinds != WORDS).sum())

    def followed_by(self, words: Sequence[int]) -> Transcript:
        """The same with words of the answer after it."""
        more = np.array(words, dtype=np.int64)
        return Transcript(
            ids=np.concatenate([self.ids, more]),
            kinds=np.concatenate([self.kinds, np.full(len(more), WORDS, dtype=np.int64)]),
            marks=np.concatenate([self.marks, more]),
            pictures=self.pictures,
        )


@dataclass(frozen=True)
class Scribe:
    """Writes transcripts with a model's tokenizer and template.

    ``stamps_frames``: whether each step of a clip has its time in words before it, as Qwen3-VL expects.
    """

    tokenizer: Any = field(repr=False)
    optics: Optics
    image_id: int
    video_id: int
    start_id: int
    end_id: int
    stamps_frames: bool

    def write(self, conversation: Conversation, share: float = 1.0, *, asks: bool = True) -> Transcript:
        """The conversation, up to where the model speaks.

        Args:
            conversation: messages in order.
            share: of the pixels that each picture might have.
            asks: whether the model speaks next; otherwise the conversation is over.

        Raises:
            BadInputError: there is nothing to answer, a picture has no use, or the template loses something.
        """
        if not conversation:
            raise BadInputError("the conversation is empty", hint="Ask something.")
        parts = [part for message in conversation for part in message.parts]
        pictures = [self.optics.look(part, share) for part in parts if not isinstance(part, TextPart)]
        texts = [part.text for part in parts if isinstance(part, TextPart)]
        ids = self._ids(self._frame(conversation, asks), texts)
        runs = list(self._runs(ids, pictures))
        return Transcript(
            ids=np.concatenate([run[0] for run in runs]),
            kinds=np.concatenate([np.full(len(run[0]), run[1], dtype=np.int64) for run in runs]),
            marks=np.concatenate([run[2] for run in runs]),
            pictures=tuple(pictures),
        )

    def spoken(self, message: Message) -> list[int]:
        """Tokens of a message that the model itself says: its words, and the one that ends its turn."""
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        words = [number for text in texts for number in self._cut(text, is_frame=False)]
        return [*words, int(self.tokenizer.eos_token_id)]

    def _frame(self, conversation: Conversation, asks: bool) -> str:
        """What the template makes of the conversation with a mark for each text."""
        from jinja2 import TemplateError

        numbers = iter(range(sum(len(message.parts) for message in conversation)))
        messages = [_as_dict(message, numbers) for message in conversation]
        try:
            return str(
                self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)
            )
        except (TemplateError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise BadInputError(f"the model's chat template fails: {error}", hint=HINT) from error

    def _ids(self, frame: str, texts: Sequence[str]) -> list[int]:
        pieces = MARK.split(frame)
        if [int(number) for number in pieces[1::2]] != list(range(len(texts))):
            raise BadInputError(
                f"the model's chat template shows {len(pieces) // 2} of {len(texts)} texts in order",
                hint=HINT,
            )
        ids: list[int] = []
        for place, piece in enumerate(pieces):
            ids += self._cut(texts[int(piece)], is_frame=False) if place % 2 else self._cut(piece)
        return ids

    def _cut(self, text: str, *, is_frame: bool = True) -> list[int]:
        if not text:
            return []
        made = self.tokenizer(text, add_special_tokens=False, split_special_tokens=not is_frame)
        return list(made["input_ids"])

    def _runs(
        self, ids: Sequence[int], pictures: Sequence[Picture]
    ) -> Iterator[tuple[IntArray, int, IntArray]]:
        """Ids, kind and marks of stretches of words and pictures, in order."""
        pads = [place for place, number in enumerate(ids) if number in (self.image_id, self.video_id)]
        expected = [self.video_id if picture.is_clip else self.image_id for picture in pictures]
        if [ids[place] for place in pads] != expected:
            raise BadInputError(
                f"the model's chat template shows {len(pads)} pictures, expected {len(pictures)} in order",
                hint=HINT,
            )
        for number, (before, after) in enumerate(pairwise([-1, *pads, len(ids)])):
            words = ids[before + 1 : after]
            if self.stamps_frames:
                words = self._unwrapped(words, pictures, number)
            yield _words(words)
            if number < len(pictures):
                yield from self._picture_runs(pictures[number])

    def _unwrapped(self, words: Sequence[int], pictures: Sequence[Picture], number: int) -> Sequence[int]:
        """Words without the marks around a whole clip where each of its steps gets its own."""
        if number < len(pictures) and pictures[number].is_clip and words and words[-1] == self.start_id:
            words = words[:-1]
        if number and pictures[number - 1].is_clip and words and words[0] == self.end_id:
            words = words[1:]
        return words

    def _picture_runs(self, picture: Picture) -> Iterator[tuple[IntArray, int, IntArray]]:
        kind, pad = (CLIP, self.video_id) if picture.is_clip else (PICTURE, self.image_id)
        count = self.optics.tokens(picture)
        # Negative, so that it is never a word's; 60 bits of the hash.
        mark = -1 - int(picture.key[:15], 16)
        if not (picture.is_clip and self.stamps_frames):
            yield np.full(count, pad, dtype=np.int64), kind, np.full(count, mark, dtype=np.int64)
            return
        each = count // len(picture.times_s)
        for time_s in picture.times_s:
            yield _words([*self._cut(f"<{time_s:.1f} seconds>"), self.start_id])
            yield np.full(each, pad, dtype=np.int64), kind, np.full(each, mark, dtype=np.int64)
            yield _words([self.end_id])


def _words(ids: Sequence[int]) -> tuple[IntArray, int, IntArray]:
    array = np.array(ids, dtype=np.int64)
    return array, WORDS, array


def _as_dict(message: Message, numbers: Iterator[int]) -> dict[str, Any]:
    """The message as templates know it; plain text where there is no picture, as most of them expect."""
    content: list[dict[str, str]] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": f"\ue000{next(numbers)}\ue001"})
        else:
            kind = "video" if isinstance(part, VideoPart) else "image"
            content.append({"type": kind, kind: kind})
    if not message.pictures:
        return {"role": message.role.value, "content": "".join(item["text"] for item in content)}
    return {"role": message.role.value, "content": content}


def known_prefix(kept: IntArray, marks: IntArray) -> int:
    """How many tokens at the start of two conversations are the same."""
    shared = min(len(kept), len(marks))
    differ = np.flatnonzero(kept[:shared] != marks[:shared])
    return int(differ[0]) if len(differ) else shared
