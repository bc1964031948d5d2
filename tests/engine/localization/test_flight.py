"""Photos of one flight: a common width, headings and ways, and what they say about one more photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo import homography as hg
from rs_copilot.localization.flight import MAX_SUPPORT, Flight, Seen
from rs_copilot.localization.view import nadir_view
from rs_copilot.types import SizeWH

SIZE = SizeWH(1600, 900)
MAP_M2 = 650.0 * 630.0


def line(count: int = 6, width_m: float = 160.0) -> list[Seen]:
    """Photos along one line, 25 m apart, a photo missing in the middle."""
    keys = [k for k in range(count + 1) if k != count // 2]
    return [Seen(k, np.array([100.0, 50.0 + 25.0 * k]), width_m, 150.0) for k in keys]


def known(seen: list[Seen]) -> Flight:
    flight = Flight.learn(seen)
    assert flight is not None
    return flight


def test_two_photos_are_no_flight() -> None:
    assert Flight.learn(line(2)) is None
    assert Flight.learn([]) is None


def test_photos_that_disagree_on_their_width_are_no_flight() -> None:
    assert Flight.learn([replace(seen, width_m=100.0 * 1.3**i) for i, seen in enumerate(line(5))]) is None


def test_a_stray_width_does_not_count() -> None:
    flight = known([*line(), Seen(9, np.array([0.0, 0.0]), 41.0, 10.0)])
    assert flight.width_m == pytest.approx(160.0)
    assert {seen.key for seen in flight.members} == {seen.key for seen in line()}


def test_the_missing_photo_is_supported_where_it_must_be_and_not_elsewhere() -> None:
    flight = known(line())
    here = Seen(3, np.array([105.0, 128.0]), 158.0, 153.0)
    there = replace(here, center_m=np.array([500.0, 600.0]))
    turned = replace(here, azimuth_deg=60.0)
    higher = replace(here, width_m=190.0)
    support = [flight.support(seen, MAP_M2) for seen in (here, there, turned, higher)]
    assert support[0] > 2.5
    assert support[0] - 1.0 > max(support[1:])
    assert max(support) <= MAX_SUPPORT


def test_the_way_back_is_a_heading_of_the_flight_too() -> None:
    back = [replace(seen, key=seen.key + 10, azimuth_deg=-30.0) for seen in line()]
    flight = known(line() + back)
    aside = replace(back[0], key=8, azimuth_deg=60.0)
    assert flight.support(replace(back[0], key=8), MAP_M2) > flight.support(aside, MAP_M2) + 1.0


def test_a_member_has_no_say_in_its_own_support() -> None:
    far = Seen(9, np.array([620.0, 20.0]), 160.0, 40.0)
    assert known([*line(), far]).support(far, MAP_M2) < 0


def test_views_have_the_heading_that_telemetry_tells() -> None:
    views = known(line()).views(SIZE, np.array([80.0, 88.0]))
    azimuths = [hg.grid_azimuth_deg(view.local_from_px, SIZE.center_px) for view in views]
    assert azimuths == pytest.approx([80.0, 88.0])


def test_views_have_the_known_width_and_every_heading() -> None:
    views = known(line()).views(SIZE)
    assert len(views) == 48
    assert {round(view.width_m, 6) for view in views} == {160.0}


@given(st.integers(0, 30), st.floats(0, 650), st.floats(0, 630), st.floats(40, 1000), st.floats(-180, 180))
def test_support_is_bounded(key: int, x_m: float, y_m: float, width_m: float, azimuth: float) -> None:
    value = known(line()).support(Seen(key, np.array([x_m, y_m]), width_m, azimuth), MAP_M2)
    assert -8.0 < value <= MAX_SUPPORT


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(40, 400), st.floats(-179, 179))
def test_a_placement_is_read_back(x_m: float, y_m: float, width_m: float, azimuth: float) -> None:
    seen = Seen.of(1, nadir_view(SIZE, width_m, azimuth).at(np.array([x_m, y_m])), SIZE)
    np.testing.assert_allclose(seen.center_m, [x_m, y_m], atol=1e-6)
    assert seen.width_m == pytest.approx(width_m)
    assert (seen.azimuth_deg - azimuth + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)
