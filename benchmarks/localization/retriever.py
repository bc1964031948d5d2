"""The retriever alone: the centre of the tile that looks most like the picture, without registration."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.localization.dense import Answer
from benchmarks.localization.queries import Query, View, draw
from rs_copilot.raster.source import RasterSource
from rs_copilot.retrieval.embedder import DEFAULT_WEIGHTS, Branch, Embedder, open_embedder
from rs_copilot.retrieval.tiles import tile_grid
from rs_copilot.types import ByteImage, Float32Array, FloatArray

# Tiles overlap by half; their sides are powers of two.
STRIDE, SIDE_STEP = 0.5, 2.0
CANDIDATES = 10


def has_weights() -> bool:
    """Whether the weights that ship with the project are here."""
    return DEFAULT_WEIGHTS.is_file()


@dataclass
class RetrieverMethod:
    """A gallery per side of tiles, made when first asked for; the best view of a query wins per tile."""

    raster: RasterSource
    embedder: Embedder = field(default_factory=lambda: open_embedder(None, "cpu"))
    _galleries: dict[float, tuple[Float32Array, FloatArray]] = field(default_factory=dict)

    def answer(self, query: Query) -> Answer:
        """Tiles of every side together, best first."""
        by_side: dict[float, list[View]] = {}
        for view in query.views():
            by_side.setdefault(_side_m(view.width_m), []).append(view)
        scores, centers = [], []
        for side_m, views in by_side.items():
            tiles, places = self._gallery(side_m)
            pictures = np.stack([self._picture(query, view, side_m) for view in views])
            scores.append((self.embedder.embed(pictures, Branch.UAV) @ tiles.T).max(axis=0))
            centers.append(places)
        score, place = np.concatenate(scores), np.concatenate(centers)
        order = np.argsort(-score)
        ranked = place[order]
        return Answer(ranked[0], list(ranked[:CANDIDATES]), _share(ranked, query.truth_m, max(by_side)))

    def _picture(self, query: Query, view: View, side_m: float) -> ByteImage:
        side_px = self.embedder.input_px
        image, mask = draw(query.image, view, side_m / side_px, side_px // 2)
        return np.dstack([image, np.where(mask, 255, 0).astype(np.uint8)])

    def _gallery(self, side_m: float) -> tuple[Float32Array, FloatArray]:
        if side_m not in self._galleries:
            grid = tile_grid(self.raster.info.bounds_m, side_m, self.embedder.input_px, STRIDE)
            x, y = np.meshgrid(grid.wests_m + side_m / 2.0, grid.norths_m - side_m / 2.0)
            self._galleries[side_m] = self._embed(np.stack([x.ravel(), y.ravel()], axis=1), side_m)
        return self._galleries[side_m]

    def _embed(self, centers_m: FloatArray, side_m: float) -> tuple[Float32Array, FloatArray]:
        side_px = self.embedder.input_px
        gsd_m, half = side_m / side_px, side_m / 2.0
        rows = []
        for x, y in centers_m:
            piece = self.raster.read(gsd_m, (x - half, y - half, x + half, y + half))
            alpha = np.where(piece.valid, 255, 0).astype(np.uint8)
            rows.append(np.dstack([piece.image, alpha])[:side_px, :side_px])
        return self.embedder.embed(np.stack(rows), Branch.SATELLITE), centers_m


def _side_m(width_m: float) -> float:
    return float(SIDE_STEP ** round(np.log(width_m) / np.log(SIDE_STEP)))


def _share(ranked_m: FloatArray, truth_m: FloatArray, side_m: float) -> float:
    """Part of all tiles down to the first one that holds the truth within half a tile of its centre."""
    near = np.abs(ranked_m - truth_m).max(axis=1) <= side_m / 2.0
    return float((np.argmax(near) + 1) / len(ranked_m)) if near.any() else np.inf
