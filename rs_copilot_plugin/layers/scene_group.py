"""One group per scene in the layer tree: layers come in one at a time and are reloaded in place."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from pathlib import Path

from qgis.core import QgsLayerTreeGroup, QgsLayerTreeLayer, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from rs_copilot_plugin.presenters.frames import ClipFrames
from rs_copilot_plugin.presenters.scene import HIDDEN_AT_FIRST, LAYER_ORDER
from rs_copilot_plugin.translate import tr

from . import styles, temporal
from .scene_file import read_frames, read_labels, read_layer_names

SCENE_PROPERTY = "rs_copilot/scene"
LAYER_PROPERTY = "rs_copilot/layer"
# A reload closes and opens the file and redraws the map; more often than this is waste.
RELOAD_EVERY_MS = 1500


class SceneGroup(QObject):
    """The layers of one scene. Work is cut into small steps of the event loop: the map never waits."""

    layer_added = pyqtSignal(str)
    settled = pyqtSignal()

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.interval_s = 1.0
        self.duration_s = 0.0
        self.hidden = HIDDEN_AT_FIRST
        self.labels: dict[str, list[str]] = {}
        self.title = path.stem
        self._queue: deque[str] = deque()
        self._opened: tuple[str, QgsVectorLayer] | None = None
        self._reload = False
        self._step_timer = QTimer(self)
        self._step_timer.setSingleShot(True)
        self._step_timer.timeout.connect(self._step)
        self._reload_timer = QTimer(self)
        self._reload_timer.setSingleShot(True)
        self._reload_timer.setInterval(RELOAD_EVERY_MS)
        self._reload_timer.timeout.connect(self._start_reload)

    def layers(self) -> dict[str, QgsVectorLayer]:
        """Layers of this scene that are in the project, by their name in the file."""
        return {
            layer.customProperty(LAYER_PROPERTY): layer
            for layer in QgsProject.instance().mapLayers().values()
            if layer.customProperty(SCENE_PROPERTY) == str(self.path)
        }

    def reveal(self, name: str) -> None:
        """Switch a layer on, now or when it comes."""
        self.hidden = self.hidden - {name}
        node = self._node(name)
        if node is not None:
            node.setItemVisibilityChecked(True)

    def is_seen(self, name: str) -> bool:
        """Whether a layer is switched on, and all groups that it is in."""
        node = self._node(name)
        return node is not None and node.isVisible()

    def _node(self, name: str) -> QgsLayerTreeLayer | None:
        layer = self.layers().get(name)
        return None if layer is None else QgsProject.instance().layerTreeRoot().findLayer(layer.id())

    def refresh(self, names: list[str], at_once: bool = False) -> None:
        """Bring in layers that are new and reload those that are there, soon."""
        present = self.layers()
        for name in sorted(set(names) & set(LAYER_ORDER), key=LAYER_ORDER.index, reverse=True):
            if name not in present and name not in self._queue:
                self._queue.append(name)
        self._reload = self._reload or bool(present)
        if self._queue:
            self._step_timer.start(0)
        if at_once:
            self._start_reload()
        elif self._reload and not self._reload_timer.isActive():
            self._reload_timer.start()

    def _start_reload(self) -> None:
        self._reload_timer.stop()
        if self._reload:
            self._reload = False
            self._queue.extend(name for name in self.layers() if name not in self._queue)
            self._step_timer.start(0)

    def _step(self) -> None:
        """Open, show or reload one layer, then give the event loop a turn."""
        if self._opened is not None:
            self._show(*self._opened)
            self._opened = None
            self._step_timer.start(0)
            return
        if not self._queue:
            self.settled.emit()
            return
        name = self._queue.popleft()
        layer = self.layers().get(name)
        if layer is None:
            self._open(name)
        else:
            layer.dataProvider().reloadData()
            styles.set_key_spacing(layer, self.interval_s, self.duration_s)
            styles.add_classes(layer, name, self.labels.get(name, ()))
            layer.updateExtents()
            layer.triggerRepaint()
        self._step_timer.start(0)

    def _open(self, name: str) -> None:
        layer = QgsVectorLayer(f"{self.path}|layername={name}", title(name), "ogr")
        if layer.isValid():
            self._opened = (name, layer)

    def _show(self, name: str, layer: QgsVectorLayer) -> None:
        layer.setReadOnly(True)
        layer.setCustomProperty(SCENE_PROPERTY, str(self.path))
        layer.setCustomProperty(LAYER_PROPERTY, name)
        styles.apply_style(layer, name)
        styles.add_classes(layer, name, self.labels.get(name, ()))
        styles.set_key_spacing(layer, self.interval_s, self.duration_s)
        temporal.make_temporal(layer, name, self.interval_s)
        QgsProject.instance().addMapLayer(layer, False)
        group = self.ensure_group()
        node = group.insertLayer(_position(group, name), layer)
        # A legend of classes says what was found; others only take room.
        node.setExpanded(name in self.labels and name not in self.hidden)
        node.setItemVisibilityChecked(name not in self.hidden)
        if len(group.children()) == 1:
            # The tree view forgets the state of a group that was empty when it came.
            group.setExpanded(False)
            group.setExpanded(True)
        self.layer_added.emit(name)

    def remove(self) -> None:
        """Take the group and its layers out of the project."""
        self._queue.clear()
        self._opened = None
        QgsProject.instance().removeMapLayers([layer.id() for layer in self.layers().values()])
        group = self.ensure_group()
        group.parent().removeChildNode(group)

    def ensure_group(self) -> QgsLayerTreeGroup:
        """The scene's group; made at the top of the tree where it is not there yet."""
        root = QgsProject.instance().layerTreeRoot()
        for group in root.findGroups(True):
            if group.customProperty(SCENE_PROPERTY) == str(self.path):
                return group
        group = root.insertGroup(0, self.title)
        group.setCustomProperty(SCENE_PROPERTY, str(self.path))
        return group


# Groups that `show_scene` made and that are not on the map yet; nothing else holds them.
_bringing: set[SceneGroup] = set()


def show_scene(path: Path, group_title: str, shown: Collection[str] = ()) -> None:
    """Bring a scene that was just written onto the map, as the panel would; no panel is needed.

    Layers in ``shown`` are switched on, even those that are off at first.

    Raises:
        SceneFileError: the file is no scene.
    """
    names = read_layer_names(path)
    group = SceneGroup(path)
    group.title = group_title
    group.labels = read_labels(path)
    _bringing.add(group)
    if "frames" in names:
        clips = [ClipFrames(rows) for rows in read_frames(path).values()]
        group.interval_s = min(frames.interval_s for frames in clips)
        group.duration_s = max(frames.rows[-1].time_s for frames in clips)
    else:
        # Found tiles or objects alone: they are what was looked for.
        group.hidden = frozenset()
    for name in shown:
        group.reveal(name)
    group.settled.connect(lambda: _bringing.discard(group))
    group.refresh(names, at_once=True)


def _position(group: QgsLayerTreeGroup, name: str) -> int:
    """Where a layer belongs among those that are there already."""
    names = [node.layer().customProperty(LAYER_PROPERTY) for node in group.findLayers() if node.layer()]
    rank = LAYER_ORDER.index(name)
    return sum(LAYER_ORDER.index(other) < rank for other in names if other in LAYER_ORDER)


def title(name: str) -> str:
    """A layer's name in the user's language."""
    return {
        "frames": tr("Frames"),
        "footprints": tr("Footprints"),
        "trajectory": tr("Trajectory"),
        "tracks": tr("Tracks"),
        "detections": tr("Detections"),
        "candidates": tr("Candidates"),
        "search_area": tr("Search area"),
        "segments": tr("Segments"),
        "groundings": tr("Groundings"),
        "looks": tr("Where the model looked"),
        "answers": tr("Answers"),
    }.get(name, name)
