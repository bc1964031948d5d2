"""A case: a clip, a map, and where its frames truly lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj

from rs_copilot.geo.crs import from_lonlat
from rs_copilot.types import FloatArray, LonLat

ATTITUDE, NONE = "attitude", "none"


@dataclass(frozen=True)
class Case:
    """One clip or folder of photos on one map.

    ``truth`` has the ground point at the image centre by file name, or by frame number of a video; it is
    ``None`` where the place is not on the map. ``telemetry`` names a file for clips that have none beside
    them. ``methods`` are the methods to run besides ours: all, or those named.
    """

    name: str
    group: str
    clip: Path
    satellite: Path
    truth: Mapping[str, LonLat] | None
    truth_accuracy: str = ""
    telemetry: Path | None = None
    uses: tuple[str, ...] = (ATTITUDE, NONE)
    methods: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def centers_m(self, crs: pyproj.CRS) -> dict[str, FloatArray] | None:
        """True ground points in metres of a CRS, shape (2,) each."""
        if self.truth is None:
            return None
        return {query: np.asarray(from_lonlat(place, crs)) for query, place in self.truth.items()}
