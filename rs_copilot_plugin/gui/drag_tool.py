"""Map tool: grab what is shown, and move it; with Shift, turn it."""

from __future__ import annotations

from qgis.core import QgsPointXY
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt.QtCore import Qt, pyqtSignal


class DragTool(QgsMapTool):
    """Tells of a drag from press to release, in the canvas's coordinates; the flag is whether to turn."""

    grabbed = pyqtSignal(QgsPointXY)
    dragged = pyqtSignal(QgsPointXY, bool)
    dropped = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.grabbed.emit(event.mapPoint())

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            turning = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.dragged.emit(event.mapPoint(), turning)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.dropped.emit()
