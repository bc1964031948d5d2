"""Demo worlds seen from straight above, with every vehicle in them: pictures with exact labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rs_copilot.errors import BadInputError, StorageError
from rs_copilot.geo.camera import Attitude, Intrinsics
from rs_copilot.simulation import fields as f
from rs_copilot.simulation.bodies import Crowd, box_corners, bridge_boxes
from rs_copilot.simulation.clip import auto_exposure
from rs_copilot.simulation.parking import driving_boxes, parked_boxes
from rs_copilot.simulation.render import Picture, render
from rs_copilot.simulation.sensor import drone_picture, satellite_picture
from rs_copilot.simulation.settings import WorldSettings
from rs_copilot.simulation.views import DroneView, Pose, SatelliteView, View
from rs_copilot.simulation.world import World, build_world, light_for
from rs_copilot.training.worlds import FOCAL_SHARE, random_season
from rs_copilot.types import ByteImage, FloatArray, SizeWH

# A vehicle counts as visible from this share on, and as absent below the other; between them nobody asks.
SEEN_SHARE, HIDDEN_SHARE = 0.6, 0.25
# Ortho views are rendered this much finer and averaged, as a telescope does.
RAYS_PER_SIDE = 2
NEAR_VEHICLE_SHARE = 0.8
DRONE_SHARE = 0.4
FARTHEST_LEAN_DEG = 9.0
# Pixels around the picture in which a cut vehicle still has its middle outside.
BORDER_PX = 2.0


@dataclass(frozen=True)
class Scenes:
    """Pictures ``(N, S, S, 3)`` at ``gsd_m``, and all their vehicles.

    ``quads_px`` ``(M, 4, 2)``: corners, the long side first; ``picture`` ``(M,)``: in which picture;
    ``seen`` ``(M,)``: visible share.
    """

    gsd_m: float
    pictures: ByteImage
    quads_px: FloatArray
    picture: np.ndarray
    seen: FloatArray


def render_scenes(seed: int, *, extent_m: float, gsd_m: float, side_px: int, count: int, days: int) -> Scenes:
    """Render ``count`` places of one demo world, spread over ``days`` of other sun, season and traffic.

    The same numbers give the same pictures.
    """
    rng = np.random.default_rng([seed, 91])
    world = build_world(WorldSettings(seed=seed, extent_m=extent_m, relief_m=float(rng.uniform(2.0, 12.0))))
    pictures: list[ByteImage] = []
    quads, numbers, shares = [], [], []
    for day in range(days):
        light, crowd = light_for(world, season := random_season(rng)), _crowd(world, rng)
        for _ in range(day, count, days):
            view = _view(world, crowd, gsd_m, side_px, rng)
            picture = render(world, light, view, crowd)
            found, seen = _vehicles(view, crowd, picture, side_px)
            numbers.append(np.full(len(found), len(pictures)))
            pictures.append(_developed(picture, view, season.haze, side_px, rng))
            quads.append(found)
            shares.append(seen)
    return Scenes(
        gsd_m, np.stack(pictures), np.concatenate(quads), np.concatenate(numbers), np.concatenate(shares)
    )


def _crowd(world: World, rng: np.random.Generator) -> Crowd:
    """Parked and driving vehicles, each an object of its own; the bridge has tag -1."""
    vehicles = parked_boxes(world, rng, float(rng.uniform(0.3, 0.95)))
    vehicles += driving_boxes(world, rng, float(rng.uniform(9.0, 45.0)))
    for number, boxes in enumerate(vehicles):
        boxes[:, f.BOX_OWNER] = number + 1
    groups = [*bridge_boxes(world)[:, None, :], *vehicles]
    ends = np.cumsum([len(group) for group in groups])
    spans = tuple((int(end - len(group)), int(end)) for end, group in zip(ends, groups, strict=True))
    tags = (*[-1] * (len(groups) - len(vehicles)), *range(len(vehicles)))
    return Crowd(np.vstack(groups).astype(np.float32), spans, tags)


def _view(world: World, crowd: Crowd, gsd_m: float, side_px: int, rng: np.random.Generator) -> View:
    """A camera straight above, or the parallel rays of an orthophoto."""
    margin, extent = world.settings.margin_m, world.settings.extent_m
    reach = 0.5 * side_px * gsd_m
    middle = margin + rng.uniform(0.0, 1.0, 2) * extent
    if rng.random() < NEAR_VEHICLE_SHARE:
        middle = crowd.boxes[int(rng.integers(len(crowd.boxes))), [f.BOX_X, f.BOX_Y]].astype(np.float64)
        middle = middle + rng.uniform(-0.7, 0.7, 2) * reach
    middle = np.clip(middle, margin + reach, margin + extent - reach)
    if rng.random() < DRONE_SHARE:
        return _drone(world, middle, gsd_m, side_px, rng)
    size = SizeWH(RAYS_PER_SIDE * side_px, RAYS_PER_SIDE * side_px)
    lean, azimuth = rng.uniform(0.0, FARTHEST_LEAN_DEG), rng.uniform(0.0, 360.0)
    corner = middle + np.array([-reach, reach])
    return SatelliteView(world, corner, gsd_m / RAYS_PER_SIDE, float(lean), float(azimuth), size)


def _drone(
    world: World, middle: FloatArray, gsd_m: float, side_px: int, rng: np.random.Generator
) -> DroneView:
    # A longer lens than that of whole frames: these are crops from the middle third to the whole of one.
    intrinsics = Intrinsics(SizeWH(side_px, side_px), FOCAL_SHARE * side_px * float(rng.uniform(1.0, 3.0)))
    height = intrinsics.focal_px * gsd_m
    attitude = Attitude(float(rng.uniform(0.0, 360.0)), -90.0 + abs(float(rng.normal(0.0, 2.0))), 0.0)
    pose = Pose(np.array([*middle, float(world.ground_z(middle[None])[0]) + height]), attitude)
    return DroneView(intrinsics, pose, pose, pose)


def _developed(
    picture: Picture, view: View, haze: float, side_px: int, rng: np.random.Generator
) -> ByteImage:
    if isinstance(view, DroneView):
        return drone_picture(picture.light, auto_exposure(picture, None), [np.eye(3)] * 2, rng)
    parts = picture.light.reshape(side_px, RAYS_PER_SIDE, side_px, RAYS_PER_SIDE, 3)
    return satellite_picture(parts.mean(axis=(1, 3)), haze, rng)


def _vehicles(view: View, crowd: Crowd, picture: Picture, side_px: int) -> tuple[FloatArray, FloatArray]:
    """Quads ``(M, 4, 2)`` around all that is drawn of each vehicle, along its axis, and visible shares."""
    spans = {tag: span for tag, span in zip(crowd.tags, crowd.spans, strict=True) if tag >= 0}
    quads, shares = [], []
    for sighting in picture.sightings:
        first, end = spans[sighting.tag]
        quad = quad_around(view, crowd.boxes[first:end]) * (side_px / view.size.width_px)
        inside = (quad.mean(axis=0) > BORDER_PX) & (quad.mean(axis=0) < side_px - BORDER_PX)
        if inside.all():
            quads.append(quad)
            shares.append(sighting.seen_px / sighting.alone_px)
    return np.array(quads).reshape(-1, 4, 2), np.array(shares)


def quad_around(view: View, boxes: FloatArray) -> FloatArray:
    """The tightest quad around one body in the picture, its first side along the body. Shape (4, 2)."""
    points = view.project(box_corners(boxes))
    start = boxes[0, [f.BOX_X, f.BOX_Y, f.BOX_Z]].astype(np.float64)
    ahead = start + np.array([boxes[0, f.BOX_COS], boxes[0, f.BOX_SIN], 0.0])
    tail, head = view.project(np.stack([start, ahead]))
    along = (head - tail) / np.linalg.norm(head - tail)
    axes = np.stack([along, [-along[1], along[0]]])
    low, high = (points @ axes.T).min(axis=0), (points @ axes.T).max(axis=0)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    return np.asarray(corners @ axes)


def write_scenes(path: Path, scenes: Scenes) -> None:
    """Keep scenes as plain arrays; the file appears whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    draft = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as target:
            np.savez_compressed(target, **vars(scenes))
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot keep the training scenes at {path}: {error}") from error


def read_scenes(path: Path) -> Scenes:
    """The inverse of `write_scenes`.

    Raises:
        BadInputError: the file holds no scenes.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        return replace(Scenes(**values), gsd_m=float(values["gsd_m"]))
    except (OSError, ValueError, TypeError) as error:
        raise BadInputError(f"{path} holds no training scenes: {error}", hint="Delete it.") from error
