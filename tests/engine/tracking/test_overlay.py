from __future__ import annotations

import numpy as np

from rs_copilot.tracking.overlay import MIN_VIEWS, OverlayFinder


def views(count, step_px=13, kerb=False):
    rng = np.random.default_rng(2)
    ground = rng.integers(60, 140, (240, 320 + step_px * count)).astype(np.uint8)
    if kerb:
        ground[100:104] = 230  # lies along the flight: it stays where it is in the picture
    for i in range(count):
        yield ground[:, step_px * i : step_px * i + 320].copy()


def test_a_logo_is_found_and_a_kerb_along_the_flight_is_not():
    finder = OverlayFinder()
    for view in views(30, kerb=True):
        view[20:40, 20:60] = np.minimum(view[20:40, 20:60].astype(int) + 90, 255)
        finder.add(view)
    mask = finder.mask()
    assert mask is not None
    assert mask[20:40, 20:60].mean() > 0.7
    assert mask[80:, :].mean() < 0.01


def test_ground_alone_has_no_overlay():
    finder = OverlayFinder()
    for view in views(20):
        finder.add(view)
    mask = finder.mask()
    assert mask is not None
    assert mask.mean() < 0.01


def test_it_says_nothing_before_it_has_seen_enough():
    finder = OverlayFinder()
    assert finder.mask() is None
    for view in views(MIN_VIEWS - 1):
        finder.add(view)
    assert finder.mask() is None
