"""A scene made from a demo world's truth: what answers are worth where every frame is placed exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import shapely

from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.types import CameraPosition, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector import schema
from rs_copilot.vector.build import (
    Grid,
    Provenance,
    build_table,
    footprints_table,
    frames_table,
    trajectory_table,
)
from rs_copilot.vector.gpkg_blob import line_m
from rs_copilot.vector.store import create_scene, write_layers

METHOD = "truth of a demo world"
ERROR_M = 0.3
# Objects that are hidden by more than this are not seen.
SEEN_SHARE = 0.5
MOVED_M = 2.0


def write_oracle_scene(truth: Path, size: SizeWH, clip: str, out: Path) -> None:
    """Write frames, footprints, trajectory and tracks of ``truth.gpkg`` as a scene.

    Tracks are the moving vehicles and people while they could be seen; homographies map to the level plane at
    the height of the ground at the image centre.
    """
    frames = pyogrio.read_dataframe(truth, layer="frames")
    crs = pyproj.CRS.from_user_input(frames.crs)
    grid, provenance = Grid(crs, crs), Provenance(clip, METHOD)
    placements = [_placement(row, size, crs) for row in frames.itertuples()]
    create_scene(out, crs, overwrite=True)
    write_layers(
        out,
        {
            "frames": frames_table(placements, grid, provenance, clip_path=clip),
            "footprints": footprints_table(placements, grid, provenance),
            "trajectory": trajectory_table(placements, grid, provenance),
            "tracks": _tracks(truth, grid, provenance),
        },
    )


def _placement(row: object, size: SizeWH, crs: pyproj.CRS) -> Placement:
    def value(name: str) -> float:
        return float(getattr(row, name))

    camera = np.array([value("cam_x"), value("cam_y"), value("cam_z")])
    attitude = Attitude(value("yaw_deg"), value("pitch_deg"), value("roll_deg"))
    homography = ground_from_px(
        Intrinsics.from_hfov(size, value("hfov_deg")), attitude, camera, ground_z_m=value("ground_z")
    )
    lon, lat = to_lonlat(camera[None, :2], crs)[0]
    height_m = value("cam_z") - value("ground_z")
    return Placement(
        int(value("frame")), value("time_s"), FrameStatus.LOCATED, 1.0, ERROR_M, homography, size,
        camera=CameraPosition(LonLat(lon, lat), height_m),
    )  # fmt: skip


def _tracks(truth: Path, grid: Grid, provenance: Provenance) -> object:
    rows, lines = [], []
    seen = pyogrio.read_dataframe(truth, layer="observations")
    for track_id, table in seen[seen["visible"] > SEEN_SHARE].sort_values("time_s").groupby("track_id"):
        xy = shapely.get_coordinates(table.geometry.to_numpy())
        if len(xy) < 3 or float(np.hypot(*np.ptp(xy, axis=0))) < MOVED_M:
            continue
        times = table["time_s"].to_numpy(dtype=np.float64)
        label = "person" if table["label"].iloc[0] == "person" else "vehicle"
        rows.append({"track_id": int(track_id), "label": label, "start_s": times[0], "end_s": times[-1]})
        lines.append(line_m(xy, times))
    return build_table(schema.TRACKS, rows, lines, grid, provenance)
