"""What a scene is about: things with a shape on the ground, some of them moving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rs_copilot.geo.paths import places_at
from rs_copilot.types import FloatArray


class Kind(str, Enum):
    """What sort of thing it is, and where it comes from."""

    TRACK = "track"
    """Something that moved, followed through a clip."""
    OBJECT = "object"
    """Something that stood there, however often it was detected."""
    ZONE = "zone"
    ROAD = "road"
    OCCLUDER = "occluder"
    """Something high that can hide what lies behind it: its height is known."""
    PLACE = "place"
    MARK = "mark"
    """Drawn for the question."""
    SEGMENT = "segment"
    GROUNDING = "grounding"
    VIEW = "view"
    """The ground that a frame shows."""
    EVENT = "event"
    PATH = "path"


@dataclass(frozen=True)
class Path:
    """Where something was when: ``times_s`` (N,) ascending, ``xy_m`` (N, 2) in the CRS of the memory."""

    times_s: FloatArray = field(repr=False)
    xy_m: FloatArray = field(repr=False)

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last moment."""
        return float(self.times_s[0]), float(self.times_s[-1])

    def at(self, time_s: float, slack_s: float = 0.5) -> FloatArray | None:
        """The place at a moment, shape (2,); ``None`` where that is more than ``slack_s`` outside."""
        start_s, end_s = self.span_s
        if not start_s - slack_s <= time_s <= end_s + slack_s:
            return None
        return np.asarray(self.places(np.array([time_s]))[0])

    def places(self, times_s: FloatArray) -> FloatArray:
        """Places at some moments (N, 2); before the first and after the last one it stands still."""
        return places_at(times_s, self.times_s, self.xy_m)

    def within(self, start_s: float, end_s: float) -> Path | None:
        """The part between two moments; ``None`` where it has none."""
        keep = (self.times_s >= start_s) & (self.times_s <= end_s)
        return Path(self.times_s[keep], self.xy_m[keep]) if keep.any() else None


@dataclass(frozen=True)
class Thing:
    """Something that can be asked about.

    ``shape`` lies in the metric CRS of the memory; ``error_m`` is the radius that holds its true place with
    90 % probability; ``layer`` and ``fid`` say which row it comes from. ``time_s`` is the moment of an event,
    ``of`` the key of what it happened to.
    """

    key: str
    kind: Kind
    name: str
    label: str
    shape: BaseGeometry = field(repr=False)
    error_m: float = 0.0
    path: Path | None = field(default=None, repr=False)
    time_s: float | None = None
    of: str | None = None
    layer: str | None = None
    fid: int | None = None
    clip: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def point_xy(self) -> FloatArray:
        """One point that stands for it: of an area its middle, of a path the point halfway. Shape (2,)."""
        shape = self.shape
        if shape.geom_type in ("LineString", "MultiLineString"):
            shape = shapely.line_interpolate_point(shapely.force_2d(shape), 0.5, normalized=True)
        elif shape.geom_type != "Point":
            middle = shape.centroid
            shape = middle if shape.covers(middle) else shape.representative_point()
        return np.array([shape.x, shape.y])

    def place_at(self, time_s: float | None) -> FloatArray | None:
        """Where it is at a moment, shape (2,); ``None`` where that is not known."""
        if self.path is None or time_s is None:
            return self.point_xy
        return self.path.at(time_s)

    @property
    def height_m(self) -> float | None:
        """Height above the ground, where it is known."""
        height = self.properties.get("height_m")
        return float(height) if isinstance(height, (int, float)) and np.isfinite(height) else None
