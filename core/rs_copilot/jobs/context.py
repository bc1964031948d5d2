"""How a job tells its caller what happens, and hears that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rs_copilot.errors import CancelledError

if TYPE_CHECKING:
    from rs_copilot.jobs.shelf import Shelf


@dataclass(frozen=True)
class Progress:
    """One step of a job. ``partial`` names what can be shown already (for example a scene's layers)."""

    done: int
    total: int
    message: str
    partial: dict[str, Any] | None = None


def _ignore(_: object) -> None:
    """Nobody listens."""


@dataclass
class JobContext:
    """Handed to every job: where progress goes and whether to go on.

    ``shelf`` keeps a model for the next job; without one a job closes what it opens.
    """

    on_progress: Callable[[Progress], None] = _ignore
    on_warning: Callable[[str], None] = _ignore
    device: str = "auto"
    cancelled: threading.Event = field(default_factory=threading.Event)
    warnings: list[str] = field(default_factory=list)
    shelf: Shelf | None = None

    def progress(self, done: int, total: int, message: str, partial: dict[str, Any] | None = None) -> None:
        """Report a step, then stop here if the user asked to.

        Raises:
            CancelledError: the job was cancelled.
        """
        self.on_progress(Progress(done, total, message, partial))
        self.check()

    def warn(self, message: str) -> None:
        """Keep a warning for the result and show it now."""
        self.warnings.append(message)
        self.on_warning(message)

    def check(self) -> None:
        """Stop here if the user asked to.

        Raises:
            CancelledError: the job was cancelled.
        """
        if self.cancelled.is_set():
            raise CancelledError("The job was cancelled; what had been found is kept.")
