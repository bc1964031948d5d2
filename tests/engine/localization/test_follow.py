"""Fixes of one stretch of a clip: right together or not at all."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from rs_copilot.localization.confidence import MAX_LOG_ODDS
from rs_copilot.localization.follow import Follower
from rs_copilot.localization.path import Fix
from rs_copilot.localization.reference import Reference
from tests.engine.localization.test_sequence import STRAIGHT, WIDTH_M, fix, flight, place


def follower(places: list[np.ndarray], *, cut_after: int | None = None) -> Follower:
    def unread(*_: object) -> None:
        raise AssertionError("nothing has to be read")

    reference = Reference(unread, (0.0, 0.0, 5000.0, 5000.0), 0.5, pyproj.CRS.from_epsg(32633))  # type: ignore[arg-type]
    recording = flight(places, cut_after=cut_after)
    return Follower(recording, reference, lambda share: None, lambda found: None)


def fixes_at(places: list[np.ndarray], x_of: list[float], log_odds: float) -> dict[int, Fix]:
    return {key: fix(key, x, 2000.0, log_odds) for key, x in enumerate(x_of)}


def test_keyframes_of_new_ground_make_each_other_credible() -> None:
    places = [place(500.0 + 0.2 * WIDTH_M * i, 2000.0) for i in range(21)]
    alone = fixes_at(places, [500.0 + WIDTH_M * k for k in range(5)], 1.0)
    kept = follower(places).credible(alone)
    assert all(found.log_odds == pytest.approx(5.0) for found in kept.values())


def test_the_same_ground_seen_again_says_nothing_new() -> None:
    places = [place(500.0, 2000.0)] * 21
    kept = follower(places).credible(fixes_at(places, [500.0] * 5, 1.0))
    assert all(found.log_odds == pytest.approx(1.0) for found in kept.values())


def test_a_break_of_the_clip_separates_the_evidence() -> None:
    places = [place(500.0 + 0.2 * WIDTH_M * i, 2000.0) for i in range(21)]
    weak = fixes_at(places, [500.0 + WIDTH_M * k for k in range(5)], 1.2)
    kept = follower(places, cut_after=12).credible(weak)
    assert kept[0].log_odds == pytest.approx(3 * 1.2)
    assert kept[4].log_odds == pytest.approx(2 * 1.2)


def test_missed_keyframes_are_counted_against_the_stretch_and_nothing_exceeds_certainty() -> None:
    complete = fixes_at(STRAIGHT, [500.0 + 7.5 * k for k in range(5)], 7.0)
    assert max(f.log_odds for f in follower(STRAIGHT).credible(complete).values()) <= MAX_LOG_ODDS
    places = [place(500.0 + 0.2 * WIDTH_M * i, 2000.0) for i in range(21)]
    three = {key: fix(key, 500.0 + WIDTH_M * key, 2000.0, 2.0) for key in (0, 1, 2)}
    kept = follower(places).credible(three)
    assert all(found.log_odds == pytest.approx(3 * 2.0 - 2 * 2.0) for found in kept.values())
