"""How often a dying engine may be started again. Pure: the clock is handed in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Supervisor:
    """Counts starts that did not last.

    An engine that was ready for ``stable_s`` has proven itself: its death starts the count anew. After
    ``max_failures`` deaths in a row without that, starting again would only burn the machine.
    """

    max_failures: int = 3
    stable_s: float = 30.0
    failures: int = 0
    _ready_at_s: float | None = None

    @property
    def may_start(self) -> bool:
        """Whether another start is worth trying."""
        return self.failures < self.max_failures

    def became_ready(self, now_s: float) -> None:
        """The engine said hello."""
        self._ready_at_s = now_s

    def died(self, now_s: float) -> None:
        """The engine ended without having been asked to."""
        if self._ready_at_s is not None and now_s - self._ready_at_s >= self.stable_s:
            self.failures = 0
        self.failures += 1
        self._ready_at_s = None

    def reset(self) -> None:
        """The user asked to try again, or something was repaired."""
        self.failures = 0
        self._ready_at_s = None
