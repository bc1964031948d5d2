"""18_snowpeak_uav_frames: neither map nor terrain, but frames that overlap and the poses of an autopilot."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rs_copilot.geo import crs as geo_crs
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.types import FloatArray, SizeWH

# Frames farther apart than this do not overlap.
MAX_FLOWN_M = 220.0


@dataclass(frozen=True)
class Level:
    """A frame's features laid on a level plane one metre below its camera, by the autopilot's attitude."""

    row: dict[str, str]
    points: FloatArray
    descriptors: FloatArray


def snowpeak(data: Path) -> str:
    """What overlapping frames say about the autopilot: heading, and height from the distance flown."""
    folder = data / "18_snowpeak_uav_frames"
    with (folder / "pose.csv").open() as file:
        frames = [_level(folder, row) for row in csv.DictReader(file)]
    pairs = [said for a, b in itertools.combinations(frames, 2) if (said := _pair(a, b)) is not None]
    height_m, turn_deg, course_deg = np.array(pairs).T
    return (
        f"18_snowpeak: {len(pairs)} pairs of {len(frames)} frames overlap. Laid on each other by the "
        f"autopilot's attitude their headings differ by {np.median(np.abs(turn_deg)):.1f}° in the median "
        f"(worst {np.abs(turn_deg).max():.0f}°), their courses by {np.median(np.abs(course_deg)):.1f}° "
        f"(worst {np.abs(course_deg).max():.0f}°); the distance flown gives heights above ground of "
        f"{height_m.min():.0f} to {height_m.max():.0f} m, {np.median(height_m):.0f} m in the median."
    )


def _level(folder: Path, row: dict[str, str]) -> Level:
    image = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
    size = SizeWH(image.shape[1], image.shape[0])
    # Canon IXUS 125 HS: 4.3 mm over a sensor 6.17 mm wide.
    intrinsics = Intrinsics(size, 4.3 / 6.17 * size.width_px)
    attitude = Attitude(float(row["heading"]), float(row["pitch"]) - 90.0, float(row["roll"]))
    plane = ground_from_px(intrinsics, attitude, np.array([0.0, 0.0, 1.0]))
    found, descriptors = cv2.SIFT_create(3000).detectAndCompute(image, None)
    # OpenCV's (0, 0) is the centre of the first pixel.
    pixels = np.array([point.pt for point in found]) + 0.5
    return Level(row, hg.apply(plane, pixels), descriptors)


def _pair(first: Level, second: Level) -> tuple[float, float, float] | None:
    """Height above ground, difference of heading and of course; ``None`` for frames that do not overlap."""
    here, there = ((float(level.row["lon"]), float(level.row["lat"])) for level in (first, second))
    azimuth, _, flown_m = geo_crs.GEOD.inv(*here, *there)
    if flown_m > MAX_FLOWN_M:
        return None
    near = cv2.BFMatcher().knnMatch(second.descriptors, first.descriptors, k=2)
    matches = [best for best, other in near if best.distance < 0.8 * other.distance]
    source = 1000.0 * second.points[[match.queryIdx for match in matches]]
    target = 1000.0 * first.points[[match.trainIdx for match in matches]]
    motion, agree = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=8.0, maxIters=5000)
    if motion is None or agree.sum() < 15:
        return None
    moved = motion[:, 2] / 1000.0
    course = float(np.degrees(np.arctan2(moved[0], moved[1]))) - azimuth
    turn = float(np.degrees(np.arctan2(motion[1, 0], motion[0, 0])))
    return flown_m / float(np.hypot(*moved)), turn, (course + 180.0) % 360.0 - 180.0
