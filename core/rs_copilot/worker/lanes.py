"""Threads that do the work: one for jobs, one for everything that must be answered at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from rs_copilot.jobs.context import JobContext
from rs_copilot.protocol import Request


@dataclass(frozen=True, eq=False)
class Task:
    """One request on its way through a lane."""

    request: Request
    context: JobContext


class Lane:
    """A queue and one thread. Tasks run one after the other, in order.

    ``idle`` is called while the queue is empty, again and again as long as it returns true: work ahead,
    in steps that are short enough not to delay the next task.
    """

    def __init__(
        self, name: str, run: Callable[[Task], None], idle: Callable[[], bool] | None = None
    ) -> None:
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._run, self._idle = run, idle
        # Daemon: a job that does not listen to its cancel event must not keep the process alive.
        self._thread = threading.Thread(target=self._loop, name=f"rs-copilot-{name}", daemon=True)
        self._thread.start()

    def put(self, task: Task) -> None:
        """Queue a task."""
        self._queue.put(task)

    def end(self, timeout_s: float) -> bool:
        """Let queued tasks finish (cancel them first); true when the thread ended in time."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (task := self._next()) is not None:
            self._run(task)

    def _next(self) -> Task | None:
        while self._idle is not None and self._queue.empty() and self._idle():
            pass
        return self._queue.get()
