"""Views at any time, and the moments that see a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot_plugin.presenters.frames import ClipFrames, FrameRow

WIDTH, HEIGHT = 200, 100


def row(time_s, x_m, status="located", crs="EPSG:32633", placed=True):
    """A north-up frame of 1 m pixels whose top-left corner is at (x_m, 1000)."""
    h = (1.0, 0.0, x_m, 0.0, -1.0, 1000.0, 0.0, 0.0, 1.0) if placed else None
    return FrameRow(
        int(time_s * 10), time_s, status, width_px=WIDTH, height_px=HEIGHT, map_from_px=h, metric_crs=crs
    )


def flight():
    return ClipFrames([row(float(t), 50.0 * t) for t in range(11)])


def test_view_between_two_frames_is_blended():
    view = flight().view_at(2.5)
    assert view.corners_m[0] == pytest.approx((125.0, 1000.0))
    assert view.center_m == pytest.approx((225.0, 950.0))


def test_view_is_none_in_a_gap_and_outside():
    frames = ClipFrames(
        [row(0.0, 0.0), row(1.0, 50.0), row(2.0, 0, "unlocated", placed=False), row(30.0, 90.0)]
    )
    assert frames.view_at(1.5).corners_m[0] == (50.0, 1000.0)
    assert frames.view_at(15.0) is None
    assert frames.view_at(99.0) is None
    assert ClipFrames([]).view_at(0.0) is None


@given(st.floats(0.0, 10.0), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_clicked_place_is_seen_at_that_moment(time_s, u, v):
    frames = flight()
    point, crs = frames.ground_at(time_s, (u, v))
    assert crs == "EPSG:32633"
    moments = frames.moments_that_see(point)
    assert any(moment.start_s - 1.0 <= time_s <= moment.end_s + 1.0 for moment in moments)


def test_moments_are_split_by_absence_and_best_is_the_most_central():
    there_and_back = [row(float(t), 60.0 * min(t, 20 - t)) for t in range(21)]
    moments = ClipFrames(there_and_back).moments_that_see((300.0, 950.0))
    assert [(m.start_s, m.best_s, m.end_s) for m in moments] == [(2.0, 3.0, 5.0), (15.0, 17.0, 18.0)]
    assert moments[0].uv == pytest.approx((0.6, 0.5))
    assert ClipFrames(there_and_back).moments_that_see((9999.0, 950.0)) == []


def test_a_long_clip_answers_a_click_quickly():
    import time

    frames = ClipFrames([row(float(t), 5.0 * t) for t in range(20000)])
    started = time.process_time()
    moments = frames.moments_that_see((50000.0, 950.0))
    assert time.process_time() - started < 0.05
    assert len(moments) == 1 and moments[0].uv == pytest.approx((0.5, 0.5))


def test_rows_are_put_in_time_order_and_the_interval_is_the_median():
    frames = ClipFrames([row(3.0, 0), row(0.0, 0), row(0.5, 0), row(1.0, 0)])
    assert [r.time_s for r in frames.rows] == [0.0, 0.5, 1.0, 3.0]
    assert frames.interval_s == 0.5
