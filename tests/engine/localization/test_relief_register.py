"""Frames laid over hills: a rough pose becomes the right one, for one picture and for a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude
from rs_copilot.geo.crs import from_lonlat
from rs_copilot.localization.keyframes import record
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Reference
from rs_copilot.localization.register import Registration, register
from rs_copilot.localization.relief_clip import ReliefClip
from rs_copilot.localization.relief_pose import (
    AttitudePrior,
    CameraPose,
    center_on_terrain,
    ground_homography,
)
from rs_copilot.localization.relief_register import OverTerrain, Terrain, register_pose
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.view import view_of_placement
from rs_copilot.types import ByteImage, FloatArray, Frame, FrameStatus, Placement, Telemetry

from .hills import CRS, LENS, MIDDLE, SIZE, ground_picture, heights, photo, reference

MIDDLE_XYZ = np.array([*MIDDLE, 362.0])
TRUTH = [
    CameraPose(MIDDLE_XYZ + np.array([4.0 * i, -78.0 + 3.0 * i, 0.0]), Attitude(8.0, -54.0, 0.6))
    for i in range(3)
]


@pytest.fixture(scope="module")
def picture() -> ByteImage:
    return ground_picture()


@pytest.fixture(scope="module")
def terrain(picture: ByteImage) -> Terrain:
    return Terrain(reference(picture), heights)


@pytest.fixture(scope="module")
def photos(picture: ByteImage) -> list[ByteImage]:
    return [photo(picture, pose) for pose in TRUTH]


def center(pose: CameraPose) -> FloatArray:
    found = center_on_terrain(pose, LENS, heights)
    assert found is not None
    return found


def roughly(pose: CameraPose) -> CameraPose:
    """A pose as telemetry would give it."""
    attitude = replace(
        pose.attitude, yaw_deg=pose.attitude.yaw_deg + 1.2, pitch_deg=pose.attitude.pitch_deg + 0.4
    )
    return CameraPose(pose.xyz_m + np.array([2.0, -2.5, 1.5]), attitude)


def test_a_rough_pose_becomes_the_right_one(photos: list[ByteImage], terrain: Terrain) -> None:
    found = register_pose(OverTerrain(photos[0], LENS, terrain), roughly(TRUTH[0]))
    assert found is not None
    pose = found.pose
    assert np.linalg.norm(pose.xyz_m - TRUTH[0].xyz_m) < 1.0
    assert np.linalg.norm(center(pose) - center(TRUTH[0])) < 0.3
    assert pose.support > 0.8
    assert found.tight.mean() > 0.7


def test_the_whole_frame_finds_its_place_from_farther_than_windows_reach(
    photos: list[ByteImage], terrain: Terrain
) -> None:
    away = CameraPose(TRUTH[0].xyz_m + np.array([16.0, -14.0, 3.0]), TRUTH[0].attitude)
    found = register_pose(OverTerrain(photos[0], LENS, terrain), away)
    assert found is not None
    assert np.linalg.norm(found.pose.xyz_m - TRUTH[0].xyz_m) < 1.0


def test_another_place_gives_no_pose(terrain: Terrain) -> None:
    elsewhere = photo(ground_picture(seed=9), TRUTH[0])
    assert register_pose(OverTerrain(elsewhere, LENS, terrain), TRUTH[0]) is None


def test_a_camera_off_the_map_gives_no_pose(photos: list[ByteImage], terrain: Terrain) -> None:
    away = CameraPose(TRUTH[0].xyz_m + np.array([5_000.0, 0.0, 0.0]), TRUTH[0].attitude)
    assert register_pose(OverTerrain(photos[0], LENS, terrain), away) is None


def told(frame: Frame) -> Telemetry:
    attitude = TRUTH[frame.index].attitude
    return Telemetry(
        yaw_deg=attitude.yaw_deg + 0.5, pitch_deg=attitude.pitch_deg, roll_deg=0.0, hfov_deg=68.0
    )


def prior_of(telemetry: Telemetry) -> AttitudePrior | None:
    if telemetry.yaw_deg is None or telemetry.pitch_deg is None:
        return None
    return AttitudePrior(Attitude(telemetry.yaw_deg, telemetry.pitch_deg, telemetry.roll_deg or 0.0))


def fixed(image: ByteImage, pose: CameraPose, map_: Reference) -> Registration:
    start = ground_homography(pose, LENS, float(center(pose)[2]))
    assert start is not None
    found = register(image, SIZE, start, map_)
    assert found is not None
    return found


def test_all_frames_of_a_clip_get_cameras_and_outlines(photos: list[ByteImage], terrain: Terrain) -> None:
    frames = [Frame(i, i / 5, image) for i, image in enumerate(photos)]
    recording = record(iter(frames), told, moving=True, on_frame=lambda frame: None)
    assert [keyframe.visit for keyframe in recording.keyframes] == [0]
    registration = fixed(photos[0], TRUTH[0], terrain.reference)
    view = view_of_placement(registration.map_from_px, SIZE)
    fix = Fix(0, Candidate(view, center(TRUTH[0])[:2], 0.5, 9.0), registration, 5.0)
    flat = [
        Placement(i, i / 5, status, 0.9, 3.0, recording.chain.predict(registration.map_from_px, 0, i), SIZE)
        for i, status in enumerate([FrameStatus.LOCATED, FrameStatus.TRACKED, FrameStatus.TRACKED])
    ]
    improved = ReliefClip(recording, terrain, prior_of).improve(flat, {0: fix})
    for before, after, truth in zip(flat, improved, TRUTH, strict=True):
        assert after.camera is not None
        assert after.outline_m is not None
        assert after.map_from_px is not None
        assert after.level_m == pytest.approx(center(truth)[2], abs=0.5)
        assert np.hypot(*(from_lonlat(after.camera.position, CRS) - truth.xyz_m[:2])) < 2.0
        assert after.camera.alt_msl_m == pytest.approx(362.0, abs=1.5)
        missed_m = [
            np.linalg.norm(hg.apply(hg.orient(p.map_from_px, SIZE), SIZE.center_px)[0] - center(truth)[:2])
            for p in (before, after)
        ]
        assert missed_m[1] < max(0.8, missed_m[0])


def test_frames_without_a_focal_length_keep_their_place(photos: list[ByteImage], terrain: Terrain) -> None:
    frames = [Frame(0, 0.0, photos[0])]
    recording = record(iter(frames), lambda frame: None, moving=True, on_frame=lambda frame: None)
    registration = fixed(photos[0], TRUTH[0], terrain.reference)
    view = view_of_placement(registration.map_from_px, SIZE)
    fix = Fix(0, Candidate(view, center(TRUTH[0])[:2], 0.5, 9.0), registration, 5.0)
    flat = [Placement(0, 0.0, FrameStatus.LOCATED, 0.9, 3.0, registration.map_from_px, SIZE)]
    assert ReliefClip(recording, terrain, prior_of).improve(flat, {0: fix}) == flat
