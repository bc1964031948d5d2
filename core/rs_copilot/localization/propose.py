"""Regions of the map that a gallery proposes for a keyframe, each with the views that its tile stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.crs import WGS84, transform
from rs_copilot.localization.keyframes import Keyframe
from rs_copilot.localization.reference import Bounds, Reference
from rs_copilot.localization.retrieve import Guess, Retriever, guesses
from rs_copilot.localization.search import Region
from rs_copilot.localization.view import View
from rs_copilot.retrieval.query import Hit
from rs_copilot.types import BoolArray, FloatArray

PROPOSALS = 20
# Around a tile's view: what the network does not tell apart, in steps that the search bridges.
TURNS_DEG = (-4.0, 4.0, -12.0, 12.0)
SCALES = (1.0, 0.88, 1.14)
# The true centre lies within a quarter of a side of the best tile's centre; neighbours overlap.
REACH = 0.6
# Views whose widths differ by less are one scale; headings within this range of each other are one heading.
ONE_SCALE = 1.6
ONE_HEADING_DEG = 60.0


@dataclass
class Proposer:
    """Looks keyframes up in a gallery. ``found`` keeps the tiles by the keyframe's visit, best first."""

    retriever: Retriever
    reference: Reference
    found: dict[int, list[Hit]] = field(default_factory=dict)

    def __call__(self, keyframe: Keyframe, views: Sequence[View]) -> list[Region]:
        """Where the gallery would look for a keyframe that any of ``views`` may show."""
        tried = guesses_of(views, self.retriever.gallery.manifest.sides_m)
        hits = self._on_the_map(self.retriever.find(keyframe.image, tried, self._wanted))
        self.found.setdefault(keyframe.visit, hits)
        return [self._region(hit, tried[hit.guess]) for hit in hits]

    @cached_property
    def centers_m(self) -> FloatArray:
        """Centres of all tiles in the map's CRS. Shape (N, 2)."""
        return transform(self.retriever.gallery.lonlat, WGS84, self.reference.crs)

    @cached_property
    def is_on_map(self) -> BoolArray:
        """Tiles whose centre lies on the map: a gallery may hold other rasters too."""
        west, south, east, north = self.reference.bounds_m
        x, y = self.centers_m.T
        return np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north))

    @property
    def _wanted(self) -> int:
        """Tiles to ask for, so that enough of them lie on the map."""
        share = max(float(self.is_on_map.mean()), 1e-3)
        return int(min(len(self.is_on_map), PROPOSALS if share == 1.0 else np.ceil(3 * PROPOSALS / share)))

    def _on_the_map(self, hits: Sequence[Hit]) -> list[Hit]:
        return [hit for hit in hits if self.is_on_map[hit.tile]][:PROPOSALS]

    def _region(self, hit: Hit, guess: Guess) -> Region:
        side = float(self.retriever.gallery.tiles.side_m[hit.tile])
        view = guess.view.turned(0.0, side / guess.query_side_m)
        x, y = (float(value) for value in self.centers_m[hit.tile])
        reach = REACH * side
        bounds: Bounds = (x - reach, y - reach, x + reach, y + reach)
        return Region(bounds, tuple(view.turned(turn, scale) for scale in SCALES for turn in TURNS_DEG))


def guesses_of(views: Sequence[View], sides_m: Sequence[float]) -> list[Guess]:
    """The queries that stand for a set of views: what all of them agree on is known."""
    widths = [view.width_m for view in views]
    headings = [hg.grid_azimuth_deg(view.local_from_px, view.size.center_px) for view in views]
    apart = np.abs((np.array(headings) - headings[0] + 180.0) % 360.0 - 180.0)
    return guesses(
        views[0],
        sides_m,
        scale_known=max(widths) < ONE_SCALE * min(widths),
        heading_known=bool(apart.max() < ONE_HEADING_DEG),
    )
