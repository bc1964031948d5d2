"""Bags of visual words over SIFT or ORB (Sivic and Zisserman, Video Google, ICCV 2003): no training.

Tiles and queries are drawn at twice the resolution that the networks get; features turn with the picture,
so that an unknown heading costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Literal

import cv2
import numpy as np

from benchmarks.retrieval.places import Place
from benchmarks.retrieval.queries import Condition, Query
from benchmarks.retrieval.ranking import RANKS
from rs_copilot.localization.retrieve import Guess, draw_query, guesses
from rs_copilot.raster.source import open_raster
from rs_copilot.retrieval.table import TileTable
from rs_copilot.types import ByteImage

SIDE_PX = 192
FEATURES = 120
WORDS = 1024
SAMPLE = 60_000
Kind = Literal["SIFT", "ORB"]


def bag_name(kind: Kind) -> str:
    """As the tables call it."""
    return f"{kind} bag of words"


class BagOfWords:
    """One kind of feature, its vocabulary, and the histograms of words of a gallery's pictures."""

    def __init__(self, kind: Kind, pictures: Iterable[ByteImage], tiles: TileTable) -> None:
        self.name = bag_name(kind)
        self._kind, self._tiles = kind, tiles
        self._detector = cv2.SIFT_create(FEATURES) if kind == "SIFT" else cv2.ORB_create(FEATURES)
        described = [self._describe(picture) for picture in pictures]
        self._vocabulary = self._learn(described)
        counts = np.stack([self._count(item) for item in described])
        rarity = np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0)))
        self._rarity = rarity.astype(np.float32)
        self._bags = _unit(counts * self._rarity)

    def rank(self, query: Query, condition: Condition) -> list[int]:
        """The best tiles of a query."""
        sides = [float(side) for side in np.unique(self._tiles.side_m)]
        tried = guesses(
            query.shape(tilt_known=condition.tilt_known),
            sides,
            scale_known=condition.scale_known,
            heading_known=True,
        )
        best = np.max([self._scores(query.image, guess, condition) for guess in tried], axis=0)
        return [int(tile) for tile in np.argsort(-best, kind="stable")[: RANKS[-1]]]

    def embed(self, pictures: Iterable[ByteImage]) -> np.ndarray:
        """Weighted histograms of words, ``(N, WORDS)`` of length 1."""
        return _unit(np.stack([self._count(self._describe(item)) for item in pictures]) * self._rarity)

    def _scores(self, image: ByteImage, guess: Guess, condition: Condition) -> np.ndarray:
        scores = self._bags @ self.embed([draw_query(image, guess, SIDE_PX)])[0]
        if guess.sides_m is not None and condition.own_scale:
            scores = np.where(np.isin(self._tiles.side_m, guess.sides_m), scores, -1.0)
        return scores

    def _describe(self, rgba: ByteImage) -> np.ndarray:
        gray = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2GRAY)
        inside = cv2.erode((rgba[..., 3] > 0).astype(np.uint8), np.ones((9, 9), np.uint8))
        _, found = self._detector.detectAndCompute(gray, inside)
        width = 128 if self._kind == "SIFT" else 32
        return np.zeros((0, width), np.uint8) if found is None else found.astype(np.uint8)

    def _as_vectors(self, found: np.ndarray) -> np.ndarray:
        if self._kind == "ORB":
            return np.unpackbits(found, axis=1).astype(np.float32)
        # Square roots of L1-normalised SIFT compare better (Arandjelovic and Zisserman, CVPR 2012).
        values = found.astype(np.float32)
        return np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1.0))

    def _learn(self, described: list[np.ndarray]) -> object:
        from sklearn.cluster import MiniBatchKMeans

        together = np.concatenate(described)
        rng = np.random.default_rng(0)
        sample = together[rng.permutation(len(together))[:SAMPLE]]
        return MiniBatchKMeans(WORDS, batch_size=4096, n_init=1, max_iter=20, random_state=0).fit(
            self._as_vectors(sample)
        )

    def _count(self, found: np.ndarray) -> np.ndarray:
        if not len(found):
            return np.zeros(WORDS, dtype=np.float32)
        words = self._vocabulary.predict(self._as_vectors(found))
        return np.bincount(words, minlength=WORDS).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def tile_pictures(places: list[Place], tiles: TileTable) -> Iterator[ByteImage]:
    """Every tile as RGBA ``(SIDE_PX, SIDE_PX, 4)``, in the order of the table."""
    with ExitStack() as stack:
        sources = [stack.enter_context(open_raster(place.raster)) for place in places]
        for raster, (x, y), side in zip(tiles.raster, tiles.center_xy_m, tiles.side_m, strict=True):
            bounds = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
            piece = sources[raster].read(side / SIDE_PX, bounds)
            rgba = np.dstack([piece.image, np.where(piece.valid, 255, 0).astype(np.uint8)])
            yield rgba[:SIDE_PX, :SIDE_PX]
