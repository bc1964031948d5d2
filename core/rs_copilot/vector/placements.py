"""Placements read back from a scene's frames layer: what tracking and the video panel start from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from rs_copilot.errors import SceneError
from rs_copilot.types import FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector.store import read_layer, read_scene_info


@dataclass(frozen=True)
class ClipPlacements:
    """All frames of one clip, in order, with what is needed to go on from them.

    ``metric_crs`` is the CRS that the placements' homographies map to; it is the scene's own CRS where
    no frame is placed. ``camera_heights_m`` are above sea level where localization had an elevation
    raster, else above ground: not the layer says which, but the run that wrote it.
    """

    clip: str
    clip_path: Path
    metric_crs: pyproj.CRS
    scene_crs: pyproj.CRS
    placements: tuple[Placement, ...]
    cameras: tuple[LonLat | None, ...]
    camera_heights_m: tuple[float | None, ...]


def read_clips(path: str | Path) -> tuple[str, ...]:
    """Names of the clips of a scene.

    Raises:
        SceneError: the file is no scene.
    """
    return read_scene_info(path).clips


def read_placements(path: str | Path, clip: str) -> ClipPlacements:
    """The frames of one clip of a scene.

    Raises:
        SceneError: the file is no scene, the clip is not in it, or a stored homography is broken.
    """
    table = read_layer(path, "frames", clip=clip)
    if table.empty:
        raise SceneError(
            f"scene {path} has no frames of clip {clip!r}",
            hint=f"Its clips are: {', '.join(read_clips(path)) or 'none'}.",
        )
    crs_names = table["metric_crs"].dropna().unique()
    if len(crs_names) > 1:
        raise SceneError(f"clip {clip!r} is placed in several CRS: {', '.join(crs_names)}")
    metric_crs = pyproj.CRS.from_user_input(crs_names[0]) if len(crs_names) else table.crs
    rows: Sequence[dict[str, Any]] = table.sort_values("frame").to_dict("records")
    placements = tuple(_placement(row) for row in rows)
    cameras = tuple(None if pd.isna(r["cam_lon"]) else LonLat(r["cam_lon"], r["cam_lat"]) for r in rows)
    heights = tuple(None if pd.isna(r["cam_alt_m"]) else float(r["cam_alt_m"]) for r in rows)
    clip_path = Path(str(rows[0]["clip_path"]))
    return ClipPlacements(clip, clip_path, metric_crs, table.crs, placements, cameras, heights)


def _placement(row: dict[str, Any]) -> Placement:
    located = row["homography"] is not None
    return Placement(
        frame=int(row["frame"]),
        time_s=float(row["time_s"]),
        status=FrameStatus(row["status"]),
        score=float(row["score"]),
        error_m=None if pd.isna(row["error_m"]) else float(row["error_m"]),
        map_from_px=_homography(row["homography"]) if located else None,
        size=SizeWH(int(row["width_px"]), int(row["height_px"])) if located else None,
        file=row["file"],
        reason=row["reason"],
        level_m=None if pd.isna(row.get("level_m")) else float(row["level_m"]),
    )


def _homography(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        return np.array(json.loads(text), dtype=np.float64).reshape(3, 3)
    except ValueError as error:
        raise SceneError(f"expected a JSON list of 9 numbers as homography, found {text[:60]!r}") from error
