"""Homographies in plain Python agree with their inverse and with the engine's arrays."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo import homography as engine
from rs_copilot.geo.camera import Attitude, Intrinsics, ground_from_px
from rs_copilot.types import SizeWH
from rs_copilot_plugin.presenters import projection

SIZE = SizeWH(1280, 720)


def camera_homography(yaw_deg, pitch_deg, height_m):
    intrinsics = Intrinsics.from_hfov(SIZE, 70.0)
    return ground_from_px(intrinsics, Attitude(yaw_deg, pitch_deg), np.array([500000.0, 5500000.0, height_m]))


cameras = st.builds(camera_homography, st.floats(0, 360), st.floats(-90, -40), st.floats(20, 400))
pixels = st.tuples(st.floats(0, 1280), st.floats(0, 720))


def as_text(matrix):
    return json.dumps([float(v) for v in matrix.ravel()])


@given(cameras, pixels)
def test_agrees_with_the_engine_and_inverts(matrix, pixel):
    h = projection.parse(as_text(matrix), *((SIZE.width_px, SIZE.height_px)))
    point = projection.apply(h, pixel)
    assert point == pytest.approx(tuple(engine.apply(matrix, np.array([pixel]))[0]), abs=1e-6)
    back = projection.apply(projection.invert(h), point)
    assert back == pytest.approx(pixel, abs=1e-3)


@given(cameras, st.floats(0.1, 10), st.booleans())
def test_scale_and_sign_do_not_matter(matrix, scale, negative):
    scaled = matrix * (-scale if negative else scale)
    first = projection.corners(projection.parse(as_text(matrix), 1280, 720), 1280, 720)
    second = projection.corners(projection.parse(as_text(scaled), 1280, 720), 1280, 720)
    assert np.allclose(first, second, atol=1e-4)


def test_nested_rows_are_read_too():
    rows = json.dumps([[2.0, 0.0, 1.0], [0.0, -2.0, 3.0], [0.0, 0.0, 1.0]])
    assert projection.apply(projection.parse(rows, 10, 10), (1.0, 1.0)) == (3.0, 1.0)


@pytest.mark.parametrize("text", [None, "", "null", "[]", "[1,2,3]", "prose", "{}", "[[1,2],[3]]", 7])
def test_what_is_no_homography_is_none(text):
    assert projection.parse(text, 1280, 720) is None


def test_beyond_the_horizon_is_none():
    horizon = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.01, -1.0)
    h = projection.orient(horizon, (640.0, 360.0))
    assert projection.apply(h, (640.0, 50.0)) is None
    assert projection.corners(h, 1280, 720) is None
    assert projection.invert((1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 0.0, 0.0, 1.0)) is None


def test_lerp():
    assert projection.lerp((0.0, 10.0), (10.0, 0.0), 0.25) == (2.5, 7.5)
    assert math.isclose(projection.lerp_all([(0.0, 0.0)], [(4.0, 8.0)], 0.5)[0][1], 4.0)
