"""How often a clip may still try what is dear, whoever of several searches asks first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Allowance:
    """Dear trials that were taken. Keyframes that are searched at the same time share fairly what is left.

    What one of them may take does not depend on how fast the others are, so that a run can be repeated.
    """

    _before: int = 0
    _now: dict[int, int] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """By all keyframes so far."""
        return self._before + sum(self._now.values())

    def share(self, keys: Iterable[int]) -> None:
        """From now on these keyframes are searched, at the same time."""
        self._before = self.taken
        self._now = dict.fromkeys(keys, 0)

    def permits(self, key: int, limit: int) -> bool:
        """Whether a keyframe may take one more of ``limit`` trials in all."""
        return self._before + self._now.get(key, 0) * max(1, len(self._now)) < limit

    def take(self, key: int) -> None:
        """One more."""
        self._now[key] = self._now.get(key, 0) + 1
