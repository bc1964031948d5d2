"""A thin strip below the slider: when the clip is located, and when it sees the chosen place."""

from __future__ import annotations

from itertools import groupby

from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.frames import ClipFrames, Moment
from rs_copilot_plugin.translate import tr


class TimeStrip(QWidget):
    """Green where frames were matched, orange where they were carried, red where nothing is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spans: list[tuple[float, float, str]] = []
        self._moments: list[Moment] = []
        self._duration_s = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Located parts of the clip"))
        self.setToolTip(tr("Green: located. Orange: carried from a located neighbour. Red: unlocated."))

    def sizeHint(self) -> QSize:
        return QSize(120, 8)

    def show_frames(self, frames: ClipFrames | None, duration_s: float) -> None:
        """Draw the states of a clip's frames."""
        self._duration_s = duration_s
        rows = frames.rows if frames is not None else []
        half_s = frames.interval_s / 2 if frames is not None else 0.0
        self._spans = []
        for status, same in groupby(rows, key=lambda row: row.status):
            times_s = [row.time_s for row in same]
            colour = palette.STATUS.get(status, palette.UNLOCATED)
            self._spans.append((times_s[0] - half_s, times_s[-1] + half_s, colour))
        self.update()

    def show_moments(self, moments: list[Moment]) -> None:
        """Mark when a place is seen."""
        self._moments = list(moments)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt's signature
        if self._duration_s <= 0:
            return
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        for start_s, end_s, colour in self._spans:
            painter.fillRect(self._box(start_s, end_s, 3.0, 3.0), QColor(colour))
        for moment in self._moments:
            painter.fillRect(self._box(moment.start_s, moment.end_s, 0.0, 8.0), QColor(palette.ACCENT))
        painter.end()

    def _box(self, start_s: float, end_s: float, top: float, height: float) -> QRectF:
        # The slider's handle keeps half its width off both ends.
        inset = 6.0
        span = max(1.0, self.width() - 2 * inset)
        left = inset + span * min(1.0, max(0.0, start_s / self._duration_s))
        right = inset + span * min(1.0, max(0.0, end_s / self._duration_s))
        return QRectF(left, top, max(2.0, right - left), height)
