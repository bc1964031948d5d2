"""Frames with a known place narrow the search of the others, and never leave the truth out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from rs_copilot.geo import homography as hg
from rs_copilot.localization.agreement import MAX_SPEED_MPS
from rs_copilot.localization.controls import Seed
from rs_copilot.localization.follow import Follower
from rs_copilot.localization.keyframes import Keyframe, Recording, Visit
from rs_copilot.localization.seeds import Seeds
from rs_copilot.localization.view import View, nadir_view
from rs_copilot.matching.flow import Motion
from tests.engine.localization.town import SIZE, frame, reference

VIEW: View = nadir_view(SIZE, 160.0, 25.0)
CENTERS = [np.array([250.0 + 4.0 * i, 300.0 + 2.0 * i]) for i in range(16)]
BOUNDS = (0.0, 0.0, 600.0, 600.0)


def clip(*, cut_after: int | None = None, moving: bool = True) -> Recording:
    """A flight over the town at 10 fps whose every fifth frame is a keyframe."""
    recording = Recording()
    for number, center in enumerate(CENTERS):
        if number:
            to_from = np.linalg.inv(VIEW.at(center)) @ VIEW.at(CENTERS[number - 1])
            broken = not moving or number - 1 == cut_after
            recording.chain.append(None if broken else Motion(to_from / to_from[2, 2], 300, 0.9))
        recording.visits.append(Visit(number, number / 10, SIZE, None, None))
        if number % 5 == 0:
            _, encoded = cv2.imencode(".png", frame(VIEW, center))
            recording.keyframes.append(Keyframe(number, SIZE, None, encoded.tobytes()))
    return recording


def seed(visit: int, off_m: float = 0.0, sigma_m: float = 2.0) -> Seed:
    return Seed(visit, VIEW.at(CENTERS[visit] + [off_m, 0.0]), sigma_m)


def holds(window: tuple[float, float, float, float], point: np.ndarray) -> bool:
    return bool(window[0] <= point[0] <= window[2] and window[1] <= point[1] <= window[3])


def test_motion_from_a_known_frame_narrows_the_search() -> None:
    recording = clip()
    seeds = Seeds(recording, [seed(7, off_m=2.0)])
    for keyframe in recording.keyframes:
        window = seeds.window(keyframe, BOUNDS)
        assert holds(window, CENTERS[keyframe.visit])
        assert (window[2] - window[0]) * (window[3] - window[1]) < 0.1 * 600**2


def test_across_a_cut_a_frame_is_no_farther_than_an_aircraft_flies() -> None:
    recording = clip(cut_after=9)
    west, _, east, _ = Seeds(recording, [seed(7)]).window(recording.keyframes[2], (-9e4, -9e4, 9e4, 9e4))
    assert east - west == pytest.approx(2 * (MAX_SPEED_MPS * 0.3 + 2 * VIEW.width_m), rel=0.02)


def test_photos_and_places_off_the_map_narrow_nothing() -> None:
    photos = clip(moving=False)
    assert Seeds(photos, [seed(5)]).window(photos.keyframes[2], BOUNDS) == BOUNDS
    recording = clip()
    assert Seeds(recording, [seed(5, off_m=5000.0)]).window(recording.keyframes[1], BOUNDS) == BOUNDS
    assert Seeds(recording).window(recording.keyframes[1], BOUNDS) == BOUNDS


def test_the_neighbours_of_a_known_frame_are_found_without_a_search() -> None:
    recording = clip()
    follower = Follower(recording, reference(), lambda share: None, lambda fix: None)
    found = Seeds(recording, [seed(7, off_m=1.5)]).fixes(follower)
    assert sorted(found) == [1, 2]
    for key, (fix,) in found.items():
        center = hg.apply(fix.registration.map_from_px, SIZE.center_px)[0]
        np.testing.assert_allclose(center, CENTERS[recording.keyframes[key].visit], atol=1.0)
        assert fix.log_odds > 3.0


def test_a_frame_that_does_not_register_is_passed_over() -> None:
    recording = clip()
    blank = cv2.imencode(".png", np.full((180, 320, 3), 120, np.uint8))[1].tobytes()
    recording.keyframes[2] = replace(recording.keyframes[2], encoded=blank)
    follower = Follower(recording, reference(), lambda share: None, lambda fix: None)
    assert sorted(Seeds(recording, [seed(7)]).fixes(follower)) == [1, 3]
