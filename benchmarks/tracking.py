"""How well moving objects are tracked: a table for demo worlds and for real traffic.

    python -m benchmarks.tracking [--work DIR] [--data FOLDER] [--markdown FILE] [--quick]

Tracking runs on the true camera poses of demo worlds with their terrain model, and on the placements that
`rs-copilot localize` finds with attitude but no position, over flat ground and with the terrain model.
``--data`` is the folder of real imagery; its traffic clip has machine-made truth (see its README), placed by
a plain scale. ``--quick`` leaves the worlds out.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pyproj

from benchmarks.localization.report import percent
from benchmarks.localization.store import OUT
from benchmarks.rows import Job, key_of, measured, table
from rs_copilot.evaluation.hota import hota
from rs_copilot.evaluation.mot import MotScore, Moving, clear_mot, score_tracks
from rs_copilot.evaluation.mot_data import read_tracks, read_tracks_px, read_truth, read_truth_px
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.jobs import localize, simulate
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.track import TrackParams, run
from rs_copilot.types import CameraPosition, FloatArray, FrameStatus, LonLat, Placement, SizeWH, TelemetryUse
from rs_copilot.vector.build import Grid, Provenance, frames_table
from rs_copilot.vector.placements import read_placements
from rs_copilot.vector.store import append_layer, create_scene
from rs_copilot.video.clip import open_clip

VEHICLES = frozenset({"car", "van", "truck", "bus", "vehicle", "lorry"})
COLUMNS = (
    "clip",
    "vehicles ≥ 3 s",
    "tracked on the ground",
    "median ground error",
    "false tracks",
    "tracked in the picture",
    "false tracks",
    "speed error",
    "tracks",
    "MOTA",
    "IDF1",
    "HOTA",
    "frames/s",
)
KHARKIV_GSD_M = 0.43
# Without georeference any true-to-scale CRS serves.
PLANE = pyproj.CRS.from_epsg(32637)


@dataclass(frozen=True)
class World:
    """A demo world; nothing was chosen on those that are not ``tuned_on``."""

    seed: int
    size: str
    seconds: float
    tuned_on: bool = False

    @property
    def title(self) -> str:
        """For the table."""
        name = f"seed {self.seed}" if self.tuned_on else f"**seed {self.seed}**"
        return f"{name}, {self.size.replace('x', '×')}, {self.seconds:.0f} s"

    def rendered(self, work: Path) -> Path:
        """The folder with its files."""
        folder = work / f"seed_{self.seed}"
        if not (folder / "truth.gpkg").exists():
            params = simulate.SimulateParams(out=folder, seed=self.seed, seconds=self.seconds, size=self.size)
            simulate.run(params, JobContext())
        return folder


WORLDS = (
    World(11, "960x540", 12.0),
    World(12, "960x540", 12.0),
    World(7, "1280x720", 20.0, tuned_on=True),
)


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


def world_rows(work: Path, world: World) -> list[list[str]]:
    """Three rows for one demo world."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_world_rows(world, world.rendered(work), Path(folder)))


def _world_rows(world: World, files: Path, folder: Path) -> Iterator[list[str]]:
    truth_px = read_truth_px(files / "truth.gpkg")
    dem = str(files / "dem.tif")
    exact, own = truth_scene(files, folder), folder / "own.gpkg"
    localize.run(
        localize.LocalizeParams(
            clip=files / "clip.mp4",
            satellite=str(files / "satellite.tif"),
            out=own,
            use_telemetry=TelemetryUse.ATTITUDE,
        ),
        JobContext(),
    )
    for name, scene, terrain in (
        ("true poses, terrain model", exact, dem),
        ("own placements, flat ground", own, None),
        ("own placements, terrain model", own, dem),
    ):
        crs = read_placements(scene, "clip.mp4").metric_crs
        truth = read_truth(files / "truth.gpkg", crs)
        yield report(Case(f"{world.title}: {name}", truth, scene, "clip.mp4", crs, truth_px, terrain))


def traffic_rows(data: Path) -> list[list[str]]:
    """The row of the real clip."""
    with tempfile.TemporaryDirectory() as folder:
        scene, truth = kharkiv_scene(data, Path(folder))
        name = "traffic from a hovering UAV (real, 960×1080), on a plain scale"
        return [report(Case(name, truth, scene, "traffic.mp4", PLANE))]


@dataclass(frozen=True)
class Case:
    """One row: a scene to track in, and the truth; ``truth_px`` where boxes are known."""

    name: str
    truth: list[Moving]
    scene: Path
    clip: str
    crs: pyproj.CRS
    truth_px: list[Moving] | None = None
    dem: str | None = None


def report(case: Case) -> list[str]:
    """Track, score and give one row. MOTA, IDF1 and HOTA are for matches on the ground."""
    result = run(TrackParams(scene=str(case.scene), clip=case.clip, dem=case.dem), JobContext())
    tracks = read_tracks(case.scene, case.clip, case.crs)
    ground = score_tracks(case.truth, tracks, labels=VEHICLES)
    picture: MotScore | None = None
    if case.truth_px is not None:
        seen = (case.truth_px, read_tracks_px(case.scene, case.clip))
        picture = score_tracks(case.truth, tracks, labels=VEHICLES, seen=seen)
    mot = clear_mot(case.truth, tracks)
    return [
        case.name,
        f"{ground.wanted}",
        percent(ground.tracked_share),
        f"{ground.median_distance_m:.1f} m",
        f"{ground.false_tracks}",
        "–" if picture is None else percent(picture.tracked_share),
        "–" if picture is None else f"{picture.false_tracks}",
        f"{100 * ground.median_speed_error:.1f} %",
        f"{ground.tracks}",
        *(f"{mot[key]:.2f}" for key in ("mota", "idf1")),
        f"{hota(case.truth, tracks).hota:.2f}",
        f"{result.clips[0].frames / result.clips[0].seconds:.1f}",
    ]


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=OUT / "tracking", help="worlds and rows are kept here")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument(
        "--budget", type=float, default=math.inf, help="seconds; what is kept serves after it"
    )
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    jobs = [Job("traffic", traffic_rows, (options.data,))] if options.data else []
    if not options.quick:
        jobs = [*(Job(f"seed_{w.seed}", world_rows, (options.work, w)) for w in WORLDS), *jobs]
    key = key_of(Path(__file__))
    rows = measured(jobs, options.work / "rows", key, budget_s=options.budget)
    text = "\n".join([*table(COLUMNS, rows), ""])
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
