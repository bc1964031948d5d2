"""Small helps that the tests with QGIS share."""

from __future__ import annotations

import itertools
import time

from qgis.gui import QgsMessageBar
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QTimer


def flush_deletions() -> None:
    """Let `deleteLater` happen now."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


def wait_until(condition, timeout_s: float = 30.0, what: str = "condition") -> None:
    """Run the event loop until something is true."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        QCoreApplication.processEvents()
        time.sleep(0.002)


class Heart:
    """Beats in the main thread; the longest computing time between two beats is how long the map waited."""

    def __init__(self) -> None:
        self._beats: list[float] = []
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(lambda: self._beats.append(time.thread_time()))
        self._timer.start()

    def longest_work_ms(self) -> float:
        """Stop and tell."""
        self._timer.stop()
        return 1000 * max(b - a for a, b in itertools.pairwise(self._beats))


def messages_in(bar: QgsMessageBar) -> list[str]:
    """Title and text of every message that is shown."""
    return [f"{item.title()}: {item.text()}" for item in bar.items()]
