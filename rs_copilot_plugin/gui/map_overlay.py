"""What moves on the map while a clip plays: footprint, camera, and the picture itself where wanted."""

from __future__ import annotations

import math

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF, QTransform
from qgis.PyQt.QtWidgets import QStyleOptionGraphicsItem, QWidget

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.frames import View
from rs_copilot_plugin.presenters.projection import XY

WGS84 = "EPSG:4326"
# Share of the canvas that the footprint may leave before the map follows.
_FOLLOW_MARGIN = 0.08


class ViewItem(QgsMapCanvasItem):
    """One canvas item for the whole view: a single repaint per frame keeps play smooth."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._ring: list[QgsPointXY] = []
        self._centre: QgsPointXY | None = None
        self._camera: QgsPointXY | None = None
        self._picture: QImage | None = None
        self.setZValue(50)

    def set_view(
        self,
        ring: list[QgsPointXY],
        centre: QgsPointXY | None,
        camera: QgsPointXY | None,
        picture: QImage | None,
    ) -> None:
        """Show another view; coordinates are the canvas's."""
        self._ring, self._centre, self._camera = ring, centre, camera
        self._picture = picture
        self.updatePosition()
        self.setVisible(bool(ring))

    def updatePosition(self) -> None:
        points = [*self._ring, *(p for p in (self._camera, self._centre) if p is not None)]
        if not points:
            self.setRect(QgsRectangle())
            return
        box = QgsRectangle()
        box.setMinimal()
        for point in points:
            box.combineExtentWith(point.x(), point.y())
        # The camera's symbol and the pen are wider than the points they stand on.
        box.grow(30 * self._canvas.mapUnitsPerPixel())
        self.setRect(box)
        self.update()

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem = None,  # noqa: ARG002 - Qt's signature
        widget: QWidget = None,  # noqa: ARG002
    ) -> None:
        if not self._ring:
            return
        origin = self.pos()
        ring = QPolygonF([self.toCanvasCoordinates(point) - origin for point in self._ring])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._picture is not None:
            self._paint_picture(painter, ring, self._picture)
        self._paint_footprint(painter, ring, filled=self._picture is None)
        if self._camera is not None and self._centre is not None:
            camera = self.toCanvasCoordinates(self._camera) - origin
            self._paint_camera(painter, camera, self.toCanvasCoordinates(self._centre) - origin, ring)

    @staticmethod
    def _paint_picture(painter: QPainter, ring: QPolygonF, picture: QImage) -> None:
        corners = QPolygonF(QRectF(0, 0, picture.width(), picture.height()))
        corners.remove(4)  # QPolygonF(QRectF) closes itself; quadToQuad wants four corners
        transform = QTransform()
        if not QTransform.quadToQuad(corners, ring, transform):
            return
        painter.save()
        painter.setOpacity(0.92)
        painter.setTransform(transform, True)
        painter.drawImage(0, 0, picture)
        painter.restore()

    def _paint_footprint(self, painter: QPainter, ring: QPolygonF, filled: bool) -> None:
        fill = QColor(palette.ACCENT)
        fill.setAlpha(36 if filled else 0)
        painter.setBrush(fill)
        painter.setPen(
            QPen(QColor(8, 16, 22, 170), 4.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _MITRE)
        )
        painter.drawPolygon(ring)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(
            QPen(QColor(palette.ACCENT), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _MITRE)
        )
        painter.drawPolygon(ring)
        # The top edge of the picture is thicker: it shows which way is up.
        painter.setPen(QPen(QColor("#ffffff"), 3.2))
        painter.drawLine(ring[0], ring[1])

    def _paint_camera(self, painter: QPainter, camera: QPointF, centre: QPointF, ring: QPolygonF) -> None:
        painter.setPen(QPen(QColor(255, 255, 255, 150), 1.0, Qt.PenStyle.DashLine))
        for corner in (ring[0], ring[1], ring[2], ring[3]):
            painter.drawLine(camera, corner)
        painter.setPen(QPen(QColor("#ffffff"), 1.4))
        painter.setBrush(QColor(palette.ACCENT))
        painter.drawEllipse(centre, 3.4, 3.4)
        painter.save()
        painter.translate(camera)
        aim = ring[0] + ring[1] - ring[2] - ring[3]
        painter.rotate(math.degrees(math.atan2(aim.x(), -aim.y())))
        painter.setPen(QPen(QColor("#ffffff"), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, _MITRE))
        painter.setBrush(QColor(palette.INK))
        painter.drawPath(_drone_path())
        painter.restore()


_MITRE = Qt.PenJoinStyle.RoundJoin


def _drone_path() -> QPainterPath:
    """An arrow head that points up: the camera, seen from above."""
    path = QPainterPath(QPointF(0, -12))
    path.lineTo(8.5, 10)
    path.lineTo(0, 5.5)
    path.lineTo(-8.5, 10)
    path.closeSubpath()
    return path


class MapOverlay:
    """Brings views from metres of their own CRS onto the canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self._item = ViewItem(canvas)
        self._item.hide()
        self._transforms: dict[tuple[str, str], QgsCoordinateTransform] = {}
        self.follow = False

    def show(self, view: View | None, picture: QImage | None = None) -> None:
        """Draw a view; None hides everything."""
        if view is None:
            self._item.set_view([], None, None, None)
            return
        try:
            ring = [self.to_canvas(corner, view.metric_crs) for corner in view.corners_m]
            centre = self.to_canvas(view.center_m, view.metric_crs)
            camera = None if view.cam_lonlat is None else self.to_canvas(view.cam_lonlat, WGS84)
        except QgsCsException:
            self._item.set_view([], None, None, None)
            return
        if self.follow:
            self._keep_in_view(ring, centre)
        self._item.set_view(ring, centre, camera, picture)

    def flash(self, point_m: XY, crs: str) -> None:
        """Let a point light up on the map."""
        point = self.to_canvas(point_m, crs)
        self._canvas.flashGeometries(
            [QgsGeometry.fromPointXY(point)],
            self._canvas.mapSettings().destinationCrs(),
            QColor(0, 180, 216, 255),
            QColor(0, 180, 216, 0),
            4,
            350,
        )

    def to_canvas(self, point: XY, crs: str) -> QgsPointXY:
        """A point in the canvas's coordinates.

        Raises:
            QgsCsException: it has none there.
        """
        return self._transform(crs).transform(QgsPointXY(*point))

    def from_canvas(self, point: QgsPointXY, crs: str) -> XY:
        """A canvas point in another CRS.

        Raises:
            QgsCsException: it has none there.
        """
        found = self._transform(crs).transform(point, Qgis.TransformDirection.Reverse)
        return found.x(), found.y()

    def between(self, point: XY, source: str, target: str) -> XY:
        """A point in another CRS.

        Raises:
            QgsCsException: it has none there.
        """
        transform = QgsCoordinateTransform(crs_of(source), crs_of(target), QgsProject.instance())
        found = transform.transform(QgsPointXY(*point))
        return found.x(), found.y()

    def remove(self) -> None:
        """Take everything off the canvas."""
        self._canvas.scene().removeItem(self._item)

    def _transform(self, crs: str) -> QgsCoordinateTransform:
        destination = self._canvas.mapSettings().destinationCrs()
        key = (crs, destination.toWkt())
        if key not in self._transforms:
            self._transforms[key] = QgsCoordinateTransform(crs_of(crs), destination, QgsProject.instance())
        return self._transforms[key]

    def _keep_in_view(self, ring: list[QgsPointXY], centre: QgsPointXY) -> None:
        visible = self._canvas.extent()
        inner = visible.buffered(-_FOLLOW_MARGIN * min(visible.width(), visible.height()))
        box = QgsGeometry.fromPolygonXY([ring]).boundingBox()
        fits = box.width() < inner.width() and box.height() < inner.height()
        if (fits and not inner.contains(box)) or (not fits and not inner.contains(centre)):
            self._canvas.setCenter(centre)
            self._canvas.refresh()


def crs_of(text: str) -> QgsCoordinateReferenceSystem:
    """The CRS behind an authority code or a WKT."""
    if text[:40].lstrip().upper().startswith(("PROJCRS", "PROJCS", "GEOG", "BOUNDCRS", "COMPOUNDCRS")):
        return QgsCoordinateReferenceSystem.fromWkt(text)
    return QgsCoordinateReferenceSystem(text)
