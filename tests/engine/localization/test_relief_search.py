"""The second try over mountains: found where no plane fits, refused on another map, not made on plains."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Attitude
from rs_copilot.geo.crs import to_lonlat
from rs_copilot.geo.relief import HeightAt
from rs_copilot.localization.assumptions import Assumptions
from rs_copilot.localization.keyframes import Keyframe, Recording
from rs_copilot.localization.path import Fix
from rs_copilot.localization.relief_pose import AttitudePrior, CameraPose, center_on_terrain
from rs_copilot.localization.relief_register import Terrain
from rs_copilot.localization.relief_search import ReliefSearch
from rs_copilot.types import ByteImage, LonLat, Telemetry, TelemetryUse

from .hills import CRS, LENS, MIDDLE, SIDE_M, SIZE, ground_picture, heights, mountains, photo, reference

TRUTH = CameraPose(np.array([*(MIDDLE + np.array([-20.0, -70.0])), 375.0]), Attitude(15.0, -58.0, 0.0))


@pytest.fixture(scope="module")
def picture() -> ByteImage:
    return ground_picture()


@pytest.fixture(scope="module")
def encoded(picture: ByteImage) -> bytes:
    shown = photo(picture, TRUTH, mountains)
    return cv2.imencode(".png", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))[1].tobytes()


def search(picture: ByteImage, encoded: bytes, height_at: HeightAt, told: Telemetry | None) -> dict[int, Fix]:
    recording = Recording(keyframes=[Keyframe(0, SIZE, told, encoded)])
    map_ = reference(picture)
    assumptions = Assumptions(TelemetryUse.ATTITUDE, 0.0, (SIDE_M, SIDE_M), 250.0)

    def prior_of(telemetry: Telemetry) -> AttitudePrior | None:
        return (
            None if telemetry.pitch_deg is None else AttitudePrior(Attitude(15.5, telemetry.pitch_deg, 0.2))
        )

    again = ReliefSearch(recording, Terrain(map_, height_at), assumptions, prior_of, map_.bounds_m)
    return again.found_again({}, lambda: None)


def telling(position: LonLat | None = None) -> Telemetry:
    return Telemetry(alt_agl_m=122.0, yaw_deg=15.5, pitch_deg=-58.2, hfov_deg=68.0, position=position)


def at(east_m: float, north_m: float) -> LonLat:
    lon, lat = to_lonlat(TRUTH.xyz_m[None, :2] + [east_m, north_m], CRS)[0]
    return LonLat(float(lon), float(lat))


@pytest.mark.parametrize("position", [None, at(20.0, 15.0)])
def test_a_frame_is_found_over_mountains(picture: ByteImage, encoded: bytes, position: LonLat | None) -> None:
    fix = search(picture, encoded, mountains, telling(position))[0]
    truth = center_on_terrain(TRUTH, LENS, mountains)
    assert truth is not None
    place = hg.apply(fix.registration.map_from_px, SIZE.center_px)[0]
    assert np.linalg.norm(place - truth[:2]) < 1.0
    assert fix.log_odds >= 3.0


def test_another_map_is_refused(encoded: bytes) -> None:
    assert search(ground_picture(seed=9), encoded, mountains, telling()) == {}


def test_a_position_far_away_is_believed(picture: ByteImage, encoded: bytes) -> None:
    assert search(picture, encoded, mountains, telling(at(3_000.0, 0.0))) == {}


def test_gentle_hills_are_left_to_the_ordinary_search(picture: ByteImage, encoded: bytes) -> None:
    assert search(picture, encoded, lambda points: 250.0 + 0.3 * (heights(points) - 250.0), telling()) == {}


@pytest.mark.parametrize("told", [None, Telemetry(), Telemetry(alt_agl_m=120.0, hfov_deg=68.0, yaw_deg=0.0)])
def test_without_attitude_height_and_lens_there_is_nothing_to_draw(
    picture: ByteImage, encoded: bytes, told: Telemetry | None
) -> None:
    assert search(picture, encoded, mountains, told) == {}
