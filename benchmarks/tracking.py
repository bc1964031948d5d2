"""How well moving objects are tracked: a table for the demo world and for real traffic.

    .venv/bin/python benchmarks/tracking.py --world DIR [--scene SCENE.gpkg] [--data FOLDER]

``--world`` is what `rs-copilot simulate` wrote; tracking runs once on its true camera poses and, with
``--scene``, once on the placements that `rs-copilot localize` found. ``--data`` is the folder of real
imagery; its traffic clip has machine-made truth (see its README), placed by a plain scale.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pyproj

from rs_copilot.evaluation.mot import MotScore, Moving, clear_mot, score_tracks
from rs_copilot.evaluation.mot_data import read_tracks, read_tracks_px, read_truth, read_truth_px
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.track import TrackParams, run
from rs_copilot.types import CameraPosition, FloatArray, FrameStatus, LonLat, Placement, SizeWH
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import append_layer, create_scene, read_scene_info
from rs_copilot.video.clip import open_clip

VEHICLES = frozenset({"car", "van", "truck", "bus", "vehicle", "lorry"})
COLUMNS = (
    "clip",
    "vehicles ≥ 3 s",
    "tracked",
    "speed error",
    "tracks",
    "false tracks",
    "MOTA",
    "IDF1",
    "precision",
    "recall",
    "switches",
    "frames/s",
)
KHARKIV_GSD_M = 0.43
# Without georeference any true-to-scale CRS serves.
PLANE = pyproj.CRS.from_epsg(32637)


def truth_scene(world: Path, folder: Path) -> Path:
    """A scene whose placements are the true poses over flat ground at the height of the image centre."""
    table = pyogrio.read_dataframe(world / "truth.gpkg", layer="frames")
    with open_clip(world / "clip.mp4") as clip:
        size = clip.info.size
    placements = [_true_placement(row, size) for row in table.to_dict("records")]
    scene = folder / "truth.gpkg"
    create_scene(scene, table.crs)
    _place(scene, placements, world / "clip.mp4", table.crs)
    return scene


def _place(scene: Path, placements: list[Placement], clip: Path, crs: pyproj.CRS) -> None:
    provenance = Provenance(clip.name, "benchmark")
    append_layer(scene, "frames", frames_table(placements, Grid(crs, crs), provenance, clip_path=str(clip)))


def _true_placement(row: dict[str, float], size: SizeWH) -> Placement:
    attitude = Attitude(row["yaw_deg"], row["pitch_deg"], row["roll_deg"])
    camera_xyz = np.array([row["cam_x"], row["cam_y"], row["cam_z"]])
    intrinsics = Intrinsics.from_hfov(size, row["hfov_deg"])
    return Placement(
        frame=int(row["frame"]),
        time_s=row["time_s"],
        status=FrameStatus.LOCATED,
        score=1.0,
        error_m=0.0,
        map_from_px=ground_from_px(intrinsics, attitude, camera_xyz, row["ground_z"]),
        size=size,
        camera=CameraPosition(LonLat(row["cam_lon"], row["cam_lat"]), row["cam_z"] - row["ground_z"]),
    )


def kharkiv_scene(data: Path, folder: Path) -> tuple[Path, list[Moving]]:
    """The hovering traffic clip on a plane, with its machine-made truth."""
    clip_path = data / "08_kharkiv_traffic_video" / "traffic.mp4"
    matrix = np.array([[KHARKIV_GSD_M, 0, 306_000.0], [0, -KHARKIV_GSD_M, 5_540_000.0], [0, 0, 1]])
    placements = [
        Placement(i, i / 25, FrameStatus.LOCATED, 1.0, 0.0, matrix, SizeWH(960, 1080)) for i in range(177)
    ]
    scene = folder / "kharkiv.gpkg"
    create_scene(scene, PLANE)
    _place(scene, placements, clip_path, PLANE)
    table = pd.read_csv(clip_path.with_name("moving_vehicles_pseudo_gt.csv"))
    return scene, [_pseudo_object(int(i), rows, matrix) for i, rows in table.groupby("track_id")]


def _pseudo_object(track_id: int, rows: pd.DataFrame, matrix: FloatArray) -> Moving:
    rows = rows.sort_values("frame")
    centers = np.stack([rows.x + rows.w / 2, rows.y + rows.h / 2, np.ones(len(rows))])
    points = (matrix @ centers)[:2].T
    return Moving(track_id, "vehicle", rows.frame.to_numpy() / 25.0, points, np.ones(len(rows), dtype=bool))


def report(
    name: str,
    truth: list[Moving],
    scene: Path,
    clip: str,
    crs: pyproj.CRS,
    truth_px: list[Moving] | None = None,
) -> None:
    """Track, score and print one row; matching is done in the picture where its truth is known."""
    result = run(TrackParams(scene=str(scene), clip=clip), JobContext())
    tracks = read_tracks(scene, clip, crs)
    seen = None if truth_px is None else (truth_px, read_tracks_px(scene, clip))
    score: MotScore = score_tracks(truth, tracks, labels=VEHICLES, seen=seen)
    mot = clear_mot(*(seen or (truth, tracks)))
    cells = [
        name,
        f"{score.wanted}",
        f"{score.tracked_share:.0%}",
        f"{score.median_speed_error:.1%}",
        f"{score.tracks}",
        f"{score.false_tracks}",
        *(f"{mot[key]:.2f}" for key in ("mota", "idf1", "precision", "recall")),
        f"{mot['num_switches']:.0f}",
        f"{result.clips[0].frames / result.clips[0].seconds:.1f}",
    ]
    print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--world", type=Path)
    parser.add_argument("--scene", type=Path)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = read_truth_px(options.world / "truth.gpkg") if options.world else None
        if options.world:
            scene = truth_scene(options.world, folder)
            crs = read_scene_info(scene).crs
            truth = read_truth(options.world / "truth.gpkg", crs)
            report("demo world, true poses", truth, scene, "clip.mp4", crs, boxes)
        if options.world and options.scene:
            scene = folder / "own.gpkg"
            shutil.copyfile(options.scene, scene)
            clip = read_scene_info(scene).clips[0]
            crs = read_placements(scene, clip).metric_crs
            truth = read_truth(options.world / "truth.gpkg", crs)
            report("demo world, own placements", truth, scene, clip, crs, boxes)
        if options.data:
            scene, truth = kharkiv_scene(options.data, folder)
            report("traffic from a hovering UAV (real)", truth, scene, "traffic.mp4", PLANE)


if __name__ == "__main__":
    main()
