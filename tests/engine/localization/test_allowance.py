"""Dear trials are counted alike whoever of several searches comes first."""

from __future__ import annotations

from itertools import permutations

from rs_copilot.localization.allowance import Allowance

LIMIT = 6


def takes(allowance: Allowance, key: int) -> int:
    """How many trials a keyframe gets that takes all it may."""
    count = 0
    while allowance.permits(key, LIMIT):
        allowance.take(key)
        count += 1
    return count


def test_one_after_the_other_may_take_the_limit() -> None:
    allowance = Allowance()
    for key in range(4):
        allowance.share([key])
        if allowance.permits(key, LIMIT):
            allowance.take(key)
            allowance.take(key)
    assert allowance.taken == LIMIT


def test_the_order_makes_no_difference() -> None:
    for order in permutations((7, 8)):
        allowance = Allowance()
        allowance.share([3])
        allowance.take(3)
        allowance.share([7, 8])
        assert {key: takes(allowance, key) for key in order} == {7: 3, 8: 3}


def test_what_was_taken_stays_taken() -> None:
    allowance = Allowance()
    allowance.share([1])
    assert takes(allowance, 1) == LIMIT
    allowance.share([1])
    assert not allowance.permits(1, LIMIT)
    assert allowance.taken == LIMIT
