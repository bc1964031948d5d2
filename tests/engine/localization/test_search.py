"""The search on maps whose frames are cut from them: turned drawings, true places, several regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.geo import homography as hg
from rs_copilot.localization.patches import Drawing, Pyramid, patch_field
from rs_copilot.localization.search import Region, search, search_regions
from rs_copilot.localization.sweep import CoarseMap, Null
from rs_copilot.localization.view import nadir_view

from .town import SIZE, frame, reference


@pytest.mark.parametrize("yaw_deg", [3.0, 90.0, 130.0, 224.0, 301.0])
def test_a_quarter_turn_of_a_drawing_is_the_drawing_of_a_quarter_turn(yaw_deg: float) -> None:
    view = nadir_view(SIZE, 160.0, yaw_deg)
    image = frame(view, np.array([300.0, 300.0]))
    turned, masks = Drawing(Pyramid((image,)), 2.0).patches([view])
    drawn, mask = patch_field(image, view, 2.0, 1)
    border = (len(masks[0]) - len(mask)) // 2
    inner = slice(border, border + len(mask))
    both = mask & masks[0][inner, inner]
    assert both.sum() > 0.95 * mask.sum()
    found, expected = turned[0][inner, inner][both], drawn[both]
    alike = np.abs(np.vdot(found, expected)) / (np.linalg.norm(found) * np.linalg.norm(expected))
    assert alike > 0.99
    assert np.vdot(found, expected).real > 0


@settings(max_examples=4, deadline=None)
@given(st.floats(0, 360), st.floats(180, 420), st.floats(180, 420), st.floats(120, 190))
def test_a_blind_search_finds_the_place_heading_and_width(
    yaw: float, x: float, y: float, wide: float
) -> None:
    image = frame(nadir_view(SIZE, wide, yaw), np.array([x, y]))
    views = [nadir_view(SIZE, w, a) for w in (100.0, 120.0, 144.0, 173.0, 207.0) for a in range(0, 360, 10)]
    best = search(image, views, CoarseMap(reference()), (0.0, 0.0, 600.0, 600.0))[0]
    assert np.linalg.norm(best.center_xy_m - [x, y]) < 4.0
    assert best.view.width_m == pytest.approx(wide, rel=0.05)
    azimuth = hg.grid_azimuth_deg(best.view.local_from_px, SIZE.center_px)
    assert abs((azimuth - yaw + 180.0) % 360.0 - 180.0) < 4.0
    assert best.margin > 1.2


def test_regions_have_views_of_their_own() -> None:
    view = nadir_view(SIZE, 150.0, 40.0)
    image, coarse = frame(view, np.array([400.0, 250.0])), CoarseMap(reference())
    here = Region((350.0, 200.0, 450.0, 300.0), (view,))
    elsewhere = Region((50.0, 50.0, 150.0, 150.0), (view.turned(90.0, 1.0),))
    found = search_regions(image, [elsewhere, here], coarse)
    assert np.linalg.norm(found[0].center_xy_m - [400.0, 250.0]) < 4.0
    assert search_regions(image, [], coarse) == []
    assert search(image, [], coarse, here.bounds_m) == []


@given(st.floats(0.01, 0.5), st.floats(0.0, 1.0), st.floats(0.0, 12.0))
def test_more_trials_ask_for_a_higher_peak(sigma: float, value: float, more: float) -> None:
    assert Null(sigma, 10.0 + more).score(value) <= Null(sigma, 10.0).score(value)
