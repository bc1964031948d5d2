"""Chains, paths, adjustment and placements: known motion in, known places out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.geo import homography as hg
from rs_copilot.localization.calibrated import RADIUS
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.confidence import (
    found_log_odds,
    log_odds,
    may_convince,
    probability,
    relief_sigma_m,
    sigma_m,
)
from rs_copilot.localization.keyframes import Keyframe, Recording, Visit
from rs_copilot.localization.path import Fix, best_path, transition_cost
from rs_copilot.localization.placements import NO_MATCH, NO_NEIGHBOUR, anchors, placements
from rs_copilot.localization.register import Registration
from rs_copilot.localization.search import Candidate
from rs_copilot.localization.smooth import Link, Measured, _inverse_diagonal, blend, smooth
from rs_copilot.localization.view import nadir_view, view_of_placement
from rs_copilot.matching.flow import Motion
from rs_copilot.types import FrameStatus, SizeWH

SIZE = SizeWH(1280, 720)
WIDTH_M = 160.0


def place(x_m: float, y_m: float, yaw_deg: float = 20.0) -> np.ndarray:
    """Homography of a nadir frame centred at a map point."""
    return nadir_view(SIZE, WIDTH_M, yaw_deg).at(np.array([x_m, y_m]))


def motion(first: np.ndarray, second: np.ndarray) -> Motion:
    """What perfect corner tracking would say between two placed frames."""
    to_from = np.linalg.inv(second) @ first
    return Motion(to_from / to_from[2, 2], 300, 0.9)


def registration(map_from_px: np.ndarray, support: float = 0.8, clarity: float = 0.3) -> Registration:
    nothing = np.zeros((0, 2))
    return Registration(map_from_px, support, 70, 0.5, 0.5, 0.9, clarity, nothing, nothing)


def fix(key: int, x_m: float, y_m: float, log_odds: float = 5.0) -> Fix:
    view = nadir_view(SIZE, WIDTH_M, 20.0)
    return Fix(
        key,
        Candidate(view, np.array([x_m, y_m]), 0.5, 9.0),
        registration(place(x_m, y_m)),
        log_odds,
    )


def flight(places: list[np.ndarray], *, cut_after: int | None = None) -> Recording:
    """A clip at 10 fps over known places; every fifth frame is a keyframe."""
    recording = Recording()
    for number, here in enumerate(places):
        if number:
            step = None if number - 1 == cut_after else motion(places[number - 1], here)
            recording.chain.append(step)
        recording.visits.append(Visit(number, number / 10, SIZE, None, None))
        if number % 5 == 0:
            recording.keyframes.append(Keyframe(number, SIZE, None, b""))
    return recording


STRAIGHT = [place(500.0 + 1.5 * i, 300.0 + 0.5 * i) for i in range(21)]


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_chain_predicts_any_frame_from_any_other(first: int, second: int) -> None:
    chain = flight(STRAIGHT).chain
    predicted = chain.predict(STRAIGHT[first], first, second)
    assert predicted is not None
    center = hg.apply(hg.orient(predicted, SIZE), SIZE.center_px)[0]
    np.testing.assert_allclose(center, hg.apply(STRAIGHT[second], SIZE.center_px)[0], atol=1e-6)


def test_a_cut_breaks_the_chain() -> None:
    chain = flight(STRAIGHT, cut_after=9).chain
    assert chain.between(3, 9) is not None
    assert chain.between(9, 10) is None
    assert not chain.connected(0, 20)


def test_drift_grows_with_steps() -> None:
    steps = [Chain.drift_m(n, WIDTH_M) for n in (0, 1, 5, 25, 125)]
    assert steps == sorted(steps)


def test_the_path_prefers_places_that_motion_connects() -> None:
    # The strongest candidate of the second keyframe lies elsewhere; its neighbours outvote it.
    options = [[fix(0, 0, 0, 5.0)], [fix(1, 400, 0, 3.0), fix(1, 10, 0, 2.0)], [fix(2, 20, 0, 5.0)]]

    def disagreement(before: Fix, after: Fix) -> float:
        expected = 10.0 * (after.key - before.key)
        moved = after.candidate.center_xy_m - before.candidate.center_xy_m
        return float((moved[0] - expected) ** 2 + moved[1] ** 2) / 4.0

    chosen = best_path(options, disagreement)
    assert [f.candidate.center_xy_m[0] for f in chosen] == [0, 10, 20]


def test_the_path_may_leave_a_keyframe_out() -> None:
    options = [[fix(0, 0, 0, 5.0)], [fix(1, 400, 0, -4.0)], [fix(2, 0, 0, 5.0)]]
    assert [f.key for f in best_path(options, lambda a, b: 0.0)] == [0, 2]
    assert best_path([], lambda a, b: 0.0) == []


def test_unknown_motion_costs_nothing_and_disagreement_is_capped() -> None:
    assert transition_cost(float("nan")) == 0.0
    assert transition_cost(0.0) < 0 < transition_cost(1e9) < 10


def test_smoothing_follows_motion_and_resists_one_outlier() -> None:
    rng = np.random.default_rng(5)
    truth = [np.array([500.0 + 15 * i, 300.0 + 5 * i]) for i in range(9)]
    noisy = [t + rng.normal(0, 1.0, 2) for t in truth]
    noisy[4] = truth[4] + [18.0, 0.0]
    measured = [Measured(place(*xy), SIZE, 1.0) for xy in noisy]
    links = [Link(i, i + 1, np.linalg.inv(place(*truth[i])) @ place(*truth[i + 1]), 0.3) for i in range(8)]
    found = smooth(measured, links)
    errors = [
        np.linalg.norm(hg.apply(s.map_from_px, SIZE.center_px)[0] - t)
        for s, t in zip(found, truth, strict=True)
    ]
    assert max(errors) < 1.5
    assert found[4].outlierness > 8
    assert all(s.sigma_m < 0.7 for s in found)


def test_blending_halfway_lies_halfway() -> None:
    middle = blend(place(0, 0), place(10, 4), 0.5, SIZE)
    np.testing.assert_allclose(hg.apply(middle, SIZE.center_px)[0], [5, 2], atol=1e-3)


def test_frames_between_fixes_are_carried_with_honest_growth() -> None:
    recording = flight(STRAIGHT)
    fixes = {0: fix(0, 500.0, 300.0), 4: fix(4, 530.0, 310.0)}
    placed = placements(recording, anchors(recording, fixes))
    assert [p.status for p in placed[:2]] == [FrameStatus.LOCATED, FrameStatus.TRACKED]
    for number, p in enumerate(placed):
        center = hg.apply(p.map_from_px, SIZE.center_px)[0]
        np.testing.assert_allclose(center, [500.0 + 1.5 * number, 300.0 + 0.5 * number], atol=0.01)
    assert placed[10].error_m >= placed[1].error_m * 0.8


def test_a_section_behind_a_cut_is_unlocated_with_a_reason() -> None:
    recording = flight(STRAIGHT, cut_after=9)
    placed = placements(recording, anchors(recording, {0: fix(0, 500.0, 300.0)}))
    assert {p.status for p in placed[:10]} == {FrameStatus.LOCATED, FrameStatus.TRACKED}
    assert {p.status for p in placed[10:]} == {FrameStatus.UNLOCATED}
    assert placed[10].reason == NO_NEIGHBOUR


def test_without_fixes_nothing_is_placed() -> None:
    placed = placements(flight(STRAIGHT), [])
    assert {p.reason for p in placed} == {NO_MATCH}
    assert all(p.map_from_px is None and p.score == 0.0 for p in placed)


@given(st.floats(-8, 8))
def test_probability_is_a_probability(odds: float) -> None:
    assert 0.0 < probability(odds) < 1.0


def test_disagreeing_windows_mean_a_larger_error() -> None:
    assert sigma_m(registration(place(0, 0), 0.3)) > 2 * sigma_m(registration(place(0, 0), 0.9))


@given(st.floats(0, 359), st.floats(0.8, 1.25))
def test_turning_a_view_turns_and_scales_it(yaw: float, scale: float) -> None:
    view = nadir_view(SIZE, WIDTH_M).turned(yaw, scale)
    assert view.width_m == pytest.approx(WIDTH_M * scale)
    azimuth = hg.grid_azimuth_deg(view.local_from_px, SIZE.center_px)
    assert (azimuth - yaw + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)


def test_a_view_taken_from_a_placement_leads_back_to_it() -> None:
    there = place(1234.0, -77.0, 140.0)
    view = view_of_placement(there, SIZE)
    np.testing.assert_allclose(view.at(np.array([1234.0, -77.0])), there, atol=1e-9)


def test_windows_that_slide_along_furrows_prove_nothing() -> None:
    clear, furrows = registration(place(0, 0), 0.3), registration(place(0, 0), 0.3, clarity=0.03)
    assert log_odds(clear) > 5 > -5 > log_odds(furrows)


def test_oblique_views_are_less_sure_of_their_centre() -> None:
    level = place(0, 0)
    assert relief_sigma_m(level, SIZE) == pytest.approx(0.0, abs=1e-6)
    squeezed = (
        level @ hg.translation(SIZE.center_px) @ np.diag([1.0, 2.0, 1.0]) @ hg.translation(-SIZE.center_px)
    )
    # Twice as long as wide on the ground: 60 degrees off nadir.
    assert relief_sigma_m(squeezed, SIZE) == pytest.approx(RADIUS.relief_m * np.tan(np.radians(60)), rel=0.02)


def test_a_found_place_is_believed_when_it_stands_out_and_registers() -> None:
    view = nadir_view(SIZE, WIDTH_M)
    clear = Candidate(view, np.zeros(2), 0.4, 12.0, 1.8)
    lost = Candidate(view, np.zeros(2), 0.2, 5.5, 0.9)
    good, furrows = registration(place(0, 0)), registration(place(0, 0), 0.3, clarity=0.03)
    assert found_log_odds(good, clear, 500.0) > 3 > 0 > found_log_odds(good, lost, 500.0)
    assert found_log_odds(furrows, clear, 500.0) < found_log_odds(good, clear, 500.0)
    assert may_convince(clear, 500.0)
    assert not may_convince(lost, 500.0)
    # Where telemetry left a handful of places, standing out from nothing proves nothing.
    alone = Candidate(view, np.zeros(2), 0.2, 3.0, 2.0)
    assert found_log_odds(furrows, alone, 2.0) < 0


@given(st.lists(st.tuples(st.floats(0.1, 9.0), st.floats(0.0, 9.0)), min_size=1, max_size=12))
def test_the_deviations_are_those_of_the_full_inverse(weights: list[tuple[float, float]]) -> None:
    own, links = np.array(weights).T
    links[0] = 0.0
    matrix = np.diag(own + links + np.append(links[1:], 0.0))
    for i in range(1, len(own)):
        matrix[i, i - 1] = matrix[i - 1, i] = -links[i]
    found = _inverse_diagonal(np.diag(matrix).copy(), -links)
    np.testing.assert_allclose(found, np.diag(np.linalg.inv(matrix)), rtol=1e-6)
