"""Cameras and footprints over relief: flat ground, a terrain model and a surface model side by side.

    python -m benchmarks.pose [--data DIR] [--work DIR] [--markdown FILE] [--quick]

Rendered worlds with 40 m of relief, 0, 30 and 45 degrees off nadir, have exact truth. ``--data`` (default:
RS_COPILOT_DATA) adds what can be said on real frames with known poses: ``17_orthority_pose_dsm`` (four
oblique frames, poses by structure from motion, a surface model, no map: the map of each frame is an
orthophoto made from the other three) and ``18_snowpeak_uav_frames`` (poses by the autopilot, neither map nor
terrain: frames that overlap are laid on each other, see `overlaps`). ``--work`` keeps what was rendered and
measured; ``--quick`` leaves the worlds out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import rasterio

from benchmarks.localization.store import OUT
from benchmarks.overlaps import snowpeak
from benchmarks.rows import Job, key_of, measured, table
from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, attitude_from_rotation, project
from rs_copilot.jobs import simulate
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.localize import LocalizeParams, run
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.register import register
from rs_copilot.localization.relief_pose import (
    AttitudePrior,
    CameraPose,
    center_on_terrain,
    ground_homography,
    outline_on_terrain,
)
from rs_copilot.localization.relief_register import OverTerrain, Terrain, register_pose
from rs_copilot.raster.grid import ElevationMap
from rs_copilot.raster.source import open_raster, read_elevation
from rs_copilot.types import ByteImage, FloatArray, SizeWH, TelemetryUse
from rs_copilot.vector.store import read_layer

WORLD_SEED, WORLD_RELIEF_M = 12, 40.0
TILTS_DEG = (0, 30, 45)


@dataclass(frozen=True)
class Truth:
    """Where a camera was and what ground it saw: by frame index or file name."""

    pose: CameraPose
    center_m: FloatArray
    outline_m: FloatArray | None


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    source: str
    ground: str
    frames: int
    placed: int
    center_m: FloatArray
    camera_m: FloatArray
    height_m: FloatArray
    overlap: FloatArray

    def cells(self) -> list[str]:
        """As text: medians, and the 90th percentile of the centre."""
        return [
            self.source,
            self.ground,
            f"{self.placed} of {self.frames}",
            f"{_middle(self.center_m)} / {_middle(self.center_m, 90)}",
            _middle(self.camera_m),
            _middle(self.height_m),
            f"{_middle(100 * self.overlap, digits=1)} %" if len(self.overlap) else "",
        ]


HEAD = ("source", "ground", "placed", "centre, m: median / 90 %", "camera, m", "its height, m", "overlap")
# Trials per real frame.
STARTS = 6


def _middle(values: FloatArray, percent: float = 50, digits: int = 2) -> str:
    return f"{np.percentile(values, percent):.{digits}f}" if len(values) else "–"


def measure(source: str, ground: str, scene: Path, truths: dict[str, Truth], key: str) -> Row:
    """Compare a scene's frames and footprints with the truth; ``key`` is the column that names a frame."""
    import shapely

    frames = read_layer(scene, "frames")
    placed = frames[frames["status"] != "unlocated"]
    cameras = geo_crs.transform(placed[["cam_lon", "cam_lat"]].to_numpy(float), geo_crs.WGS84, frames.crs)
    wanted = [truths[str(name)] for name in placed[key]]
    centers = np.column_stack([placed.geometry.x, placed.geometry.y])
    overlap = []
    for frame, polygon in read_layer(scene, "footprints")[["frame", "geometry"]].itertuples(index=False):
        outline = wanted[list(placed["frame"]).index(frame)].outline_m
        if outline is not None:
            true = shapely.Polygon(outline).buffer(0)
            overlap.append(true.intersection(polygon).area / true.union(polygon).area)
    height = placed["cam_alt_m"].to_numpy(float) - [truth.pose.xyz_m[2] for truth in wanted]
    return Row(
        source,
        ground,
        len(frames),
        len(placed),
        np.linalg.norm(centers - [truth.center_m[:2] for truth in wanted], axis=1),
        np.linalg.norm(cameras - [truth.pose.xyz_m[:2] for truth in wanted], axis=1),
        np.abs(height) if ground != "flat" else np.zeros(0),
        np.array(overlap),
    )


# --- rendered worlds --------------------------------------------------------------------------


def world_rows(work: Path, tilt: int) -> list[list[str]]:
    """A flight over 40 m of relief; the truth is where the exact camera sees the exact model."""
    folder = _world(work, tilt)
    rows = []
    for ground in ("flat", "dem", "dsm"):
        scene = work / f"{folder.name}_{ground}.gpkg"
        dem = None if ground == "flat" else str(folder / f"{ground}.tif")
        _localize(folder / "clip.mp4", folder / "satellite.tif", scene, dem)
        truths = _rendered_truth(folder, "dsm" if ground == "dsm" else "dem")
        source = f"town {WORLD_SEED}, {tilt}° off nadir"
        rows.append(measure(source, ground, scene, truths, "frame").cells())
    return rows


def _world(work: Path, tilt: int) -> Path:
    folder = work / f"relief_{tilt}"
    if not (folder / "truth.gpkg").exists():
        params = simulate.SimulateParams(
            out=folder, seed=WORLD_SEED, seconds=10.0, size="960x540", fps="5", off_nadir_deg=tilt
        )
        settings = simulate.settings_of(params)
        hilly = replace(settings, world=replace(settings.world, relief_m=WORLD_RELIEF_M))
        folder.mkdir(parents=True, exist_ok=True)
        simulate._render_into(hilly, folder, JobContext())
    return folder


def _rendered_truth(folder: Path, model: str) -> dict[str, Truth]:
    table = pyogrio.read_dataframe(folder / "truth.gpkg", layer="frames", read_geometry=False)
    terrain = _elevation(folder / f"{model}.tif")
    truths = {}
    for row in table.itertuples():
        pose = CameraPose(
            np.array([row.cam_x, row.cam_y, row.cam_z]), Attitude(row.yaw_deg, row.pitch_deg, row.roll_deg)
        )
        truths[str(row.frame)] = _truth(pose, Intrinsics.from_hfov(SizeWH(960, 540), row.hfov_deg), terrain)
    return truths


def _truth(pose: CameraPose, intrinsics: Intrinsics, terrain: ElevationMap) -> Truth:
    center = center_on_terrain(pose, intrinsics, terrain.at)
    assert center is not None, "the camera looks beyond the elevation model"
    return Truth(pose, center, outline_on_terrain(pose, intrinsics, terrain.at))


def _elevation(path: Path) -> ElevationMap:
    with rasterio.open(path) as source:
        bounds, gsd_m, crs = tuple(source.bounds), source.res[0], pyproj.CRS.from_user_input(source.crs)
    return read_elevation(path, bounds, gsd_m, crs)


def _localize(clip: Path, satellite: Path, scene: Path, dem: str | None) -> None:
    scene.unlink(missing_ok=True)
    params = LocalizeParams(
        clip=clip, satellite=str(satellite), out=scene, use_telemetry=TelemetryUse.ATTITUDE, dem=dem
    )
    run(params, JobContext())


# --- 17_orthority_pose_dsm: real oblique frames, poses by structure from motion -----------------


@dataclass(frozen=True)
class Shot:
    """One real frame without lens distortion, its pose, and what its gimbal said."""

    name: str
    image: ByteImage
    pose: CameraPose
    told: Attitude


def orthority(data: Path, work: Path) -> Iterator[Row]:
    """Every frame on an orthophoto of the other three, from a place as wrong as a position by satellite.

    The attitude is what the gimbal reported. With 55 m of relief under a camera 90 m up no plane comes near
    the ground: the search, which draws frames on planes, finds none of the four.
    """
    folder = data / "17_orthority_pose_dsm"
    shots, intrinsics = _shots(folder)
    terrain = _elevation(folder / "dsm_0p8m.tif")
    trials: dict[str, list[Trial]] = {"flat": [], "dsm": []}
    for shot in shots:
        satellite = work / f"without_{shot.name}.tif"
        _write_orthophoto(satellite, [other for other in shots if other is not shot], intrinsics, terrain)
        with open_raster(satellite) as raster:
            info = raster.info
            reference = Reference(raster.read, info.bounds_m, info.gsd_m, info.metric_crs)
            for start in _starts(shot):
                for ground, found in _registered(shot, start, intrinsics, Terrain(reference, terrain.at)):
                    trials[ground].append(Trial(found, _truth(shot.pose, intrinsics, terrain)))
    for ground, tried in trials.items():
        yield _row_of("17_orthority, 30° off nadir", ground, tried, intrinsics, terrain)


@dataclass(frozen=True)
class Trial:
    """Where a registration put a frame: its pose, or without terrain its homography; ``None`` if nowhere."""

    found: CameraPose | FloatArray | None
    truth: Truth


def _starts(shot: Shot) -> Iterator[CameraPose]:
    rng = np.random.default_rng(sum(shot.name.encode()))
    for _ in range(STARTS):
        yield CameraPose(shot.pose.xyz_m + rng.normal(0.0, [8.0, 8.0, 3.0]), shot.told)


def _registered(
    shot: Shot, start: CameraPose, intrinsics: Intrinsics, terrain: Terrain
) -> Iterator[tuple[str, CameraPose | FloatArray | None]]:
    center = center_on_terrain(start, intrinsics, terrain.height_at)
    assert center is not None
    plane = ground_homography(start, intrinsics, float(center[2]))
    assert plane is not None
    flat = register(shot.image, intrinsics.size, plane, terrain.reference)
    yield "flat", None if flat is None else flat.map_from_px
    prior = AttitudePrior(shot.told, tilt_sigma_deg=1.5)
    found = register_pose(OverTerrain(shot.image, intrinsics, terrain), start, prior)
    yield "dsm", None if found is None else found.pose


def _row_of(
    source: str, ground: str, trials: list[Trial], intrinsics: Intrinsics, terrain: ElevationMap
) -> Row:
    placed = [trial for trial in trials if trial.found is not None]
    centers, cameras, heights, overlap = [], [], [], []
    for trial in placed:
        if isinstance(trial.found, CameraPose):
            here = _truth(trial.found, intrinsics, terrain)
            cameras.append(np.linalg.norm((trial.found.xyz_m - trial.truth.pose.xyz_m)[:2]))
            heights.append(abs(trial.found.xyz_m[2] - trial.truth.pose.xyz_m[2]))
            center = here.center_m[:2]
        else:
            oriented = hg.orient(trial.found, intrinsics.size)
            center = hg.apply(oriented, intrinsics.size.center_px)[0]
        centers.append(np.linalg.norm(center - trial.truth.center_m[:2]))
    arrays = (np.array(values) for values in (centers, cameras, heights, overlap))
    return Row(source, ground, len(trials), len(placed), *arrays)


def _shots(folder: Path) -> tuple[list[Shot], Intrinsics]:
    (reconstruction,) = json.loads((folder / "opensfm_reconstruction.json").read_text())[:1]
    (camera,) = reconstruction["cameras"].values()
    size = SizeWH(camera["width"], camera["height"])
    longer = max(size.width_px, size.height_px)
    intrinsics = Intrinsics(size, camera["focal_x"] * longer)
    lens = intrinsics.matrix.copy()
    # OpenSfM counts the principal point from the centre, in longer sides; OpenCV from the first pixel's
    # centre.
    lens[:2, 2] += np.array([camera["c_x"], camera["c_y"]]) * longer - 0.5
    ideal = intrinsics.matrix - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    bend = np.array([camera[name] for name in ("k1", "k2", "p1", "p2", "k3")])
    told = pd.read_csv(folder / "lla_rpy.csv", sep=" ", skipinitialspace=True).set_index("filename")
    poses = pd.read_csv(folder / "xyz_opk.csv", sep=" ", quotechar="'")
    shots = []
    for row in poses.itertuples(index=False):
        image = cv2.cvtColor(cv2.imread(str(folder / f"{row.filename}.jpg")), cv2.COLOR_BGR2RGB)
        said = told.loc[f"{row.filename}.tif"]
        shots.append(
            Shot(
                row.filename,
                cv2.undistort(image, lens, bend, None, ideal),
                CameraPose(np.array([row.x, row.y, row.z]), _from_opk(row.omega, row.phi, row.kappa)),
                Attitude(float(said["yaw"]), float(said["pitch"]) - 90.0, float(said["roll"])),
            )
        )
    return shots, intrinsics


def _from_opk(omega_deg: float, phi_deg: float, kappa_deg: float) -> Attitude:
    """Attitude from photogrammetry's angles: x right, y up, z backwards; turned about x, then y, then z."""
    turns = [
        cv2.Rodrigues(np.radians(angle) * axis)[0]
        for angle, axis in zip((omega_deg, phi_deg, kappa_deg), np.eye(3), strict=True)
    ]
    return attitude_from_rotation(turns[0] @ turns[1] @ turns[2] @ np.diag([1.0, -1.0, -1.0]))


def _write_orthophoto(path: Path, shots: list[Shot], intrinsics: Intrinsics, terrain: ElevationMap) -> None:
    """A mosaic of frames over the surface model: of each spot the view that looks down on it most steeply."""
    gsd_m, rows, cols = 0.4, terrain.heights_m.shape[0] * 2, terrain.heights_m.shape[1] * 2
    x, y = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    ground = np.column_stack([terrain.west_m + x.ravel() * gsd_m, terrain.north_m - y.ravel() * gsd_m])
    places = np.column_stack([ground, terrain.at(ground)])
    mosaic, steepest = np.zeros((rows * cols, 3), np.uint8), np.full(rows * cols, np.inf)
    for shot in shots:
        pixels = project(intrinsics, shot.pose.attitude, shot.pose.xyz_m, places)
        size = np.array([intrinsics.size.width_px, intrinsics.size.height_px])
        away = np.linalg.norm(places[:, :2] - shot.pose.xyz_m[:2], axis=1)
        with np.errstate(invalid="ignore"):
            better = np.all((pixels > 0) & (pixels < size), axis=1) & (away < steepest)
        source = np.nan_to_num(pixels - 0.5, nan=-1e4).astype(np.float32).reshape(rows, cols, 2)
        drawn = cv2.remap(shot.image, source[..., 0], source[..., 1], cv2.INTER_AREA).reshape(-1, 3)
        mosaic[better], steepest[better] = np.maximum(drawn[better], 1), away[better]
    where = rasterio.transform.from_origin(terrain.west_m, terrain.north_m, gsd_m, gsd_m)
    with rasterio.open(
        path, "w", driver="GTiff", width=cols, height=rows, count=3, dtype="uint8", nodata=0, crs=terrain.crs,
        transform=where,
    ) as target:  # fmt: skip
        target.write(np.moveaxis(mosaic.reshape(rows, cols, 3), 2, 0))


def orthority_rows(data: Path) -> list[list[str]]:
    """See `orthority`."""
    with tempfile.TemporaryDirectory() as folder:
        return [row.cells() for row in orthority(data, Path(folder))]


def overlap_rows(data: Path) -> list[list[str]]:
    """See `overlaps`: one sentence."""
    return [[snowpeak(data)]]


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("RS_COPILOT_DATA"))
    parser.add_argument("--work", type=Path, default=OUT / "pose")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument(
        "--budget", type=float, default=math.inf, help="seconds; what is kept serves after it"
    )
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    jobs = [] if options.quick else [Job(f"relief_{t}", world_rows, (options.work, t)) for t in TILTS_DEG]
    sentences = []
    if options.data:
        jobs.append(Job("17_orthority", orthority_rows, (options.data,)))
        sentences.append(Job("18_snowpeak", overlap_rows, (options.data,)))
    key = key_of(Path(__file__), Path(__file__).with_name("overlaps.py"))
    ends = time.monotonic() + options.budget
    rows = measured(jobs, options.work / "rows", key, budget_s=options.budget)
    said = measured(sentences, options.work / "rows", key, budget_s=ends - time.monotonic())
    lines = [*table(HEAD, rows), "", *(cells[0] for row in said for cells in row.lines), ""]
    print("\n".join(lines))
    if options.markdown:
        options.markdown.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
