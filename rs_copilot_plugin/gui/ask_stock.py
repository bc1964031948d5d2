"""What scene and layers hold, looked up for suggestions, a moment after they have changed."""

from __future__ import annotations

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from rs_copilot_plugin.layers import user_layers
from rs_copilot_plugin.presenters.ask import AskPanel
from rs_copilot_plugin.presenters.suggestions import Stock, Suggestion, suggest
from rs_copilot_plugin.presenters.user_layers import Role

from .scene_controller import SceneController

_WAIT_MS = 200
# An empty conversation has room for more.
_SHOWN, _SHOWN_BESIDE = 4, 2
# Only local files and memory are looked into: a server must not keep the map waiting.
_LOCAL = frozenset({"ogr", "memory"})


class AskStock(QObject):
    """Keeps the panel's layers up to date. ``changed``: there is something else to ask."""

    changed = pyqtSignal()

    def __init__(self, scene: SceneController, panel: AskPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scene, self._panel = scene, panel
        self._stock = Stock()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._look)
        project = QgsProject.instance()
        project.layersAdded.connect(self.refresh)
        project.layersRemoved.connect(self.refresh)

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()
        project = QgsProject.instance()
        project.layersAdded.disconnect(self.refresh)
        project.layersRemoved.disconnect(self.refresh)

    def refresh(self, _changed: object = None) -> None:
        """Look again, soon."""
        self._timer.start()

    def suggestions(self) -> list[Suggestion]:
        """Questions that were not asked yet."""
        attached, stock = self._panel.attached, self._stock
        held = Stock(
            stock.names,
            stock.roads,
            stock.obstacles,
            stock.tracks,
            stock.label,
            stock.duration_s,
            attached.region is not None,
            tuple(pin.name for pin in attached.pins),
        )
        asked = {turn.question.text for turn in self._panel.talk.turns}
        fresh = [item for item in suggest(held, limit=9) if item.text not in asked]
        return fresh[: _SHOWN_BESIDE if asked else _SHOWN]

    def _look(self) -> None:
        self._panel.layers = user_layers.chosen_layers()
        around = self._scene.extent_lonlat()
        names: list[str] = []
        counts = dict.fromkeys(Role, 0)
        for layer in user_layers.user_layers():
            role = user_layers.role_of(layer)
            counts[role] += max(0, layer.featureCount()) if layer.providerType() in _LOCAL else 1
            if role in (Role.ZONES, Role.PLACES) and layer.providerType() in _LOCAL and not around.isEmpty():
                names += user_layers.feature_names(layer, around)
        tracks, label = self._scene.track_count()
        self._stock = Stock(
            tuple(names),
            counts[Role.ROADS],
            counts[Role.OBSTACLES],
            tracks,
            label or "vehicle",
            self._scene.duration_s,
        )
        self.changed.emit()
