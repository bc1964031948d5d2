"""Demo worlds as training material: two satellite dates and oblique drone pictures of the same ground.

Seeds from 1000 on are for training; the demo and every world of the benchmarks have smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rs_copilot.errors import StorageError
from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.simulation.clip import auto_exposure
from rs_copilot.simulation.render import render
from rs_copilot.simulation.satellite import satellite_image
from rs_copilot.simulation.scenario import Scenario, make_scenario
from rs_copilot.simulation.season import AUTUMN, SUMMER, Season
from rs_copilot.simulation.sensor import drone_picture
from rs_copilot.simulation.settings import ClipSettings, SatelliteSettings, Settings, WorldSettings
from rs_copilot.simulation.views import DroneView, Pose
from rs_copilot.simulation.world import light_for
from rs_copilot.types import ByteImage, FloatArray, SizeWH

FIRST_TRAINING_SEED = 1000
FRAME_SIZE = SizeWH(1200, 900)
# About 65 degrees of horizontal view, as small UAVs have.
FOCAL_SHARE = 0.78
LOW_M, HIGH_M = 150.0, 240.0
STEEPEST_DEG, FLATTEST_DEG = -90.0, -42.0
NADIR_SHARE = 0.4


@dataclass(frozen=True)
class TrainingWorld:
    """``satellites`` ``(D, N, N, 3)`` of D dates on one grid, ``frames`` ``(F, h, w, 3)``, and where each
    frame looks: ``map_px_from_px`` ``(F, 3, 3)`` from its pixels to pixels of the satellites.
    """

    gsd_m: float
    satellites: ByteImage
    frames: ByteImage
    map_px_from_px: FloatArray


def render_world(seed: int, *, extent_m: float, gsd_m: float, frame_count: int) -> TrainingWorld:
    """Render one training world; the same numbers give the same pictures."""
    rng = np.random.default_rng([seed, 77])
    scenario = make_scenario(_settings(seed, extent_m, gsd_m, rng))
    dates = [_satellite(scenario, rng) for _ in range(2)]
    shots = [_shot(scenario, number, rng) for number in range(frame_count)]
    return TrainingWorld(
        gsd_m,
        np.stack(dates),
        np.stack([picture for picture, _ in shots]),
        np.stack([homography for _, homography in shots]),
    )


def random_season(rng: np.random.Generator) -> Season:
    """A season between the two that the demo knows, under another sun and air."""
    share = rng.uniform(-0.2, 1.2)
    summer, autumn = np.array(SUMMER.colors), np.array(AUTUMN.colors)
    mixed = (summer + share * (autumn - summer)) * rng.uniform(0.75, 1.3, summer.shape)
    colors = tuple(tuple(float(v) for v in row) for row in np.clip(mixed, 0.01, 0.6))
    return replace(
        SUMMER,
        name="random",
        colors=colors,  # type: ignore[arg-type]  # rows of three, which mypy cannot see
        sun_azimuth_deg=float(rng.uniform(90.0, 270.0)),
        sun_elevation_deg=float(rng.uniform(28.0, 62.0)),
        leaf=float(rng.uniform(0.3, 1.0)),
        wet=float(rng.uniform(0.0, 0.3)),
        haze=float(rng.uniform(0.0, 0.2)),
    )


def _settings(seed: int, extent_m: float, gsd_m: float, rng: np.random.Generator) -> Settings:
    relief = float(rng.uniform(2.0, 14.0))
    return Settings(
        WorldSettings(seed=seed, extent_m=extent_m, relief_m=relief),
        ClipSettings(seconds=4.0, size=FRAME_SIZE),
        SatelliteSettings(gsd_m=gsd_m),
    )


def _satellite(scenario: Scenario, rng: np.random.Generator) -> ByteImage:
    season = random_season(rng)
    view = replace(
        scenario.settings.satellite,
        lean_deg=float(rng.uniform(0.0, 18.0)),
        lean_azimuth_deg=float(rng.uniform(0.0, 360.0)),
    )
    dated = replace(scenario, settings=replace(scenario.settings, satellite=view))
    return satellite_image(dated, season)


def _shot(scenario: Scenario, number: int, rng: np.random.Generator) -> tuple[ByteImage, FloatArray]:
    world = scenario.world
    margin, extent = world.settings.margin_m, world.settings.extent_m
    intrinsics = Intrinsics(FRAME_SIZE, FOCAL_SHARE * FRAME_SIZE.width_px)
    nadir = rng.random() < NADIR_SHARE
    pitch = rng.uniform(STEEPEST_DEG, -80.0) if nadir else rng.uniform(-80.0, FLATTEST_DEG)
    height = rng.uniform(LOW_M, HIGH_M)
    attitude = Attitude(float(rng.uniform(0.0, 360.0)), float(pitch), float(rng.normal(0.0, 1.5)))
    # The aim is drawn over the whole map, the camera stands back from it.
    aim = margin + rng.uniform(0.12, 0.88, 2) * extent
    ground = float(world.ground_z(aim[None])[0])
    yaw = np.radians(attitude.yaw_deg)
    back = height / np.tan(np.radians(-pitch)) * np.array([np.sin(yaw), np.cos(yaw)])
    pose = Pose(np.array([*(aim - back), ground + height]), attitude)
    season = random_season(rng)
    picture = render(
        world,
        light_for(world, season),
        DroneView(intrinsics, pose, pose, pose),
        scenario.crowd_at(float(rng.uniform(0.0, 4.0))),
    )
    image = drone_picture(
        picture.light, auto_exposure(picture, None), [np.eye(3)] * 2, scenario.sensor_rng(number)
    )
    local = ground_from_px(intrinsics, attitude, pose.xyz_m, ground)
    gsd = scenario.settings.satellite.gsd_m
    map_px = np.array([[1 / gsd, 0.0, -margin / gsd], [0.0, -1 / gsd, (margin + extent) / gsd], [0, 0, 1.0]])
    return image, hg.orient(map_px @ local, FRAME_SIZE)


def write_world(path: Path, world: TrainingWorld) -> None:
    """Keep a world as plain arrays; the file appears whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    draft = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as target:
            np.savez_compressed(
                target,
                gsd_m=world.gsd_m,
                satellites=world.satellites,
                frames=world.frames,
                map_px_from_px=world.map_px_from_px,
            )
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"cannot keep the training world at {path}: {error}") from error


def read_world(path: Path) -> TrainingWorld:
    """The inverse of `write_world`."""
    with np.load(path, allow_pickle=False) as file:
        return TrainingWorld(
            float(file["gsd_m"]), file["satellites"], file["frames"], np.asarray(file["map_px_from_px"])
        )
