"""Hypotheses of a clip as it comes: what they need before a frame is placed by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.localization.confidence import MAX_LOG_ODDS
from rs_copilot.localization.keyframes import Recorder
from rs_copilot.localization.live import MAX_HYPOTHESES, Hypothesis, LiveLocator, _best, _contradicted
from rs_copilot.localization.placements import anchors
from rs_copilot.localization.solve import LIKELY, TRUSTED
from tests.engine.localization.test_sequence import STRAIGHT, fix, flight


def hypothesis(log_odds: float, keys: int = 1, x_m: float = 500.0) -> Hypothesis:
    fixes = tuple(fix(key, x_m + 7.5 * key, 300.0 + 2.5 * key) for key in range(keys))
    anchor = anchors(flight(STRAIGHT), {item.key: item for item in fixes})[-1]
    return Hypothesis(fixes, anchor, log_odds, tuple(item.candidate.center_xy_m for item in fixes))


def locator(*hypotheses: Hypothesis, moving: bool = True) -> LiveLocator:
    """Only what is believed: nothing is searched or placed here."""
    recorder = Recorder(lambda _: None, moving=moving)
    return LiveLocator(recorder, None, None, None, moving, hypotheses=_best(hypotheses))  # type: ignore[arg-type]


def test_a_first_fix_of_a_video_must_be_sure_by_itself() -> None:
    assert locator(hypothesis(TRUSTED - 0.1))._shown() is None
    assert locator(hypothesis(TRUSTED + 0.1))._shown() is not None
    assert locator(hypothesis(LIKELY + 0.1, keys=2))._shown() is not None
    # Nothing will confirm a photo.
    assert locator(hypothesis(LIKELY + 0.1), moving=False)._shown() is not None


@settings(max_examples=20)
@given(st.lists(st.floats(0.1, 24.0), min_size=1, max_size=6))
def test_rivals_take_what_is_theirs(odds: list[float]) -> None:
    shown = locator(*(hypothesis(value, keys=2, x_m=300.0 * n) for n, value in enumerate(odds)))._shown()
    best, *others = sorted(odds, reverse=True)[:MAX_HYPOTHESES]
    expected = min(best, MAX_LOG_ODDS) - np.log1p(sum(np.exp(value) for value in others))
    assert (shown is not None) == (expected >= LIKELY)
    if shown is not None:
        assert np.isclose(shown.log_odds, expected)


def test_a_rival_weighs_only_against_what_did_not_register() -> None:
    one = hypothesis(6.0, keys=2)
    rival = replace(fix(1, 900.0, 900.0), log_odds=5.0)
    assert _contradicted(one, [rival], key=1) is one
    assert _contradicted(one, [replace(rival, key=4)], key=4).log_odds == 1.0
    assert _contradicted(one, [], key=4) is one
