"""Which tiles of a gallery a frame may show: it is drawn north-up under every guess, and each is a query.

A guess is a heading and a zoom. The zoom (ground side of the query over that of the frame) decides which
pixels the network sees; with the scale unknown one picture serves tiles of every scale, and the tile that
fits says how large the frame is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.localization.view import View, render
from rs_copilot.retrieval.embedder import Branch, Embedder
from rs_copilot.retrieval.gallery import Gallery
from rs_copilot.retrieval.query import Hit, best_per_tile, pool_mean, turns_deg, zooms
from rs_copilot.types import ByteImage, Float32Array

# Every guess is looked up at this many places along each axis around the image centre; see `draw_shifted`.
SHIFTS, SHIFTS_OF_MANY = 3, 2
MANY_GUESSES = 12


@dataclass(frozen=True)
class Guess:
    """One way to draw a frame: a view, and the ground side of the square that is cut from it.

    With ``sides_m`` the view is true to scale and only tiles of these sides can fit; without, the view is
    true up to a factor, and a tile of side s stands for the view enlarged by s / ``query_side_m``.
    """

    view: View
    query_side_m: float
    sides_m: tuple[float, ...] | None = None

    @property
    def heading_deg(self) -> float:
        """Azimuth of image-up on the map's grid."""
        return hg.grid_azimuth_deg(self.view.local_from_px, self.view.size.center_px)

    def frame_width_m(self, tile_side_m: float) -> float:
        """Ground width of the frame if a tile of that side is the right one."""
        return self.view.width_m * tile_side_m / self.query_side_m


def frame_side_m(view: View) -> float:
    """Side of the square with the ground area of a frame: what a tile should be as large as."""
    pixels = view.size.width_px * view.size.height_px
    return hg.gsd_m(view.local_from_px, view.size.center_px) * float(np.sqrt(pixels))


def nearest_side_m(view: View, sides_m: Sequence[float]) -> float:
    """The gallery's scale that suits a view best."""
    wanted_m = frame_side_m(view)
    return min(sides_m, key=lambda side: abs(np.log(side / wanted_m)))


def guesses(shape: View, sides_m: Sequence[float], *, scale_known: bool, heading_known: bool) -> list[Guess]:
    """Ways to draw a frame, given its shape on the ground.

    Args:
        shape: as far as it is known: straight down where nothing is.
        sides_m: scales of the gallery.
        scale_known: whether the shape has its true size; else it is tried at several zooms.
        heading_known: whether it has its true heading; else it is turned all around.
    """
    views = [shape.turned(turn, 1.0) for turn in turns_deg(heading_known=heading_known)]
    if scale_known:
        side = nearest_side_m(shape, sides_m)
        return [Guess(view, side, (side,)) for view in views]
    return [Guess(view, zoom * frame_side_m(view)) for view in views for zoom in zooms()]


def draw_query(image: ByteImage, guess: Guess, input_px: int, margin_px: int = 0) -> ByteImage:
    """A frame as the network sees it under a guess, RGBA north-up, alpha 0 where it shows nothing.

    Args:
        image: the frame's picture at any scale.
        guess: how to draw it.
        input_px: the side of the query square.
        margin_px: how much to draw around the square.

    Returns:
        ``(S, S, 4)`` with S = ``input_px`` + 2 ``margin_px``.
    """
    side_px = input_px + 2 * margin_px
    gsd_m = guess.query_side_m / input_px
    # What reaches into the square's corners is enough.
    reach_m = min(guess.view.reach_m, 0.75 * side_px * gsd_m)
    patch = render(image, replace(guess.view, reach_m=reach_m), gsd_m)
    rgba = np.dstack([patch.image, np.where(patch.mask, 255, 0).astype(np.uint8)])
    return _center_square(rgba, side_px)


def shifts_of(tried: Sequence[Guess]) -> int:
    """How many places along each axis every guess is looked up at: fewer where there are many guesses."""
    return SHIFTS if len(tried) <= MANY_GUESSES else SHIFTS_OF_MANY


def draw_shifted(image: ByteImage, guess: Guess, input_px: int, shifts: int) -> ByteImage:
    """A query moved by up to an eighth of its side each way, ``(shifts**2, input_px, input_px, 4)``.

    Tiles are half a side apart: one of the shifts brings the nearest tile's centre within an eighth.
    """
    reach = input_px // 8
    drawn = draw_query(image, guess, input_px, reach)
    starts = [2 * reach * step // (shifts - 1) for step in range(shifts)]
    return np.stack([drawn[row : row + input_px, col : col + input_px] for row in starts for col in starts])


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
        """Embeddings of a frame under all guesses, those of one in a row ``(Q, D)``; 0 if of nothing."""
        side, shifts = self.embedder.input_px, shifts_of(tried)
        pictures = np.concatenate([draw_shifted(image, guess, side, shifts) for guess in tried])
        found = self.embedder.embed(pictures, Branch.UAV, check)
        found[~pictures[..., 3].any(axis=(1, 2))] = 0.0
        return found

    def hits(self, embeddings: Float32Array, tried: Sequence[Guess], count: int) -> list[Hit]:
        """The best tiles over all guesses, best first."""
        groups: dict[tuple[float, ...] | None, list[int]] = {}
        each = len(embeddings) // len(tried)
        for number, embedding in enumerate(embeddings):
            if embedding.any():
                groups.setdefault(tried[number // each].sides_m, []).append(number)
        found: list[Hit] = []
        for sides_m, numbers in groups.items():
            scores, ids = self.gallery.search(embeddings[numbers], count, sides_m)
            found += best_per_tile(scores, ids, [number // each for number in numbers], count)
        return best_of(found, count)

    def find(self, image: ByteImage, tried: Sequence[Guess], count: int) -> list[Hit]:
        """The best tiles of one frame."""
        return self.hits(self.embed(image, tried), tried, count)

    def find_clip(self, frames: Iterable[tuple[ByteImage, Sequence[Guess]]], count: int) -> list[Hit]:
        """The best tiles of several frames of one place, whose guesses go together by number."""
        listed = list(frames)
        embeddings = np.stack([self.embed(image, tried) for image, tried in listed])
        return self.hits(pool_mean(embeddings), listed[0][1], count)


def best_of(hits: Iterable[Hit], count: int) -> list[Hit]:
    """The best hit of each tile, best first."""
    found: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda item: -item.score):
        found.setdefault(hit.tile, hit)
    return list(found.values())[:count]
