"""A scene in one sentence: how many frames of each clip lie where, and how surely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .frames import FrameRow

# Order of layers in the group, top first; `visible` layers are switched on when they appear.
LAYER_ORDER = (
    "answers",
    "groundings",
    "looks",
    "tracks",
    "detections",
    "frames",
    "trajectory",
    "footprints",
    "search_area",
    "segments",
    "candidates",
)
# The panel draws the evidence of an answer itself, and exactly; the layer has the areas around it.
HIDDEN_AT_FIRST = frozenset({"detections", "candidates", "answers"})
EXPORT_SUFFIXES = (".shp", ".gpkg", ".geojson", ".kml", ".fgb", ".parquet", ".csv")


# The engine gives areas of levels 50 and 90 %, each in one or more parts. Scenes of earlier versions say no
# level: there one area is all of a level, and its probability tells which.
INNER_AREA_AT_MOST = 0.6


def is_inner_area(level: float) -> bool:
    """Whether a search area is of the level that holds half of the probability."""
    return level <= INNER_AREA_AT_MOST


@dataclass(frozen=True)
class ClipSummary:
    """Counts by status, and the median radius that holds the true point with 90 % probability."""

    located: int = 0
    tracked: int = 0
    unlocated: int = 0
    median_error_m: float | None = None
    main_reason: str = ""

    @property
    def total(self) -> int:
        """All sampled frames."""
        return self.located + self.tracked + self.unlocated


def summarise(rows: Iterable[FrameRow]) -> ClipSummary:
    """Count the rows of one clip."""
    rows = list(rows)
    counts = {
        status: sum(row.status == status for row in rows) for status in ("located", "tracked", "unlocated")
    }
    errors = sorted(row.error_m for row in rows if row.error_m is not None and row.status != "unlocated")
    reasons = [row.reason for row in rows if row.reason]
    return ClipSummary(
        counts["located"],
        counts["tracked"],
        counts["unlocated"],
        errors[len(errors) // 2] if errors else None,
        max(set(reasons), key=reasons.count) if reasons else "",
    )
