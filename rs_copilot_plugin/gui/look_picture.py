"""What could be looked at now: what the map shows, a box drawn on it, the frame in the video."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapTool, QgsMapToolExtent, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.layers.region_file import WGS84
from rs_copilot_plugin.presenters.detections import Box
from rs_copilot_plugin.presenters.find import raster_of
from rs_copilot_plugin.presenters.locate import LocatePanel
from rs_copilot_plugin.presenters.look import Sights

from .player_controller import PlayerController


class PictureSource(QObject):
    """Looks at map and video when asked, and lets the user draw a box. ``drawn``: there is a new one."""

    drawn = pyqtSignal()
    tool_changed = pyqtSignal(bool)

    def __init__(
        self,
        canvas: QgsMapCanvas,
        inputs: LocatePanel,
        find_raster: Callable[[], QgsRasterLayer | None],
        player: PlayerController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._canvas, self._inputs, self._find_raster, self._player = canvas, inputs, find_raster, player
        self.tool = QgsMapToolExtent(canvas)
        self.tool.extentChanged.connect(self._draw)
        self.tool.activated.connect(lambda: self.tool_changed.emit(True))
        self.tool.deactivated.connect(lambda: self.tool_changed.emit(False))
        self._former_tool: QgsMapTool | None = None
        self._box: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None = None
        self.band: QgsRubberBand | None = None

    def sights(self) -> Sights:
        """All that a question could be about."""
        raster, player = self._find_raster(), self._player
        crs = self._crs()
        source = raster_of(self._inputs.satellite_source)
        extent = self._canvas.extent(), self._canvas.mapSettings().destinationCrs()
        view, box = _inside(extent, raster, crs), _inside(self._box, raster, crs)
        return Sights(
            source,
            bool(self._inputs.satellite_source) and source is None,
            view,
            box,
            self._box is not None,
            crs.authid(),
            _count_px(view, raster, crs),
            _count_px(box, raster, crs),
            player.clip if player.player.is_open else "",
            player.shown_s,
            player.player.duration_s,
        )

    def _crs(self) -> QgsCoordinateReferenceSystem:
        """The map's own, where the engine can know it by its number: so a box stays a box."""
        crs = self._canvas.mapSettings().destinationCrs()
        return crs if crs.authid().startswith("EPSG:") else QgsCoordinateReferenceSystem(WGS84)

    # --- the box

    def switch(self, on: bool) -> None:
        """Take the drawing tool up, or put it down."""
        canvas = self._canvas
        if on and canvas.mapTool() is not self.tool:
            self._former_tool = canvas.mapTool()
            canvas.setMapTool(self.tool)
        elif not on and canvas.mapTool() is self.tool:
            canvas.unsetMapTool(self.tool)
            if self._former_tool is not None and not sip.isdeleted(self._former_tool):
                canvas.setMapTool(self._former_tool)
            self._former_tool = None

    @property
    def box(self) -> tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None:
        """What was drawn, and the CRS of its coordinates."""
        return self._box

    def clear_box(self) -> None:
        """Forget the box."""
        self._box = None
        if self.band is not None:
            self._canvas.scene().removeItem(self.band)
            self.band = None

    def stop(self) -> None:
        """Take everything off the canvas."""
        self.switch(False)
        self.clear_box()
        self.tool.deleteLater()

    def _draw(self, extent: QgsRectangle) -> None:
        if extent.isEmpty():
            return
        self.clear_box()
        self._box = QgsRectangle(extent), self._canvas.mapSettings().destinationCrs()
        self.tool.clearRubberBand()
        self.switch(False)
        band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        fill = QColor(palette.CONTROL)
        fill.setAlpha(26)
        band.setFillColor(fill)
        band.setStrokeColor(QColor(palette.CONTROL))
        band.setLineStyle(Qt.PenStyle.DashLine)
        band.setWidth(2)
        band.setToGeometry(QgsGeometry.fromRect(extent), self._box[1])
        self.band = band
        self.drawn.emit()


def _inside(
    part: tuple[QgsRectangle, QgsCoordinateReferenceSystem] | None,
    raster: QgsRasterLayer | None,
    crs: QgsCoordinateReferenceSystem,
) -> Box | None:
    """Bounds in a CRS of what a raster has there; None where it has nothing."""
    if part is None or raster is None:
        return None
    try:
        seen = _bounds(part[0], part[1], crs).intersect(_bounds(raster.extent(), raster.crs(), crs))
    except QgsCsException:
        return None
    if seen.isEmpty() or not seen.isFinite():
        return None
    return seen.xMinimum(), seen.yMinimum(), seen.xMaximum(), seen.yMaximum()


def _count_px(box: Box | None, raster: QgsRasterLayer | None, crs: QgsCoordinateReferenceSystem) -> float:
    """How many pixels a raster has within bounds."""
    if box is None or raster is None:
        return 0.0
    try:
        part = _bounds(QgsRectangle(*box), crs, raster.crs())
    except QgsCsException:
        return 0.0
    pixel = raster.rasterUnitsPerPixelX() * raster.rasterUnitsPerPixelY()
    return part.width() * part.height() / pixel if pixel > 0 else 0.0


def _bounds(
    rectangle: QgsRectangle, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem
) -> QgsRectangle:
    transform = QgsCoordinateTransform(source, target, QgsProject.instance())
    return transform.transformBoundingBox(rectangle)
