"""Evidence of an answer, drawn on the map and, the same way, on the pictures of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from qgis.PyQt.QtWidgets import QStyleOptionGraphicsItem, QWidget

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.layers.evidence_layer import geometry_of
from rs_copilot_plugin.layers.region_file import WGS84
from rs_copilot_plugin.presenters.ask import Evidence, EvidenceKind

from .widgets import text_flags

_LABEL_CHARS = 34
_LABELS_AT_MOST = 12
_COLOURS = {
    EvidenceKind.MOMENT: palette.ACCENT,
    EvidenceKind.TRACK: palette.SEARCH,
    EvidenceKind.MEASURE: palette.CONTROL,
    EvidenceKind.PLACE: palette.LOCATED,
}
_GEOMETRY = QgsWkbTypes.GeometryType
_CENTRED = text_flags(Qt.AlignmentFlag.AlignCenter, Qt.TextFlag.TextSingleLine)
_TO_PX = Callable[[QgsPointXY], QPointF]


@dataclass(frozen=True)
class Drawn:
    """A piece of evidence in the coordinates of a map; ``is_lit``: it is the one that is meant."""

    geometry: QgsGeometry
    kind: EvidenceKind
    label: str
    is_lit: bool = False


def prepare(
    evidence: Iterable[Evidence], crs: QgsCoordinateReferenceSystem, lit: int | None = None
) -> list[Drawn]:
    """Evidence for a map in this CRS; what has no place on it is left out. Frames lie below all else."""
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem(WGS84), crs, QgsProject.instance())
    found = []
    for number, item in enumerate(evidence):
        shape = None if item.shape is None else geometry_of(item.shape)
        if shape is None:
            continue
        try:
            shape.transform(transform)
        except QgsCsException:
            continue
        if shape.boundingBox().isFinite():
            found.append(Drawn(shape, item.kind, item.says, number == lit))
    order = [EvidenceKind.MOMENT, EvidenceKind.PLACE, EvidenceKind.TRACK, EvidenceKind.MEASURE]
    return sorted(found, key=lambda item: (item.is_lit, order.index(item.kind)))


def bounds(drawn: Iterable[Drawn]) -> QgsRectangle:
    """What holds all of it; null for nothing."""
    box = QgsRectangle()
    box.setMinimal()
    for item in drawn:
        box.combineExtentWith(item.geometry.boundingBox())
    return box


def paint(painter: QPainter, drawn: list[Drawn], to_px: _TO_PX) -> None:
    """Draw it; labels that would cover another one are left out, measurements first."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for item in drawn:
        _paint_shape(painter, item, to_px)
    taken: list[QRectF] = []
    for item in sorted(drawn, key=lambda i: (not i.is_lit, i.kind is not EvidenceKind.MEASURE)):
        # Of many frames the outlines alone are enough.
        is_crowd = item.kind is EvidenceKind.MOMENT and len(drawn) > 2
        if len(taken) < _LABELS_AT_MOST and (item.is_lit or not is_crowd):
            _paint_label(painter, item, to_px, taken)


def _paint_shape(painter: QPainter, item: Drawn, to_px: _TO_PX) -> None:
    path, is_area, is_point = _path_of(item.geometry, to_px)
    colour = QColor(_COLOURS[item.kind])
    fill = QColor(colour)
    fill.setAlpha(70 if item.is_lit else 34)
    width = 3.6 if item.is_lit else 2.2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    style = Qt.PenStyle.DashLine if item.kind is EvidenceKind.MOMENT else Qt.PenStyle.SolidLine
    casing = QColor(palette.INK)
    casing.setAlpha(190)
    painter.setPen(QPen(casing, width + 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPath(path)
    painter.setPen(QPen(colour, width, style, Qt.PenCapStyle.RoundCap))
    if is_point:
        painter.setBrush(colour)
    elif is_area:
        painter.setBrush(fill)
    painter.drawPath(path)
    if item.kind is EvidenceKind.MEASURE:
        _paint_ends(painter, item.geometry, to_px, colour)


def _paint_ends(painter: QPainter, shape: QgsGeometry, to_px: _TO_PX, colour: QColor) -> None:
    vertices = [QgsPointXY(vertex) for vertex in shape.vertices()]
    painter.setPen(QPen(QColor(palette.INK), 1.4))
    painter.setBrush(colour)
    for end in (vertices[0], vertices[-1]):
        painter.drawEllipse(to_px(end), 4.2, 4.2)


def _path_of(shape: QgsGeometry, to_px: _TO_PX) -> tuple[QPainterPath, bool, bool]:
    """The outline, whether it is an area's, and whether it is a point's."""
    path = QPainterPath()
    is_area, is_point = shape.type() == _GEOMETRY.PolygonGeometry, shape.type() == _GEOMETRY.PointGeometry
    for part in shape.constParts():
        if is_point:
            path.addEllipse(to_px(QgsPointXY(part.centroid())), 5.0, 5.0)
            continue
        rings = [part.exteriorRing()] if is_area else [part]
        rings += [part.interiorRing(i) for i in range(part.numInteriorRings())] if is_area else []
        for ring in rings:
            points = [to_px(QgsPointXY(ring.pointN(i))) for i in range(ring.numPoints())]
            path.moveTo(points[0])
            for point in points[1:]:
                path.lineTo(point)
            if is_area:
                path.closeSubpath()
    return path, is_area, is_point


def _paint_label(painter: QPainter, item: Drawn, to_px: _TO_PX, taken: list[QRectF]) -> None:
    label = item.label.strip()
    if not label:
        return
    text = label if len(label) <= _LABEL_CHARS else f"{label[: _LABEL_CHARS - 1]}…"
    font = QFont(painter.font())
    font.setPointSizeF(9.0)
    font.setBold(item.kind is EvidenceKind.MEASURE or item.is_lit)
    metrics = QFontMetricsF(font, painter.device()) if painter.device() else QFontMetricsF(font)
    anchor = to_px(_anchor(item.geometry))
    box = metrics.boundingRect(text)
    box.moveCenter(QPointF(anchor.x(), anchor.y() - (11.0 if item.kind is not EvidenceKind.PLACE else 0.0)))
    if any(box.adjusted(-2, -1, 2, 1).intersects(other) for other in taken):
        return
    taken.append(box)
    halo = QColor(palette.INK)
    halo.setAlpha(205)
    painter.setFont(font)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(halo)
    painter.drawRoundedRect(box.adjusted(-4, -2, 4, 2), 3, 3)
    painter.setPen(QColor(_COLOURS[item.kind]) if item.kind is EvidenceKind.MEASURE else QColor("#ffffff"))
    painter.drawText(box, _CENTRED, text)


def _anchor(shape: QgsGeometry) -> QgsPointXY:
    """Where a label stands: the middle of a line, a point inside an area."""
    if shape.type() == _GEOMETRY.LineGeometry:
        return QgsPointXY(shape.interpolate(shape.length() / 2).asPoint())
    inside = shape.pointOnSurface()
    return QgsPointXY((shape.centroid() if inside.isNull() else inside).asPoint())


class EvidenceItem(QgsMapCanvasItem):
    """The evidence of the answer that is shown. It belongs to the canvas, not to the project."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._evidence: tuple[Evidence, ...] = ()
        self._lit: int | None = None
        self.drawn: list[Drawn] = []
        self.setZValue(60)
        canvas.destinationCrsChanged.connect(self._prepare)

    def show_evidence(self, evidence: Iterable[Evidence], lit: int | None = None) -> None:
        """Draw this instead; ``lit`` is the number of the one that is meant."""
        self._evidence, self._lit = tuple(evidence), lit
        self._prepare()

    def remove(self) -> None:
        """Take it off the canvas."""
        self._canvas.destinationCrsChanged.disconnect(self._prepare)
        self._canvas.scene().removeItem(self)

    def _prepare(self) -> None:
        crs = self._canvas.mapSettings().destinationCrs()
        self.drawn = prepare(self._evidence, crs, self._lit)
        self.updatePosition()
        self.setVisible(bool(self.drawn))

    def updatePosition(self) -> None:
        # The whole view, not the bounds of the evidence: of a long road most lies outside of it.
        self.setRect(self._canvas.extent() if self.drawn else QgsRectangle())
        self.update()

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem = None,  # noqa: ARG002 - Qt's signature
        widget: QWidget = None,  # noqa: ARG002
    ) -> None:
        if self.drawn:
            origin = self.pos()
            paint(painter, self.drawn, lambda point: self.toCanvasCoordinates(point) - origin)
