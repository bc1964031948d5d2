"""What a session needs from whatever carries its bytes: a local process, ``ssh``, or a test's script."""

from __future__ import annotations

from abc import ABC, abstractmethod


class TransportEvents(ABC):
    """What a transport tells its owner. Never called before ``start`` returns control to the event loop
    and always from the thread that called ``start``."""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Some bytes of the engine's messages, cut anywhere."""

    @abstractmethod
    def logged(self, data: bytes) -> None:
        """Some bytes of the engine's stderr."""

    @abstractmethod
    def closed(self, exit_code: int | None, reason: str) -> None:
        """The engine is gone (last event). ``exit_code`` is ``None`` where it never started or was killed
        without one; ``reason`` is one sentence for people."""


class Transport(ABC):
    """One engine, started once."""

    @abstractmethod
    def start(self, events: TransportEvents) -> None:
        """Start without waiting. A failure to start arrives as ``events.closed``."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send without waiting. Ignored when the engine is gone."""

    @abstractmethod
    def close(self, wait_ms: int = 0) -> None:
        """Close the engine's input, which ends it, and kill it if it stays.

        With ``wait_ms`` waits until it is gone: for the end of QGIS, when no event loop runs any more.
        """

    @abstractmethod
    def kill(self) -> None:
        """End it now."""
