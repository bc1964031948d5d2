"""Jobs one after another: several clips are located in turn, and one bad clip does not stop the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rs_copilot_plugin.engine.session import EngineError

from .locate import Request


@dataclass
class Outcome:
    """How a batch of jobs ended."""

    results: list[tuple[Request, dict[str, Any]]] = field(default_factory=list)
    errors: list[tuple[Request, Any]] = field(default_factory=list)
    cancelled: bool = False


class JobQueue:
    """Starts the next request when the former one is answered.

    ``start`` begins one request and must lead to exactly one call of `succeeded` or `failed`.
    """

    def __init__(self, start: Callable[[Request], None], on_end: Callable[[Outcome], None]) -> None:
        self._start, self._on_end = start, on_end
        self._waiting: deque[Request] = deque()
        self._outcome = Outcome()
        self.current: Request | None = None
        self.done_count = 0
        self.total_count = 0

    def run(self, requests: Iterable[Request]) -> None:
        """Begin a batch; only one batch runs at a time.

        Raises:
            RuntimeError: a batch is running.
        """
        if self.current is not None:
            raise RuntimeError("a batch of jobs is running already")
        self._waiting = deque(requests)
        self._outcome = Outcome()
        self.done_count, self.total_count = 0, len(self._waiting)
        self._next()

    def succeeded(self, result: dict[str, Any]) -> None:
        """The current request was answered."""
        if self.current is not None:
            self._outcome.results.append((self.current, result))
        self._advance()

    def failed(self, error: EngineError) -> None:
        """The current request failed; a cancelled one ends the batch."""
        if self.current is not None:
            self._outcome.errors.append((self.current, error))
        if getattr(error, "is_cancelled", False):
            self._outcome.cancelled = True
            self._waiting.clear()
        while self._waiting and self._waiting[0].needs_former:
            self._waiting.popleft()
            self.total_count -= 1
        self._advance()

    def share_done(self, done: int, total: int) -> float:
        """Progress of the whole batch, 0 to 1, given that of the current job."""
        within = min(1.0, done / total) if total > 0 else 0.0
        return (self.done_count + within) / max(1, self.total_count)

    def _advance(self) -> None:
        self.done_count += 1
        self._next()

    def _next(self) -> None:
        self.current = self._waiting.popleft() if self._waiting else None
        if self.current is not None:
            self._start(self.current)
        else:
            self._on_end(self._outcome)
