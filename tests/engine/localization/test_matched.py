"""Registration with a matcher's help: it reaches what the windows do not, and cannot spoil what they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rs_copilot.geo import homography as hg
from rs_copilot.localization.matched import ByMatcher, MatchedRegister
from rs_copilot.localization.register import register
from rs_copilot.localization.view import nadir_view
from rs_copilot.matching.matcher import Matcher, Matches, Picture, SiftMatcher
from rs_copilot.types import FloatArray

from .town import SIZE, frame, reference

TRUE_M = np.array([300.0, 280.0])
VIEW = nadir_view(SIZE, 160.0, 25.0)
IMAGE = frame(VIEW, TRUE_M)


def off_m(map_from_px: FloatArray) -> float:
    corners = hg.apply(map_from_px, SIZE.corners_px) - hg.apply(VIEW.at(TRUE_M), SIZE.corners_px)
    return float(np.linalg.norm(corners, axis=1).max())


@dataclass(frozen=True)
class Canned:
    """Returns what it was given."""

    found: Matches
    name: str = "canned"
    sha256: str | None = None
    width_px: int = 300

    def match(self, frame: Picture, ground: Picture) -> Matches:
        return self.found


def chance(seed: int = 1) -> Matches:
    rng = np.random.default_rng(seed)
    return Matches(rng.uniform(50, 250, (300, 2)), rng.uniform(50, 300, (300, 2)), rng.uniform(0.1, 1, 300))


NOT_NUMBERS = Matches(np.full((40, 2), np.nan), np.full((40, 2), np.inf), np.full(40, np.nan))
# Every point of the frame at one spot of the map, with full marks.
COLLAPSED = Matches(np.random.default_rng(2).uniform(50, 250, (40, 2)), np.full((40, 2), 150.0), np.ones(40))


def test_the_same_registration_takes_windows_or_matches() -> None:
    by = ByMatcher(SiftMatcher())
    found = register(IMAGE, SIZE, VIEW.at(TRUE_M + [3.0, -4.0]), reference(), by.stages, by)
    assert found is not None
    assert off_m(found.map_from_px) < 1.0
    assert found.support > 0.5
    assert found.spread > 0.6
    assert found.residual_m < 1.0
    # Agreeing points in the frame belong to those on the map.
    moved = hg.apply(VIEW.at(TRUE_M), found.points_px) - found.points_m
    assert np.median(np.linalg.norm(moved, axis=1)) < 0.7


def test_a_matcher_finds_a_start_that_the_windows_miss() -> None:
    # Turned and shrunk by more than the windows bear.
    poor = VIEW.turned(22.0, 0.8).at(TRUE_M)
    usual = register(IMAGE, SIZE, poor, reference())
    assert usual is None or off_m(usual.map_from_px) > 5.0
    helped = MatchedRegister(SiftMatcher())(IMAGE, SIZE, poor, reference())
    assert helped is not None
    assert off_m(helped.map_from_px) < 1.0
    assert helped.support > 0.8


@pytest.mark.parametrize("found", [Matches.none(), chance(), NOT_NUMBERS, COLLAPSED])
def test_a_matcher_that_is_wrong_leaves_what_the_windows_found(found: Matches) -> None:
    start = VIEW.at(TRUE_M + [3.0, -4.0])
    usual = register(IMAGE, SIZE, start, reference())
    helped = MatchedRegister(Canned(found))(IMAGE, SIZE, start, reference())
    assert usual is not None
    assert helped is not None
    assert off_m(helped.map_from_px) < 1.0
    assert np.array_equal(helped.map_from_px, usual.map_from_px)


@pytest.mark.parametrize("matcher", [Canned(chance()), SiftMatcher()])
def test_the_wrong_place_is_not_made_right(matcher: Matcher) -> None:
    elsewhere = VIEW.at(np.array([150.0, 450.0]))
    usual = register(IMAGE, SIZE, elsewhere, reference())
    helped = MatchedRegister(matcher)(IMAGE, SIZE, elsewhere, reference())
    assert helped is None or helped.support < 0.5
    assert (usual is None) >= (helped is None)
