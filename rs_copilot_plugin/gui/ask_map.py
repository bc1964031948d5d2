"""The evidence of an answer on the canvas, and how the map moves to it."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsGeometry, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.ask import Evidence

from . import evidence_item
from .ask_report import roomy

# What is smaller than this share of the map is hardly seen: the map goes nearer.
_LEAST_SHARE, _MOST_SHARE = 1 / 40, 0.8


class AskMap:
    """Draws evidence, brings it into view, lets it flash."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self.item = evidence_item.EvidenceItem(canvas)
        self._evidence: tuple[Evidence, ...] = ()

    def stop(self) -> None:
        """Leave the canvas as it was."""
        self.item.remove()

    def show(self, evidence: Sequence[Evidence], lit: int | None = None) -> None:
        """Draw this instead."""
        self._evidence = tuple(evidence)
        self.item.show_evidence(self._evidence, lit)

    def bring_into_view(self) -> None:
        """Move the map if nothing of the evidence is on it."""
        box = evidence_item.bounds(self.item.drawn)
        if self.item.drawn and not self._canvas.extent().intersects(box):
            self._go(box)

    def go_to(self, number: int) -> None:
        """Show one piece of evidence as a whole, and let it flash."""
        crs = self._canvas.mapSettings().destinationCrs()
        drawn = evidence_item.prepare([self._evidence[number]], crs)
        if not drawn:
            return
        shape = drawn[0].geometry
        box, view = shape.boundingBox(), self._canvas.extent()
        size = max(box.width(), box.height())
        is_small = 0 < size < _LEAST_SHARE * min(view.width(), view.height())
        if not view.contains(box) or is_small:
            self._go(box)
        self._flash(shape)

    def _go(self, box: QgsRectangle) -> None:
        canvas, view = self._canvas, self._canvas.extent()
        size, room = max(box.width(), box.height()), min(view.width(), view.height())
        # A point has no size of its own to go by: the scale stays.
        if size == 0 or _LEAST_SHARE * room <= size <= _MOST_SHARE * room:
            canvas.setCenter(box.center())
        else:
            canvas.setExtent(roomy(box, canvas.mapSettings()))
        canvas.refresh()

    def _flash(self, shape: QgsGeometry) -> None:
        colour = QColor(palette.ACCENT)
        faded = QColor(colour)
        faded.setAlpha(0)
        crs = self._canvas.mapSettings().destinationCrs()
        self._canvas.flashGeometries([shape], crs, colour, faded, 4, 350)
