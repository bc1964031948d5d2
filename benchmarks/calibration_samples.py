"""Samples for the calibration: what localisation thought of a place, and how far from the truth it was.

Rendered photos come from worlds of `rs_copilot.training` (independent heights, headings, tilts and seasons),
real ones from the sources of `benchmarks.localization`. Every photo stands alone: photos of one clip look
alike and would count one success many times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio

from benchmarks.localization.cases import Case
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Intrinsics, attitude_from_rotation
from rs_copilot.localization import confidence, pipeline
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Reference
from rs_copilot.raster.source import open_raster
from rs_copilot.training.worlds import FOCAL_SHARE, FRAME_SIZE, read_world
from rs_copilot.types import FloatArray, Frame, Placement, SizeWH, Telemetry, TelemetryUse
from rs_copilot.video.clip import open_clip
from rs_copilot.video.telemetry import read_telemetry

Row = dict[str, Any]
Truth = Mapping[int, FloatArray]
TelemetryOf = Callable[[Frame], Telemetry | None]
# Errors of recorded attitudes: compass, gimbal, barometer with focal length.
YAW_ERROR_DEG, PITCH_ERROR_DEG, HEIGHT_ERROR = 4.0, 1.0, 0.06
# Of a video, stills this far apart.
STILLS_EVERY_S = 2.0
CRS = pyproj.CRS.from_epsg(32633)
CORNER_M = (500_000.0, 5_400_000.0)


@dataclass(frozen=True)
class Batch:
    """Rows of one place and one use of telemetry: registered candidates, and final placements."""

    judged: list[Row]
    placed: list[Row]


def case_batch(case: Case, use: str) -> Batch:
    """All photos, or stills of the video, of a real case."""
    with open_clip(case.clip) as clip:
        moving = clip.info.kind == "video"
        frames = list(clip.frames(every_s=STILLS_EVERY_S if moving else None))
    track = read_telemetry(case.telemetry) if case.telemetry is not None else None

    def telemetry(frame: Frame) -> Telemetry | None:
        return None if track is None else track.at(frame.time_s, frame.index, frame.file)

    def truth(crs: pyproj.CRS) -> Truth | None:
        centers = case.centers_m(crs)
        if centers is None:
            return None
        named = {frame.index: frame.file or str(frame.index) for frame in frames}
        return {index: centers[name] for index, name in named.items() if name in centers}

    return _batch(case.name, use, frames, telemetry, case.satellite, truth)


def world_batches(path: Path, foreign: Path, uses: tuple[str, ...], seed: int) -> Iterator[Batch]:
    """Photos of a rendered world on its own map, and on the map of ``foreign``."""
    world = read_world(path)
    frames = [Frame(i, float(i), image, f"{i}.jpg") for i, image in enumerate(world.frames)]
    with tempfile.TemporaryDirectory() as folder:
        for place, here in ((path, True), (foreign, False)):
            other = world if here else read_world(place)
            satellite = Path(folder) / f"{place.stem}.tif"
            to_map = _write_map(satellite, other.satellites[seed % len(other.satellites)], other.gsd_m)
            places = [to_map @ homography for homography in world.map_px_from_px]
            told = _recorded(places, np.random.default_rng(seed))
            centers = {i: hg.apply(place_m, FRAME_SIZE.center_px)[0] for i, place_m in enumerate(places)}
            for use in uses:
                name = path.stem if here else f"{path.stem}_on_{place.stem}"
                yield _batch(
                    name,
                    use,
                    frames,
                    lambda frame, told=told: told[frame.index],
                    satellite,
                    lambda crs, centers=centers, here=here: centers if here else None,
                )


def _write_map(path: Path, picture: np.ndarray, gsd_m: float) -> FloatArray:
    """Store a satellite image; the homography from its pixels to metres."""
    side = picture.shape[0]
    transform = rasterio.transform.from_origin(CORNER_M[0], CORNER_M[1] + side * gsd_m, gsd_m, gsd_m)
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs=CRS.to_wkt(), transform=transform, **profile) as target:
        target.write(np.moveaxis(picture, 2, 0))
    return np.array([[gsd_m, 0, CORNER_M[0]], [0, -gsd_m, CORNER_M[1] + side * gsd_m], [0, 0, 1.0]])


def _recorded(places: list[FloatArray], rng: np.random.Generator) -> list[Telemetry]:
    """What an aircraft would have recorded of its attitude, with its errors; never the position."""
    intrinsics = Intrinsics(FRAME_SIZE, FOCAL_SHARE * FRAME_SIZE.width_px)
    told = []
    for place in places:
        rotation, height_m = _pose(place, intrinsics)
        attitude = attitude_from_rotation(rotation)
        told.append(
            Telemetry(
                yaw_deg=attitude.yaw_deg + rng.normal(0.0, YAW_ERROR_DEG),
                pitch_deg=max(-90.0, attitude.pitch_deg + rng.normal(0.0, PITCH_ERROR_DEG)),
                roll_deg=attitude.roll_deg,
                alt_agl_m=height_m * (1.0 + rng.normal(0.0, HEIGHT_ERROR)),
                hfov_deg=intrinsics.hfov_deg,
            )
        )
    return told


def _pose(place: FloatArray, intrinsics: Intrinsics) -> tuple[FloatArray, float]:
    """World-from-camera rotation and height of an exact ground homography (Hartley and Zisserman, 8.1)."""
    columns = np.linalg.inv(intrinsics.matrix) @ np.linalg.inv(hg.orient(place, intrinsics.size))
    columns /= np.linalg.norm(columns[:, 0])
    # The ground lies in front of the camera.
    ahead = columns @ np.append(hg.apply(place, intrinsics.size.center_px)[0], 1.0)
    columns *= np.sign(ahead[2])
    camera = np.column_stack([columns[:, 0], columns[:, 1], np.cross(columns[:, 0], columns[:, 1])])
    height = float((-camera.T @ columns[:, 2])[2])
    return np.asarray(camera.T), height


def _batch(
    name: str,
    use: str,
    frames: list[Frame],
    telemetry: TelemetryOf,
    satellite: Path,
    truth_in: Callable[[pyproj.CRS], Truth | None],
) -> Batch:
    with open_raster(satellite) as raster:
        info = raster.info
        reference = Reference(raster.read, info.bounds_m, info.gsd_m, info.metric_crs)
        located = pipeline.locate(
            frames,
            len(frames),
            pipeline.telemetry_reader(telemetry, TelemetryUse(use)),
            reference,
            pipeline.Options(TelemetryUse(use)),
            pipeline.Listener(lambda percent, text: None, lambda placements: None),
            moving=False,
        )
        truth = truth_in(info.metric_crs)
    head = {"place": name, "use": use, "foreign": truth is None}
    known = [p for p in located.placements if truth is None or p.frame in truth]
    judged = [
        {**head, "frame": p.frame, **_evidence(fix, p.frame, truth)}
        for p in known
        for fix in located.judged.get(p.frame, [])
    ]
    return Batch(judged, [{**head, **_placed(p, truth)} for p in known])


def _evidence(fix: Fix, frame: int, truth: Truth | None) -> Row:
    found, candidate = fix.registration, fix.candidate
    return {
        "off_m": _off_m(found.map_from_px, candidate.view.size, frame, truth),
        "log_odds": fix.log_odds,
        "trials": fix.trials,
        "peak": candidate.peak,
        "z": candidate.z,
        "margin": candidate.margin,
        "learned_z": candidate.learned_z,
        "support": found.support,
        "windows": found.windows,
        "ncc": found.ncc,
        "clarity": found.clarity,
        "spread": found.spread,
        "extrapolation": found.extrapolation,
        "residual_m": found.residual_m,
        "tangent": confidence.off_nadir_tangent(found.map_from_px, candidate.view.size),
        "width_m": candidate.view.width_m,
    }


def _placed(placement: Placement, truth: Truth | None) -> Row:
    place, size = placement.map_from_px, placement.size
    return {
        "frame": placement.frame,
        "status": placement.status.value,
        "score": placement.score,
        "radius_m": placement.error_m,
        "off_m": None if place is None or size is None else _off_m(place, size, placement.frame, truth),
    }


def _off_m(place: FloatArray, size: SizeWH, frame: int, truth: Truth | None) -> float:
    """Distance of the image centre from the truth; infinite on a map of another place."""
    if truth is None:
        return float("inf")
    center = hg.apply(hg.orient(place, size), size.center_px)[0]
    return float(np.linalg.norm(center - truth[frame]))
