"""Which tiles of a gallery a frame may show: it is drawn north-up under every guess, and each is a query.

A guess is a heading and a zoom. The zoom (ground side of the query over that of the frame) decides which
pixels the network sees; with the scale unknown one picture serves tiles of every scale, and the tile that
fits says how large the frame is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.localization.reference import Bounds
from rs_copilot.localization.view import View, nadir_view, render
from rs_copilot.retrieval.embedder import Branch, Embedder
from rs_copilot.retrieval.gallery import Gallery
from rs_copilot.retrieval.query import Hit, best_per_tile, headings_deg, pool_mean, zooms
from rs_copilot.types import ByteImage, Float32Array, SizeWH

# Frames so much larger or smaller than every tile look at other things than the tiles do.
MAX_ZOOM = 4.0


@dataclass(frozen=True)
class Guess:
    """One way to draw a frame: a view, and the ground side of the square that is cut from it.

    With ``sides_m`` the view is true to scale and only tiles of these sides can fit; without, the view is
    true up to a factor, and a tile of side s stands for the view enlarged by s / ``query_side_m``.
    """

    view: View
    query_side_m: float
    heading_deg: float
    sides_m: tuple[float, ...] | None = None

    def frame_width_m(self, tile_side_m: float) -> float:
        """Ground width of the frame if a tile of that side is the right one."""
        return self.view.width_m * tile_side_m / self.query_side_m


def frame_side_m(view: View) -> float:
    """Side of the square that is as large as a frame: what a tile should be as large as."""
    return view.width_m * float(np.sqrt(view.size.height_px / view.size.width_px))


def nearest_side_m(view: View, sides_m: Sequence[float]) -> float:
    """The gallery's scale that suits a view best."""
    return min(sides_m, key=lambda side: abs(np.log(side / frame_side_m(view))))


def guesses(
    size: SizeWH,
    sides_m: Sequence[float],
    *,
    base: View | None = None,
    width_m: float | None = None,
    heading_deg: float | None = None,
) -> list[Guess]:
    """Ways to draw a frame, given what is known about it.

    Args:
        size: of the frame.
        sides_m: scales of the gallery.
        base: the frame's shape by its attitude, where that is known; it settles everything.
        width_m: ground width of the frame, looking straight down.
        heading_deg: azimuth of image-up on the map's grid.
    """
    if base is not None:
        side = nearest_side_m(base, sides_m)
        return [Guess(base, side, 0.0 if heading_deg is None else heading_deg, (side,))]
    if width_m is not None:
        views = [(angle, nadir_view(size, width_m, angle)) for angle in headings_deg(heading_deg)]
        side = nearest_side_m(views[0][1], sides_m)
        return [Guess(view, side, angle, (side,)) for angle, view in views]
    drawn = [(angle, nadir_view(size, 100.0, angle)) for angle in headings_deg(heading_deg)]
    return [Guess(view, zoom * frame_side_m(view), angle) for angle, view in drawn for zoom in zooms()]


def draw_query(image: ByteImage, guess: Guess, input_px: int) -> ByteImage:
    """A frame as the network sees it under a guess: ``(input_px, input_px, 4)`` RGBA, alpha 0 beyond it."""
    gsd_m = guess.query_side_m / input_px
    # What reaches into the square's corners is enough.
    reach_m = min(guess.view.reach_m, guess.query_side_m * 0.75)
    patch = render(image, replace(guess.view, reach_m=reach_m), gsd_m)
    rgba = np.dstack([patch.image, np.where(patch.mask, 255, 0).astype(np.uint8)])
    return _center_square(rgba, input_px)


def _center_square(rgba: ByteImage, side_px: int) -> ByteImage:
    """The middle of a picture with even sides, cut or surrounded by nothing."""
    out = np.zeros((side_px, side_px, 4), dtype=np.uint8)
    half = min(rgba.shape[0], side_px) // 2
    given, made = rgba.shape[0] // 2, side_px // 2
    out[made - half : made + half, made - half : made + half] = rgba[
        given - half : given + half, given - half : given + half
    ]
    out[out[..., 3] == 0] = 0
    return out


@dataclass(frozen=True)
class Retriever:
    """A gallery and the network that made it."""

    gallery: Gallery
    embedder: Embedder

    def embed(
        self, image: ByteImage, tried: Sequence[Guess], check: Callable[[], None] = lambda: None
    ) -> Float32Array:
        """Embeddings of a frame under all guesses, ``(Q, D)``; those that show nothing are zero."""
        pictures = np.stack([draw_query(image, guess, self.embedder.input_px) for guess in tried])
        found = self.embedder.embed(pictures, Branch.UAV, check)
        found[~pictures[..., 3].any(axis=(1, 2))] = 0.0
        return found

    def hits(self, embeddings: Float32Array, tried: Sequence[Guess], count: int) -> list[Hit]:
        """The best tiles over all guesses, best first."""
        groups: dict[tuple[float, ...] | None, list[int]] = {}
        for number, guess in enumerate(tried):
            if embeddings[number].any():
                groups.setdefault(guess.sides_m, []).append(number)
        found: list[Hit] = []
        for sides_m, numbers in groups.items():
            scores, ids = self.gallery.search(embeddings[numbers], count, sides_m)
            found += best_per_tile(scores, ids, numbers, count)
        return best_of(found, count)

    def find(self, image: ByteImage, tried: Sequence[Guess], count: int) -> list[Hit]:
        """The best tiles of one frame."""
        return self.hits(self.embed(image, tried), tried, count)

    def find_clip(self, frames: Iterable[tuple[ByteImage, Sequence[Guess]]], count: int) -> list[Hit]:
        """The best tiles of several frames of one place, whose guesses go together by number."""
        listed = list(frames)
        embeddings = np.stack([self.embed(image, tried) for image, tried in listed])
        return self.hits(pool_mean(embeddings), listed[0][1], count)

    def regions(self, hits: Sequence[Hit], margin: float = 0.5) -> list[Bounds]:
        """West, south, east, north of the hits' tiles in their raster's metric CRS, enlarged on every side
        by ``margin`` sides.
        """
        tiles = self.gallery.tiles
        boxes = []
        for hit in hits:
            x, y = tiles.center_xy_m[hit.tile]
            reach = float(tiles.side_m[hit.tile]) * (0.5 + margin)
            boxes.append((float(x) - reach, float(y) - reach, float(x) + reach, float(y) + reach))
        return boxes


def best_of(hits: Iterable[Hit], count: int) -> list[Hit]:
    """The best hit of each tile, best first."""
    found: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda item: -item.score):
        found.setdefault(hit.tile, hit)
    return list(found.values())[:count]
