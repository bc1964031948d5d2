"""All that is known of a scene, ready to be asked: what was seen, what moved, what lies where by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyproj
import shapely
from rapidfuzz import fuzz, process
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo import crs as geo_crs
from rs_copilot.reasoning.occlusion import Occluders
from rs_copilot.reasoning.question import Mark
from rs_copilot.reasoning.roads import Roads, build_roads
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.views import Views
from rs_copilot.types import FloatArray

# How alike a name has to be to one that exists, 0 to 100, to be taken for it.
MIN_LIKENESS = 86.0
DIGITS = re.compile(r"\d+")
ARTICLES = frozenset({"the", "a", "an"})
# What names are written with here and without there.
QUIET = str.maketrans({"_": " ", "“": None, "”": None, '"': None, "'": None, "’": None})


@dataclass(frozen=True)
class Memory:
    """A scene as it is asked about: the frames of one clip, and things of all kinds.

    Shapes lie in ``crs``, which is metric.
    """

    crs: pyproj.CRS
    views: Views
    things: tuple[Thing, ...]

    @cached_property
    def by_kind(self) -> dict[Kind, tuple[Thing, ...]]:
        """Things by kind."""
        found: dict[Kind, list[Thing]] = {kind: [] for kind in Kind}
        for thing in self.things:
            found[thing.kind].append(thing)
        return {kind: tuple(items) for kind, items in found.items()}

    @cached_property
    def by_key(self) -> dict[str, Thing]:
        """Things by key."""
        return {thing.key: thing for thing in self.things}

    @cached_property
    def occluders(self) -> Occluders:
        """What can hide something."""
        return Occluders(self.by_kind[Kind.OCCLUDER])

    @cached_property
    def roads(self) -> Roads:
        """The roads as a network."""
        return build_roads(self.by_kind[Kind.ROAD])

    @cached_property
    def _names(self) -> dict[str, list[Thing]]:
        found: dict[str, list[Thing]] = {}
        for thing in self.things:
            for name in {plain(thing.name), plain(thing.key)}:
                found.setdefault(name, []).append(thing)
        return found

    def with_marks(self, marks: Sequence[Mark]) -> Memory:
        """The same with what was drawn for one question."""
        drawn = tuple(
            Thing(f"mark {mark.name}", Kind.MARK, mark.name, "mark", self.to_metric(mark.shape_lonlat))
            for mark in marks
        )
        return replace(self, things=self.things + drawn) if drawn else self

    def named(self, name: str, kinds: Iterable[Kind] = ()) -> list[Thing]:
        """Things that are called so: exactly, or else nearly so. Marks of the question come first."""
        wanted = plain(name)
        found = self._names.get(wanted, [])
        if not found:
            best = process.extractOne(
                wanted, self._names.keys(), scorer=fuzz.ratio, score_cutoff=MIN_LIKENESS
            )
            # Another number is another thing: track 7 is not nearly track 77.
            found = self._names[best[0]] if best and DIGITS.findall(best[0]) == DIGITS.findall(wanted) else []
        kept = set(kinds) or set(Kind)
        chosen = [thing for thing in found if thing.kind in kept]
        return sorted(chosen, key=lambda thing: thing.kind is not Kind.MARK)

    def to_metric(self, shape_lonlat: BaseGeometry) -> BaseGeometry:
        """Geometry in degrees as geometry of the memory."""
        return shapely.transform(shape_lonlat, lambda xy: geo_crs.transform(xy, geo_crs.WGS84, self.crs))

    def to_lonlat(self, shape: BaseGeometry) -> BaseGeometry:
        """Geometry of the memory in degrees."""
        return shapely.transform(shapely.force_2d(shape), lambda xy: geo_crs.to_lonlat(xy, self.crs))

    def geodesic(self, start_xy: FloatArray, end_xy: FloatArray) -> tuple[float, float]:
        """Metres on the ellipsoid, and azimuth in degrees clockwise from true north (Karney 2013)."""
        ends = geo_crs.to_lonlat(np.array([start_xy, end_xy]), self.crs)
        azimuth, _, distance = geo_crs.GEOD.inv(*ends[0], *ends[1])
        return float(distance), float(azimuth) % 360.0


def plain(name: str) -> str:
    """A name without case, quotation marks, doubled spaces and the article before it."""
    words = name.lower().translate(QUIET).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ARTICLES else words)
