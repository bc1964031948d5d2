"""Where the frame in the video may be, over all layers, while it has no place."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.frames import FrameRow
from rs_copilot_plugin.presenters.scene import is_inner_area

Area = tuple[float, QgsGeometry, QgsCoordinateReferenceSystem]


class SearchAreas:
    """Draws the polygons of one frame: parts of the smaller level strong, of the larger one dashed."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self.bands: list[QgsRubberBand] = []
        self._row: FrameRow | None = None

    def show_row(self, row: FrameRow | None, areas_of: Callable[[FrameRow], Iterable[Area]]) -> None:
        """Where the frame in the video may be, when its place is not known; the same row stays."""
        if row is not self._row:
            self._row = row
            self.show(areas_of(row) if row is not None else [])

    def show(self, areas: Iterable[Area]) -> None:
        """Draw these and forget the former ones."""
        for band in self.bands:
            self._canvas.scene().removeItem(band)
        self.bands = [self._band(*area) for area in areas]

    def _band(self, level: float, shape: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> QgsRubberBand:
        inner = is_inner_area(level)
        band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        stroke, fill = QColor(palette.SEARCH), QColor(palette.SEARCH)
        fill.setAlpha(70 if inner else 25)
        band.setStrokeColor(stroke)
        band.setFillColor(fill)
        band.setWidth(3 if inner else 2)
        band.setLineStyle(Qt.PenStyle.SolidLine if inner else Qt.PenStyle.DashLine)
        band.setToGeometry(shape, crs)
        return band
