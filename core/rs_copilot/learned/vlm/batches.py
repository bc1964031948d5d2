"""Several conversations at once: the weights are read once per step for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rs_copilot.errors import CancelledError
from rs_copilot.learned.vlm.forward import Cache, Forward, Tensor, padding_mask
from rs_copilot.learned.vlm.speech import Speech
from rs_copilot.learned.vlm.transcript import IntArray, Transcript
from rs_copilot.vlm.backend import Stop


@dataclass
class Batch:
    """Answers that are not finished: ``rows`` are their numbers, ``next_places`` (B,) where they go on."""

    speeches: Sequence[Speech]
    rows: list[int]
    mask: IntArray | None
    next_places: IntArray
    cache: Cache = field(repr=False)

    def keep(self, places: Sequence[int]) -> None:
        """Go on with some of them only."""
        if len(places) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in places]
        self.next_places = self.next_places[list(places)]
        self.mask = None if self.mask is None else self.mask[list(places)]
        for layer in self.cache.layers:
            layer.keys, layer.values = layer.keys[list(places)], layer.values[list(places)]

    def grow(self) -> None:
        """Make room for a word of each."""
        self.next_places = self.next_places + 1
        if self.mask is not None:
            ones = np.ones((len(self.rows), 1), dtype=self.mask.dtype)
            self.mask = np.concatenate([self.mask, ones], axis=1)


def speak_together(
    forward: Forward,
    transcripts: Sequence[Transcript],
    speeches: Sequence[Speech],
    is_cancelled: Callable[[], bool],
) -> float:
    """Finish an answer to each conversation; seconds until the first words are returned.

    Raises:
        OutOfMemoryError of torch: they do not fit together.
    """
    started = time.monotonic()
    cache = forward.new_cache()
    try:
        *_, (_, scores) = forward.read(transcripts, cache, is_cancelled=is_cancelled)
    except CancelledError:
        _end(speeches, range(len(speeches)))
        return time.monotonic() - started
    lengths = [len(item.ids) for item in transcripts]
    places = [len(item.ids) + forward.positions(item)[1] for item in transcripts]
    mask = padding_mask(lengths, max(lengths))
    batch = Batch(speeches, list(range(len(speeches))), mask, np.array(places, dtype=np.int64), cache)
    words = _hear(batch, scores)
    first_s = time.monotonic() - started
    while batch.rows:
        if is_cancelled():
            _end(speeches, batch.rows)
            break
        words = _hear(batch, _step(forward, batch, words))
    return first_s


def _hear(batch: Batch, scores: Tensor) -> list[int]:
    """The next word of each answer; those that are over leave the batch."""
    heard = [batch.speeches[row].hear(scores[place]) for place, row in enumerate(batch.rows)]
    batch.keep([place for place, number in enumerate(heard) if number is not None])
    return [number for number in heard if number is not None]


def _step(forward: Forward, batch: Batch, words: Sequence[int]) -> Tensor:
    import torch

    places = torch.from_numpy(batch.next_places)[:, None].to(forward.device)
    batch.grow()
    mask = None if batch.mask is None else torch.from_numpy(batch.mask).to(forward.device)
    ids = torch.tensor(words, device=forward.device)[:, None]
    return forward.step(ids, places, batch.cache, mask)[:, -1]


def _end(speeches: Sequence[Speech], rows: Sequence[int]) -> None:
    for row in rows:
        speeches[row].end(Stop.CANCELLED)
