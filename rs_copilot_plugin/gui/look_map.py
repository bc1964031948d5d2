"""Shows on the map which object of an answer is meant, and hears clicks on objects, whatever the tool."""

from __future__ import annotations

from collections.abc import Iterable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.layers.region_file import WGS84
from rs_copilot_plugin.presenters.projection import XY

# A hand that shakes still clicks.
_CLICK_PX = 4


class LookMap(QObject):
    """``clicked`` carries degrees. Clicks are only listened to: the tool in use gets them as ever."""

    clicked = pyqtSignal(float, float)

    def __init__(self, canvas: QgsMapCanvas, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._pressed: QPoint | None = None
        self.bands: list[QgsRubberBand] = []
        canvas.viewport().installEventFilter(self)

    def stop(self) -> None:
        """Leave the canvas as it was."""
        self._canvas.viewport().removeEventFilter(self)
        self.light_up([])

    def light_up(self, rings: Iterable[tuple[XY, ...]]) -> None:
        """Frame these polygons (degrees) and bring the first one into view; no other one is framed."""
        for band in self.bands:
            self._canvas.scene().removeItem(band)
        self.bands = [self._band(ring) for ring in rings if ring]
        if self.bands:
            self._bring_into_view(self.bands[0].asGeometry())

    def _band(self, ring: tuple[XY, ...]) -> QgsRubberBand:
        band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        fill = QColor(palette.ACCENT)
        fill.setAlpha(28)
        band.setFillColor(fill)
        band.setStrokeColor(QColor(palette.ACCENT))
        band.setSecondaryStrokeColor(QColor(palette.CASING))
        band.setWidth(3)
        shape = QgsGeometry.fromPolygonXY([[QgsPointXY(*corner) for corner in ring]])
        band.setToGeometry(shape, QgsCoordinateReferenceSystem(WGS84))
        return band

    def _bring_into_view(self, shape: QgsGeometry) -> None:
        box = shape.boundingBox()
        if not self._canvas.extent().intersects(box):
            self._canvas.setCenter(box.center())
            self._canvas.refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002 - Qt's signature
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress:
            self._pressed = event.pos() if event.button() == Qt.MouseButton.LeftButton else None
        elif kind == QEvent.Type.MouseButtonRelease and self._pressed is not None:
            moved = (event.pos() - self._pressed).manhattanLength()
            self._pressed = None
            if moved <= _CLICK_PX:
                self._tell(event.pos())
        return False

    def _tell(self, position: QPoint) -> None:
        point = self._canvas.getCoordinateTransform().toMapCoordinates(position.x(), position.y())
        crs = self._canvas.mapSettings().destinationCrs()
        to_degrees = QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(WGS84), QgsProject.instance())
        try:
            found = to_degrees.transform(point)
        except QgsCsException:
            return
        self.clicked.emit(found.x(), found.y())
