"""Dragging a frame: it stays rigid, follows the pointer, and comes back from the points it is kept as."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.localization.controls import read_controls
from rs_copilot_plugin.presenters.controls import ControlPoint, entries_of, read_points, write_points
from rs_copilot_plugin.presenters.dragging import QUARTERS, FrameDrag, quarter_px
from rs_copilot_plugin.presenters.frames import FrameRow

# An oblique frame: its far side is wider than its near one.
OBLIQUE = (0.4, 0.1, 1000.0, 0.05, -0.5, 2000.0, 0.0, 0.0004, 1.0)
ROW = FrameRow(7, 1.4, "located", width_px=480, height_px=270, map_from_px=OBLIQUE, metric_crs="EPSG:32633")

metres = st.floats(-500.0, 500.0)
turns = st.floats(-3.0, 3.0)


@given(metres, metres, metres, metres)
def test_a_moved_frame_follows_the_pointer(x, y, dx, dy):
    drag = FrameDrag(ROW).moved((x, y), (x + dx, y + dy))
    for uv in QUARTERS:
        before, after = ROW.ground_at(uv), drag.ground_at(uv)
        assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((dx, dy), abs=1e-6)


@given(turns)
def test_a_turned_frame_keeps_its_centre_and_its_shape(turn):
    centre = ROW.ground_at((0.5, 0.5))
    end = (centre[0] + 80.0 * math.cos(turn), centre[1] + 80.0 * math.sin(turn))
    drag = FrameDrag(ROW).turned((centre[0] + 50.0, centre[1]), end)
    assert drag.ground_at((0.5, 0.5)) == pytest.approx(centre)
    corner, before = drag.ground_at((1.0, 0.0)), ROW.ground_at((1.0, 0.0))
    assert math.dist(corner, centre) == pytest.approx(math.dist(before, centre))
    bearing = math.atan2(corner[1] - centre[1], corner[0] - centre[0])
    was = math.atan2(before[1] - centre[1], before[0] - centre[0])
    assert math.remainder(bearing - was - turn, 2 * math.pi) == pytest.approx(0.0, abs=1e-9)


@given(metres, metres, turns)
def test_a_drag_comes_back_from_its_points(dx, dy, turn):
    drag = FrameDrag(ROW, (dx, dy), turn)
    again = FrameDrag.of(ROW, drag.quarters_m())
    for uv in ((0.0, 0.0), (1.0, 1.0), (0.5, 0.5)):
        assert again.ground_at(uv) == pytest.approx(drag.ground_at(uv), abs=1e-5)


def test_only_what_lies_inside_is_grabbed():
    drag = FrameDrag(ROW, (300.0, 0.0))
    assert drag.holds(drag.ground_at((0.5, 0.5))) and drag.holds(drag.ground_at((0.05, 0.95)))
    assert not drag.holds(ROW.ground_at((0.5, 0.5)))


def test_uncertainty_is_what_the_screen_and_the_frame_allow():
    drag = FrameDrag(ROW)
    width_m = math.dist(drag.ground_at((0.0, 0.5)), drag.ground_at((1.0, 0.5)))
    assert drag.sigma_m(0.1) == pytest.approx(0.01 * width_m)
    assert drag.sigma_m(5.0) == pytest.approx(15.0)


def test_a_dragged_frame_is_one_entry_and_the_engine_reads_it(tmp_path):
    dragged = [ControlPoint(1.4, *px, 15.0, 48.0, 1.5) for px in quarter_px(ROW)]
    pointed = ControlPoint(1.4, 5.0, 6.0, 15.1, 48.1)
    other = [ControlPoint(2.4, *px, 15.0, 48.0, 2.5) for px in quarter_px(ROW)]
    points = [pointed, *dragged, *other]
    path = tmp_path / "clip_control.csv"
    write_points(path, points)
    assert read_points(path) == points
    assert [len(entry) for entry in entries_of(points)] == [1, 4, 4]
    assert [control.sigma_m for control in read_controls(path)] == [None, *[1.5] * 4, *[2.5] * 4]
