"""A network of the Qwen-VL kind, step by step: what it sees, keeps of a conversation, and says next.

The steps are driven from here and not by transformers' ``generate``: a long first look must be cancelled in
between, a second question must find the first one's keys and values, and guesses must be taken back.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from rs_copilot.errors import CancelledError
from rs_copilot.learned.vlm.pictures import FRAMES_PER_STEP, Optics, Picture
from rs_copilot.learned.vlm.transcript import WORDS, IntArray, Transcript
from rs_copilot.vlm.messages import VideoPart

# torch and transformers have no types here.
Tensor: TypeAlias = Any
Network: TypeAlias = Any
Cache: TypeAlias = Any

# Features of a picture of 1,296 tokens take 9 MB with 7B of Qwen2.5, four times that with Qwen3.
FEATURE_BYTES = 256 * 1024**2
# Tokens of the conversation that are read between two looks at whether it was cancelled.
CHUNK_CPU, CHUNK_GPU = 256, 2048


@dataclass
class Features:
    """What the network sees in pictures, by their keys; the ones not used for longest go first."""

    most_bytes: int = FEATURE_BYTES
    _known: OrderedDict[str, tuple[Tensor, ...]] = field(default_factory=OrderedDict, repr=False)

    def get(self, key: str) -> tuple[Tensor, ...] | None:
        """What was seen before, if it is still known."""
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def put(self, key: str, seen: tuple[Tensor, ...]) -> None:
        """Remember what was seen."""
        self._known[key] = seen
        while len(self._known) > 1 and self.n_bytes > self.most_bytes:
            self._known.popitem(last=False)

    @property
    def n_bytes(self) -> int:
        """What is held."""
        return sum(part.nbytes for parts in self._known.values() for part in parts)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


@dataclass
class Forward:
    """Runs a network. ``looked`` counts pictures that went through its eyes, for tests and benchmarks."""

    network: Network = field(repr=False)
    optics: Optics = field(repr=False)
    device: str
    chunk: int
    n_words: int
    features: Features = field(default_factory=Features, repr=False)
    looked: int = 0

    @property
    def inner(self) -> Network:
        """The network without the head that names words."""
        return self.network.model

    @cached_property
    def _cache_name(self) -> str:
        """What this version of transformers calls keys and values: the name changed in 5.24."""
        names = inspect.signature(self.inner.language_model.forward).parameters
        return "cache" if "cache" in names else "past_key_values"

    def new_cache(self) -> Cache:
        """Empty keys and values."""
        from transformers import DynamicCache

        return DynamicCache()

    def see(self, picture: Picture, is_cancelled: Callable[[], bool]) -> tuple[Tensor, ...]:
        """What the network sees in a picture: ``(tokens, width)``, then the same for deeper layers.

        Raises:
            CancelledError: in between two layers.
        """
        known = self.features.get(picture.key)
        if known is not None:
            return known
        import torch

        patches = self.optics.patches(picture).to(self.device)
        grid = torch.tensor([picture.grid], device=self.device)
        look = self.inner.get_video_features if picture.is_clip else self.inner.get_image_features
        with _interrupted(self.inner.visual.blocks, is_cancelled):
            output = look(patches, grid, return_dict=True)
        deeper = getattr(output, "deepstack_features", None) or ()
        seen = (torch.cat(tuple(output.pooler_output)), *(torch.cat(tuple(layer)) for layer in deeper))
        self.looked += 1
        # In main memory: a card has better use for its own, and moving them takes a millisecond.
        self.features.put(picture.key, tuple(part.cpu() for part in seen))
        return seen

    def positions(self, transcript: Transcript) -> tuple[Tensor, int]:
        """Places ``(3, L)`` of tokens in time, rows and columns; what to add to the index of later ones."""
        import torch

        pictures = [picture.grid for picture in transcript.pictures if not picture.is_clip]
        clips = [picture for picture in transcript.pictures if picture.is_clip]
        places, delta = self.inner.get_rope_index(
            torch.from_numpy(transcript.ids)[None],
            mm_token_type_ids=torch.from_numpy(transcript.kinds)[None],
            image_grid_thw=torch.tensor(pictures) if pictures else None,
            video_grid_thw=torch.tensor([clip.grid for clip in clips]) if clips else None,
            second_per_grid_ts=[_step_s(clip) for clip in clips] if clips else None,
        )
        return places[:, 0], int(delta)

    def read(
        self,
        transcripts: Sequence[Transcript],
        cache: Cache,
        known: int = 0,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[int, Tensor]]:
        """Read conversations chunk by chunk into a cache that knows the start of them.

        Several are padded on the left to the same length.

        Args:
            transcripts: one or several; the start may only be known of a single one.
            cache: keys and values of the first ``known`` tokens.
            known: how many tokens need not be read again; at least one is read.
            is_cancelled: asked before every layer.

        Yields:
            How many tokens are in the cache now, and the scores of the next word ``(B, words)``; those of the
            last chunk count.

        Raises:
            CancelledError: of the cache only as many tokens as were told last are good.
        """
        width = max(len(item.ids) for item in transcripts)
        places, embedded, visual, deeper = self._embed(transcripts, width, known, is_cancelled)
        mask = padding_mask([len(item.ids) for item in transcripts], width)
        for start in range(known, width, self.chunk):
            stop = min(width, start + self.chunk)
            part = slice(start - known, stop - known)
            seen = _rows_of(visual, deeper, part)
            with _interrupted(self.inner.language_model.layers, is_cancelled):
                hidden = self.run(
                    embedded[:, part], places[:, :, start:stop], cache, _cut(mask, stop, self.device), seen
                )
            yield stop, self.scores(hidden[:, -1:])[:, 0]

    def _embed(
        self, transcripts: Sequence[Transcript], width: int, known: int, is_cancelled: Callable[[], bool]
    ) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        """Places ``(3, B, width)``; embedded tokens after the known ones; which of them are visual, and what
        deeper layers add to those.
        """
        import torch

        ids = np.zeros((len(transcripts), width), dtype=np.int64)
        places = torch.zeros((3, len(transcripts), width), dtype=torch.int64)
        visual = np.zeros((len(transcripts), width), dtype=bool)
        seen: list[tuple[Tensor, ...]] = []
        for row, transcript in enumerate(transcripts):
            start = width - len(transcript.ids)
            ids[row, start:] = transcript.ids
            visual[row, start:] = transcript.kinds != WORDS
            places[:, row, start:] = self.positions(transcript)[0]
            seen += self._visible(transcript, known, is_cancelled)
        fresh = torch.from_numpy(visual[:, known:]).to(self.device)
        embedded = self.network.get_input_embeddings()(torch.from_numpy(ids[:, known:]).to(self.device))
        if seen:
            embedded = embedded.masked_scatter(fresh[..., None], _joined(seen, 0, embedded))
        depth = len(seen[0]) - 1 if seen else 0
        deeper = [_joined(seen, layer + 1, embedded) for layer in range(depth)]
        return places.to(self.device), embedded, fresh, deeper

    def _visible(
        self, transcript: Transcript, known: int, is_cancelled: Callable[[], bool]
    ) -> Iterator[tuple[Tensor, ...]]:
        """What is seen in the visual tokens after the known ones; pictures before are not looked at again."""
        tokens = np.flatnonzero(transcript.kinds != WORDS)
        first = 0
        for picture in transcript.pictures:
            after = first + self.optics.tokens(picture)
            skipped = int((tokens[first:after] < known).sum())
            if skipped < after - first:
                yield tuple(part[skipped:] for part in self.see(picture, is_cancelled))
            first = after

    def step(self, ids: Tensor, places: Tensor, cache: Cache, mask: Tensor | None = None) -> Tensor:
        """Scores ``(B, n, words)`` after each of the further words ``ids`` (B, n) at ``places`` (B, n)."""
        embedded = self.network.get_input_embeddings()(ids)
        return self.scores(self.run(embedded, places[None].expand(3, -1, -1), cache, mask))

    def run(
        self,
        embedded: Tensor,
        places: Tensor,
        cache: Cache,
        mask: Tensor | None = None,
        seen: tuple[Tensor, list[Tensor]] | None = None,
    ) -> Tensor:
        """The network's last layer for embedded tokens ``(B, n, width)`` at ``places`` (3, B, n)."""
        more: dict[str, Any] = {}
        if seen is not None:
            more = {"visual_pos_masks": seen[0], "deepstack_visual_embeds": seen[1]}
        output = self.inner.language_model(
            inputs_embeds=embedded,
            position_ids=places,
            attention_mask=mask,
            use_cache=True,
            **{self._cache_name: cache},
            **more,
        )
        return output.last_hidden_state

    def scores(self, hidden: Tensor) -> Tensor:
        """Scores of the words that the tokenizer knows, float32; the head has rows to spare."""
        return self.network.lm_head(hidden)[..., : self.n_words].float()


def cut_cache(cache: Cache, length: int) -> None:
    """Take back everything after the first tokens.

    Done on the layers: ``Cache.crop`` means different things in different versions of transformers.
    """
    for layer in cache.layers:
        if layer.is_initialized and layer.keys is not None and layer.keys.shape[-2] > length:
            layer.keys = layer.keys[..., :length, :]
            layer.values = layer.values[..., :length, :]


def padding_mask(lengths: Sequence[int], width: int) -> IntArray | None:
    """Ones ``(B, width)`` where a conversation has tokens; ``None`` where all are equally long."""
    if all(length == width for length in lengths):
        return None
    starts = width - np.array(lengths)[:, None]
    return (np.arange(width)[None] >= starts).astype(np.int64)


def _cut(mask: IntArray | None, stop: int, device: str) -> Tensor | None:
    import torch

    return None if mask is None else torch.from_numpy(mask[:, :stop]).to(device)


def _rows_of(visual: Tensor, deeper: list[Tensor], part: slice) -> tuple[Tensor, list[Tensor]] | None:
    """What deeper layers add in a chunk: its visual tokens, and their rows."""
    if not deeper or not bool(visual[:, part].any()):
        return None
    # Rows are in the order of the flattened batch.
    number = visual.flatten().long().cumsum(0).view(visual.shape) - 1
    rows = number[:, part][visual[:, part]]
    return visual[:, part], [layer[rows] for layer in deeper]


def _joined(seen: list[tuple[Tensor, ...]], layer: int, like: Tensor) -> Tensor:
    import torch

    return torch.cat([parts[layer].to(like.device, like.dtype) for parts in seen])


def _step_s(clip: Picture) -> float:
    """Seconds between the steps of a clip, from its frames; a single frame counts as one of two a second."""
    times_s = clip.part.times_s if isinstance(clip.part, VideoPart) else ()
    if len(times_s) < 2:
        return 1.0
    return FRAMES_PER_STEP * (times_s[-1] - times_s[0]) / (len(times_s) - 1)


@contextmanager
def _interrupted(blocks: Sequence[Any], is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let a cancel through before each of the blocks: a large picture takes a minute on a processor."""

    def check(*_: object) -> None:
        if is_cancelled():
            raise CancelledError("cancelled while the conversation was read")

    hooks = [block.register_forward_pre_hook(check) for block in blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
