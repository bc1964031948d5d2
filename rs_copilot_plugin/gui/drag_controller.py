"""Lets the user lay the shown frame on the map where it belongs; what comes of it are control points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qgis.core import QgsCsException, QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapTool, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.controls import ControlPoint, dragged_at
from rs_copilot_plugin.presenters.dragging import FrameDrag, quarter_px
from rs_copilot_plugin.presenters.projection import XY

from .drag_tool import DragTool
from .map_overlay import WGS84, MapOverlay
from .player_controller import PlayerController


class DragController(QObject):
    """One drag at a time, of the frame in the video."""

    dropped = pyqtSignal(object)

    def __init__(
        self,
        player: PlayerController,
        overlay: MapOverlay,
        canvas: QgsMapCanvas,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.tool = DragTool(canvas)
        self.band: QgsRubberBand | None = None
        self._player, self._overlay, self._canvas = player, overlay, canvas
        self._former_tool: QgsMapTool | None = None
        self._points: Sequence[ControlPoint] = ()
        self._start: tuple[FrameDrag, XY] | None = None
        self._now: FrameDrag | None = None
        self.tool.grabbed.connect(self._grab)
        self.tool.dragged.connect(self._drag)
        self.tool.dropped.connect(self._drop)

    def switch(self, on: bool) -> None:
        """Take the tool up, or put it down."""
        if on and self._canvas.mapTool() is not self.tool:
            self._former_tool = self._canvas.mapTool()
            self._canvas.setMapTool(self.tool)
        elif not on and self._canvas.mapTool() is self.tool:
            self._canvas.unsetMapTool(self.tool)
            if self._former_tool is not None and not sip.isdeleted(self._former_tool):
                self._canvas.setMapTool(self._former_tool)
            self._former_tool = None
        if not on:
            self._start = self._now = None

    def show(self, points: Sequence[ControlPoint]) -> None:
        """Show where the frame in the video was dragged to, if it was; ``points`` are those of the clip."""
        self._points = points
        drag = self._current()
        self._draw(drag if dragged_at(points, self._player.shown_s) else None)

    def clear(self) -> None:
        """Take everything off the map."""
        self._points = ()
        self._start = self._now = None
        self._draw(None)

    def _current(self) -> FrameDrag | None:
        """The shown frame where it is, or where it was dragged to before."""
        row = self._player.row_to_drag()
        if row is None:
            return None
        before = dragged_at(self._points, self._player.shown_s)
        try:
            there = [self._overlay.between((p.lon, p.lat), WGS84, row.metric_crs) for p in before]
        except QgsCsException:
            return None
        return FrameDrag.of(row, there) if there else FrameDrag(row)

    def _grab(self, point: QgsPointXY) -> None:
        drag = self._current()
        if drag is None:
            return
        start = self._metres(point, drag)
        if start is not None and drag.holds(start):
            self._player.pause()
            self._start = drag, start

    def _drag(self, point: QgsPointXY, turning: bool) -> None:
        if self._start is None:
            return
        drag, start = self._start
        end = self._metres(point, drag)
        if end is not None:
            self._now = drag.turned(start, end) if turning else drag.moved(start, end)
            self._draw(self._now)

    def _drop(self) -> None:
        drag, self._start, self._now = self._now, None, None
        if drag is None:
            return
        sigma_m = drag.sigma_m(self._metres_per_px(drag))
        try:
            places = [self._overlay.between(p, drag.row.metric_crs, WGS84) for p in drag.quarters_m()]
        except QgsCsException:
            return
        pixels = quarter_px(drag.row)
        self.dropped.emit(
            [ControlPoint(drag.row.time_s, *px, *lonlat, sigma_m) for px, lonlat in zip(pixels, places)]
        )

    def _metres(self, point: QgsPointXY, drag: FrameDrag) -> XY | None:
        try:
            return self._overlay.from_canvas(point, drag.row.metric_crs)
        except QgsCsException:
            return None

    def _metres_per_px(self, drag: FrameDrag) -> float:
        """Metres that a pixel of the screen shows, where the frame lies."""
        ring = drag.ring_m()
        if not ring:
            return 0.0
        try:
            a, b = (self._overlay.to_canvas(point, drag.row.metric_crs) for point in (ring[0], ring[2]))
        except QgsCsException:
            return 0.0
        return math.dist(ring[0], ring[2]) * self._canvas.mapUnitsPerPixel() / max(a.distance(b), 1e-12)

    def _draw(self, drag: FrameDrag | None) -> None:
        if self.band is not None:
            self._canvas.scene().removeItem(self.band)
            self.band = None
        ring = [] if drag is None else drag.ring_m()
        if drag is None or not ring:
            return
        try:
            corners = [self._overlay.to_canvas(point, drag.row.metric_crs) for point in ring]
        except QgsCsException:
            return
        self.band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        fill = QColor(palette.CONTROL)
        fill.setAlpha(50)
        self.band.setStrokeColor(QColor(palette.CONTROL))
        self.band.setFillColor(fill)
        self.band.setWidth(3)
        self.band.setToGeometry(QgsGeometry.fromPolygonXY([corners]), None)
