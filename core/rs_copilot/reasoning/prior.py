"""Where a retriever believes a view lies, told to a model that plans answers: it is a hint, never a fact.

A prior is what CVAA gives a vision-language model (arXiv 2604.02020): the tiles of the map that look most
like a frame, as words and as numbered boxes on the map picture. It is withheld where the best tile is hardly
better than the next one elsewhere: a wrong hint costs more than none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from rs_copilot.types import FloatArray

# Made on development worlds by benchmarks/priors.py.
MARGINS = Path(__file__).with_name("prior_margins.json")

# Left, top, right, bottom in pixels of the map picture as the model is sent it.
BoxPx = tuple[int, int, int, int]
# `None` for what lies outside of the picture.
ToPx = Callable[[BaseGeometry], "BoxPx | None"]

CAUTION = (
    "A search by likeness proposes where the video may lie on the map. It is often wrong: check it against "
    "the pictures, and do not use it where they disagree."
)


class PriorSource(str, Enum):
    """Who made a prior."""

    RETRIEVAL = "cvaa"
    """The retriever."""
    ORACLE = "oracle"
    """The truth of a demo world: what a perfect prior would be worth."""
    RANDOM = "random"
    """Tiles drawn by lot: what a wrong prior costs."""


@dataclass(frozen=True)
class PriorTile:
    """A square of the map that may show a view.

    ``rank`` counts from 1, ``score`` is the cosine similarity, ``shape_lonlat`` the tile in degrees
    (EPSG:4326); ``time_s`` the moment of the view, ``None`` where several were looked up together.
    """

    rank: int
    score: float
    shape_lonlat: BaseGeometry = field(repr=False)
    time_s: float | None = None

    @property
    def box_lonlat(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        west, south, east, north = self.shape_lonlat.bounds
        return west, south, east, north

    @property
    def mark(self) -> str:
        """What it is called in words and on the map picture: other marks there have plain numbers."""
        return f"P{self.rank}"


@dataclass(frozen=True)
class Prior:
    """Tiles that may show a view, best first, none of which lies mostly on a better one.

    ``margin`` is the score of the best less that of the second; ``chance`` the probability, measured on
    development worlds, that the middle of the view lies on the best tile; ``is_withheld`` says that it is too
    small to be told. ``track`` is the best tile at moments of the clip, only of those that are sure enough.
    ``considered`` are all tiles that were found, also such as lie on better ones: nobody is told of them.
    """

    tiles: tuple[PriorTile, ...]
    margin: float
    is_withheld: bool
    source: PriorSource = PriorSource.RETRIEVAL
    chance: float = 0.0
    track: tuple[PriorTile, ...] = ()
    considered: tuple[PriorTile, ...] = field(default=(), repr=False)

    @property
    def told(self) -> tuple[PriorTile, ...]:
        """The tiles that a model is told of: none where the prior is withheld."""
        return () if self.is_withheld else self.tiles


@lru_cache(maxsize=1)
def read_margins() -> tuple[FloatArray, FloatArray, float]:
    """Margins, rising, the share of frames on the best tile at each, and the least margin that is told."""
    found = json.loads(MARGINS.read_text(encoding="utf-8"))
    return np.array(found["margin"]), np.array(found["right"]), float(found["least"])


def chance_of(margin: float) -> float:
    """Probability that the best tile is the right one, by its margin."""
    margins, shares, _ = read_margins()
    return float(np.interp(margin, margins, shares))


def is_told(margin: float) -> bool:
    """Whether a margin is large enough for a tile to be told."""
    return margin >= read_margins()[2]


def prior_words(prior: Prior | None, to_px: ToPx) -> str:
    """What a prompt says of a prior; nothing where there is none or it is withheld.

    Args:
        prior: the prior.
        to_px: from a shape in degrees to its box in the map picture as the model sees it.
    """
    if prior is None or not prior.told:
        return ""
    ranked = [f"{tile.mark}: rank {tile.rank}, {_told(tile, to_px)}" for tile in prior.told]
    moments = [
        f"at {tile.time_s:.1f} s {_told(tile, to_px)}" for tile in prior.track if tile.time_s is not None
    ]
    track = ["The best square through the clip:", *moments] if moments else []
    return "\n".join([CAUTION, *ranked, *track])


def _told(tile: PriorTile, to_px: ToPx) -> str:
    """One tile: its score and its box. Six decimals of a degree are a tenth of a metre."""
    box = to_px(tile.shape_lonlat)
    pixels = "outside the map picture" if box is None else f"pixels [{box[0]}, {box[1]}, {box[2]}, {box[3]}]"
    west, south, east, north = tile.box_lonlat
    degrees = f"longitude {west:.6f} to {east:.6f}, latitude {south:.6f} to {north:.6f}"
    return f"score {tile.score:.3f}, {pixels}, {degrees}"


def prior_marks(prior: Prior | None) -> tuple[tuple[str, BaseGeometry], ...]:
    """Names and shapes in degrees of what is drawn on the map picture; nothing where nothing is told."""
    return () if prior is None else tuple((tile.mark, tile.shape_lonlat) for tile in prior.told)


PriorAt = Callable[[float], "Prior | None"]
"""The prior of the frame at a moment in seconds; ``None`` where the clip has no such frame."""
