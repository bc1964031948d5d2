"""Messages out: one at a time, and progress not faster than anyone can look."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from rs_copilot.protocol import Message, Progress, encode

PROGRESS_INTERVAL_S = 0.05


class Outbox:
    """Writes whole messages to a descriptor from any thread.

    ``on_broken`` is called once when nobody reads any more.
    """

    def __init__(self, fd: int, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._on_broken = on_broken
        self._is_broken = False

    def send(self, message: Message) -> None:
        """Write one message; silently nothing once the other side is gone.

        Raises:
            ProtocolError: the message cannot be encoded.
        """
        data = memoryview(encode(message))
        with self._lock:
            if self._is_broken:
                return
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                self._is_broken = True
        if self._is_broken:
            self._on_broken()


class ProgressThrottle:
    """Passes on the progress of one request: the first at once, then the newest of every interval.

    Nothing that matters gets lost: the last step before a pause is sent when the interval ends, a skipped
    step's ``partial`` travels with the next, and `flush` sends what is left before the answer.
    """

    def __init__(self, send: Callable[[Progress], None], interval_s: float = PROGRESS_INTERVAL_S) -> None:
        self.partial: dict[str, object] | None = None
        self._send = send
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._timer: threading.Timer | None = None
        self._sent_at_s = -interval_s

    def offer(self, step: Progress) -> None:
        """Send this step now or soon, unless a newer one overtakes it."""
        with self._lock:
            self.partial = step.partial or self.partial
            skipped = self._waiting.partial if self._waiting else None
            self._waiting = step if step.partial else replace(step, partial=skipped)
            wait_s = self._sent_at_s + self._interval_s - time.monotonic()
            if wait_s <= 0:
                self._send_waiting()
            elif self._timer is None:
                self._timer = threading.Timer(wait_s, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Send what waits, now."""
        with self._lock:
            self._send_waiting()

    def _send_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting is not None:
            step, self._waiting = self._waiting, None
            self._sent_at_s = time.monotonic()
            self._send(step)
