"""The rows that localisation writes into a scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from rs_copilot.localization.pipeline import Considered
from rs_copilot.localization.search_area import SearchArea
from rs_copilot.types import Placement
from rs_copilot.vector import build, schema
from rs_copilot.vector.store import write_layers


@dataclass(frozen=True)
class SceneRows:
    """Makes the rows of one clip, and writes them. ``clip_path`` is where the clip was read from."""

    scene: Path
    clip_path: str
    grid: build.Grid
    provenance: build.Provenance

    def places(self, placements: Sequence[Placement]) -> dict[str, gpd.GeoDataFrame]:
        """Rows of the layers frames, footprints and trajectory."""
        return {**self.frames(placements), **self.trajectory(placements)}

    def frames(self, placements: Sequence[Placement]) -> dict[str, gpd.GeoDataFrame]:
        """Rows of the layers frames and footprints."""
        frames = build.frames_table(placements, self.grid, self.provenance, clip_path=self.clip_path)
        return {
            "frames": frames,
            "footprints": build.footprints_table(placements, self.grid, self.provenance),
        }

    def trajectory(self, placements: Sequence[Placement]) -> dict[str, gpd.GeoDataFrame]:
        """The line through all placed frames."""
        return {"trajectory": build.trajectory_table(placements, self.grid, self.provenance)}

    def search_areas(self, found: Sequence[tuple[Placement, SearchArea]]) -> gpd.GeoDataFrame:
        """Where unlocated frames may be."""
        rows = [
            {"frame": p.frame, "time_s": p.time_s, "probability": a.probability}
            | {"area_km2": a.area_km2, "level": a.level}
            for p, a in found
        ]
        shapes = [area.polygon for _, area in found]
        return build.build_table(schema.SEARCH_AREA, rows, shapes, self.grid, self.provenance)

    def considered(self, found: Sequence[Considered]) -> gpd.GeoDataFrame:
        """Places that were looked at closely."""
        rows = [
            {"frame": item.frame, "time_s": item.time_s, "rank": item.rank, "score": item.candidate.peak}
            for item in found
        ]
        shapes = [build.footprint(item.candidate.map_from_px, item.size) for item in found]
        return build.build_table(schema.CANDIDATES, rows, shapes, self.grid, self.provenance)

    def replace(self, tables: Mapping[str, gpd.GeoDataFrame]) -> None:
        """Swap all rows of the clip in these layers."""
        write_layers(self.scene, tables, replace_clip=self.provenance.clip)

    def append(self, tables: Mapping[str, gpd.GeoDataFrame]) -> None:
        """Add rows."""
        write_layers(self.scene, tables)
