"""Tracks as tables of the scene. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from rs_copilot.geo import homography as hg
from rs_copilot.tracking.relief import Sight
from rs_copilot.tracking.scan import ScannedFrame
from rs_copilot.tracking.tracks import GroundBlobs, GroundTrack, hit_share, label_of
from rs_copilot.types import FloatArray
from rs_copilot.vector import schema
from rs_copilot.vector.build import Grid, Provenance, build_table, path_length_m
from rs_copilot.vector.gpkg_blob import line_m

SOURCE = "motion"


def tracks_table(
    tracks: Sequence[GroundTrack], labels: Sequence[str], grid: Grid, provenance: Provenance
) -> gpd.GeoDataFrame:
    """One line per moving object; M is the time of each detection."""
    rows = []
    for track, label in zip(tracks, labels, strict=True):
        length_m = path_length_m(track.points_m, grid.metric)
        rows.append(
            {
                "track_id": track.id,
                "label": label,
                "start_s": float(track.times_s[0]),
                "end_s": float(track.times_s[-1]),
                "length_m": length_m,
                "mean_speed_mps": length_m / track.duration_s,
                "max_speed_mps": float(track.speeds_mps.max()),
            }
        )
    lines = [line_m(track.points_m, track.times_s) for track in tracks]
    return build_table(schema.TRACKS, rows, lines, grid, provenance)


def detections_table(
    tracks: Sequence[GroundTrack],
    frames: Sequence[ScannedFrame],
    grounds: Sequence[GroundBlobs],
    map_from_px: Sequence[FloatArray | None],
    sights: Sequence[Sight | None],
    grid: Grid,
    provenance: Provenance,
    *,
    gsd_m: float,
    frame_s: float,
) -> gpd.GeoDataFrame:
    """One polygon per detection of a moving object: its box laid on the ground.

    ``score`` is the share of its life in which the object was seen: a flickering track is a doubtful one.
    """
    rows, shapes = [], []
    for track in tracks:
        label, score = label_of(track, gsd_m), hit_share(track, frame_s)
        for frame, blob in zip(track.frames, track.blobs, strict=True):
            matrix = map_from_px[frame]
            if matrix is None:
                continue
            box = grounds[frame].blobs.boxes_px[blob]
            rows.append(
                {
                    "frame": frames[frame].index,
                    "time_s": frames[frame].time_s,
                    "label": label,
                    "score": score,
                    "track_id": track.id,
                    "box_px": ",".join(f"{value:.1f}" for value in box),
                    "source": SOURCE,
                }
            )
            corners, sight = hg.apply(matrix, _corners(box)), sights[frame]
            shapes.append(shapely.Polygon(corners if sight is None else sight.onto_terrain(corners)))
    return build_table(schema.DETECTIONS, rows, shapes, grid, provenance)


def _corners(box: FloatArray) -> FloatArray:
    x1, y1, x2, y2 = box
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
