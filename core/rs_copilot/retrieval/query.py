"""From the scores of many guesses about one frame to ranked tiles. Pure: arrays in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rs_copilot.types import Float32Array

# The network tolerates 15 degrees and 15 % of scale: these steps leave no gap.
HEADING_STEP_DEG = 30.0
ZOOM_STEP = 1.25

Pooling = Literal["mean", "max"]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Hit:
    """A tile that fits: ``score`` is the cosine similarity, ``guess`` the number of the winning guess."""

    tile: int
    score: float
    guess: int


def turns_deg(*, heading_known: bool) -> tuple[float, ...]:
    """Turns of a view to try: none where the heading is known, else all around."""
    return (0.0,) if heading_known else tuple(float(turn) for turn in np.arange(0.0, 360.0, HEADING_STEP_DEG))


def zooms(ladder_step: float = 2.0) -> tuple[float, ...]:
    """Tile side over frame side to try where the scale is unknown: steps of at most `ZOOM_STEP`.

    They span one step of the gallery's ladder of scales, so that together with tiles of every scale all
    frame sizes are covered without a gap.
    """
    count = int(np.ceil(np.log(ladder_step) / np.log(ZOOM_STEP)))
    middle = (np.arange(count) + 0.5) / count - 0.5
    return tuple(float(zoom) for zoom in ladder_step**middle)


def best_per_tile(scores: Float32Array, ids: Ids, guesses: Sequence[int], count: int) -> list[Hit]:
    """The best tiles over all guesses, best first; a tile counts with its best guess.

    Args:
        scores: ``(Q, K)`` similarities.
        ids: ``(Q, K)`` numbers of tiles, negative where there was none.
        guesses: number of the guess that each of the Q rows belongs to.
        count: how many tiles are wanted at most.
    """
    rows = np.repeat(np.asarray(guesses, dtype=np.int64), ids.shape[1] if ids.ndim == 2 else 0)
    flat_ids, flat_scores = ids.ravel(), scores.ravel()
    order = np.lexsort((rows, flat_ids, -flat_scores))
    order = order[flat_ids[order] >= 0]
    _, first = np.unique(flat_ids[order], return_index=True)
    chosen = order[np.sort(first)][:count]
    return [Hit(int(flat_ids[i]), float(flat_scores[i]), int(rows[i])) for i in chosen]


def pool_mean(embeddings: Float32Array) -> Float32Array:
    """One embedding per guess from those of several frames: the mean, scaled to length 1.

    Args:
        embeddings: ``(F, Q, D)`` of F frames and Q guesses.

    Returns:
        ``(Q, D)``.
    """
    mean = embeddings.mean(axis=0)
    norm = np.linalg.norm(mean, axis=-1, keepdims=True)
    return np.asarray(mean / np.maximum(norm, 1e-9), dtype=np.float32)
