"""What a model says about places, on the map while it speaks: layers in memory, in the scene's group."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsLayerTreeGroup,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from rs_copilot_plugin.presenters.conversation import Spot, Zoom
from rs_copilot_plugin.translate import tr

from . import scene_group, styles
from .region_file import WGS84

ROLE_PROPERTY = "rs_copilot/look"
SPOTS, ZOOMS = "spots", "zooms"
_FIELDS = {
    SPOTS: "field=turn:integer&field=number:integer&field=label&field=score:double&field=time_s:double",
    ZOOMS: "field=turn:integer&field=step:integer&field=reason:string",
}
# New objects may come twenty times a second; a map that begins anew each time is never finished.
_REPAINT_MS = 250
# Colours for so many classes; a model that invents more does not fill the legend.
MAX_CLASSES = 24


class LookLayers(QObject):
    """Objects and closer looks of one conversation. ``picked``: turn and number of a selected object."""

    picked = pyqtSignal(int, int)

    def __init__(self, find_group: Callable[[], QgsLayerTreeGroup], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._find_group = find_group
        self._ids: dict[str, str] = {}
        self._labels: list[str] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REPAINT_MS)
        self._timer.timeout.connect(self._repaint)
        QgsProject.instance().readProject.connect(self._tidy)

    def layer(self, role: str) -> QgsVectorLayer | None:
        """The layer of objects or of closer looks; the user may have removed it."""
        found = QgsProject.instance().mapLayer(self._ids.get(role, ""))
        return found if isinstance(found, QgsVectorLayer) else None

    def is_seen(self) -> bool:
        """Whether the objects are switched on."""
        node = QgsProject.instance().layerTreeRoot().findLayer(self._ids.get(SPOTS, ""))
        return node is not None and node.isVisible()

    def add(
        self, turn: int, first: int, spots: Iterable[Spot], zooms: Iterable[Zoom], first_zoom: int = 0
    ) -> None:
        """Draw what is new in a turn; ``first`` is the number of the first object, as ``first_zoom`` is."""
        rows = [
            (spot.polygon, [turn, number, spot.label, spot.score, spot.time_s])
            for number, spot in enumerate(spots, start=first)
            if spot.polygon
        ]
        self._add(SPOTS, rows)
        steps = enumerate(zooms, start=first_zoom + 1)
        self._add(ZOOMS, [(zoom.polygon, [turn, step, None]) for step, zoom in steps if zoom.polygon])

    def remove_turns(self, turns: Iterable[int], role: str | None = None) -> None:
        """Take what belongs to these turns off the map."""
        wanted = set(turns)
        for name in (SPOTS, ZOOMS) if role is None else (role,):
            layer = self.layer(name)
            if layer is not None:
                fids = [row.id() for row in layer.getFeatures() if row["turn"] in wanted]
                layer.dataProvider().deleteFeatures(fids)
                layer.triggerRepaint()

    def clear(self) -> None:
        """Take the layers out of the project."""
        self._timer.stop()
        self._labels = []
        layers, self._ids = [self.layer(role) for role in self._ids], {}
        QgsProject.instance().removeMapLayers([layer.id() for layer in layers if layer is not None])

    def stop(self) -> None:
        """Leave nothing in the project."""
        QgsProject.instance().readProject.disconnect(self._tidy)
        self.clear()

    def _tidy(self) -> None:
        """A project that was saved with an answer on the map has empty layers: what was in memory is gone."""
        stale = [
            layer.id()
            for layer in QgsProject.instance().mapLayers().values()
            if layer.customProperty(ROLE_PROPERTY) and layer.id() not in self._ids.values()
        ]
        QgsProject.instance().removeMapLayers(stale)

    def _add(self, role: str, rows: list[tuple[tuple, list[object]]]) -> None:
        if not rows:
            return
        layer = self.layer(role) or self._make(role)
        features = []
        for ring, values in rows:
            feature = QgsFeature(layer.fields())
            feature.setGeometry(QgsGeometry.fromPolygonXY([[QgsPointXY(*corner) for corner in ring]]))
            feature.setAttributes(values)
            features.append(feature)
        layer.dataProvider().addFeatures(features)
        if role == SPOTS:
            self._add_classes(layer, (str(values[2]) for _, values in rows))
        if not self._timer.isActive():
            self._timer.start()

    def _add_classes(self, layer: QgsVectorLayer, labels: Iterable[str]) -> None:
        fresh = list(dict.fromkeys(label for label in labels if label not in self._labels))
        room = max(0, MAX_CLASSES - len(self._labels))
        # The empty class is for all that have none of their own.
        fresh = fresh if len(fresh) <= room else [*fresh[:room], ""]
        if set(fresh) - set(self._labels):
            self._labels += [label for label in fresh if label not in self._labels]
            styles.add_classes(layer, "spoken", self._labels)

    def _make(self, role: str) -> QgsVectorLayer:
        title = tr("Look") if role == SPOTS else scene_group.title("looks")
        layer = QgsVectorLayer(f"Polygon?crs={WGS84}&{_FIELDS[role]}", title, "memory")
        layer.setCustomProperty(ROLE_PROPERTY, role)
        # QGIS asks before it closes a project with layers in memory; these are only a view of the answers.
        layer.setCustomProperty("skipMemoryLayersCheck", 1)
        layer.setReadOnly(True)
        styles.apply_style(layer, "spoken" if role == SPOTS else "looks")
        layer.selectionChanged.connect(self._selected)
        QgsProject.instance().addMapLayer(layer, False)
        group = self._find_group()
        node = group.insertLayer(0 if role == SPOTS else len(group.children()), layer)
        node.setExpanded(role == SPOTS)
        self._ids[role] = layer.id()
        if role == SPOTS:
            self._labels = []
        return layer

    def _selected(self, fids: list[int]) -> None:
        layer = self.layer(SPOTS)
        if layer is not None and len(fids) == 1:
            row = layer.getFeature(fids[0])
            if row.isValid() and isinstance(row["number"], int):
                self.picked.emit(row["turn"], row["number"])

    def _repaint(self) -> None:
        for role in (SPOTS, ZOOMS):
            layer = self.layer(role)
            if layer is not None:
                layer.updateExtents()
                layer.triggerRepaint()
