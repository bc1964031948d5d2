"""The player's clock."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rs_copilot_plugin.presenters.player import Player, PlayerState, clock_text, sureness_text


def opened(duration_s=10.0, fps="10", times_s=()):
    player = Player()
    player.opening()
    player.opened(duration_s, fps, times_s)
    return player


def test_plays_in_real_time_and_pauses_at_the_end():
    player = opened()
    player.toggle(100.0)
    assert player.tick(101.5) == pytest.approx(1.5)
    assert player.tick(200.0) == pytest.approx(9.9)
    assert player.state is PlayerState.PAUSED
    player.toggle(300.0)
    assert player.tick(300.0) == 0.0, "play at the end starts over"


def test_seek_while_playing_goes_on_from_there():
    player = opened()
    player.toggle(0.0)
    assert player.seek(4.0, 1.0) == 4.0
    assert player.tick(1.5) == pytest.approx(4.5)
    assert player.seek(-3.0, 2.0) == 0.0
    assert player.seek(99.0, 2.0) == player.last_s


def test_steps_follow_the_true_times():
    player = opened(times_s=(0.0, 0.1, 0.35, 0.4))
    player.toggle(0.0)
    assert [player.step(1, 0.0) for _ in range(4)] == [0.1, 0.35, 0.4, 0.4]
    assert player.state is PlayerState.PAUSED
    assert player.step(-2, 0.0) == 0.1


def test_steps_without_times_use_the_rate():
    player = opened(fps="30000/1001")
    assert player.fps == Fraction(30000, 1001)
    assert player.step(3, 0.0) == pytest.approx(3003 / 30000)


@pytest.mark.parametrize("fps", [None, "", "0", "x", "1/0", "-5"])
def test_a_strange_rate_falls_back(fps):
    assert opened(fps=fps).fps == 25


def test_stills_take_their_rate_from_their_times():
    assert opened(fps=None, times_s=(0.0, 2.0, 4.0)).fps == Fraction(1, 2)
    assert opened(fps=None, times_s=(0.0, 2.0, 4.0)).tick_s == 0.5


def test_nothing_happens_without_a_clip():
    player = Player()
    player.toggle(0.0)
    assert player.state is PlayerState.EMPTY
    assert player.tick(1.0) is None


@pytest.mark.parametrize(
    ("time_s", "text"), [(0, "00:00.0"), (61.26, "01:01.3"), (3599.96, "1:00:00.0"), (-1, "00:00.0")]
)
def test_clock(time_s, text):
    assert clock_text(time_s) == text


@pytest.mark.parametrize(
    ("score", "text"), [(1.0, "> 99 %"), (0.9997, "> 99 %"), (0.97, "97 %"), (0.01, "1 %"), (0.0, "< 1 %")]
)
def test_nothing_is_said_to_be_certain(score, text):
    assert sureness_text(score) == text
