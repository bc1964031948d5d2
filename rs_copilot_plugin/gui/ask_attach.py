"""What goes with a question: a region drawn on the map, selected features, the frame in the video."""

from __future__ import annotations

from dataclasses import replace

from qgis.core import QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin.layers.region_file import RegionError, bounds_lonlat
from rs_copilot_plugin.layers.user_layers import selected_features
from rs_copilot_plugin.presenters.ask import AskPanel
from rs_copilot_plugin.presenters.attached import MAX_PINS, pins_of

from .look_picture import PictureSource
from .player_controller import PlayerController


class AskAttach(QObject):
    """Changes what the panel holds. ``changed``: something was attached or taken off."""

    changed = pyqtSignal()
    tool_changed = pyqtSignal(bool)

    def __init__(
        self,
        canvas: QgsMapCanvas,
        player: PlayerController,
        picture: PictureSource,
        panel: AskPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._canvas, self._player, self._panel = canvas, player, panel
        self.picture = picture
        picture.drawn.connect(self._drawn)
        picture.tool_changed.connect(self.tool_changed)

    def stop(self) -> None:
        """Take everything off the canvas."""
        self.picture.stop()

    @property
    def is_drawing(self) -> bool:
        """Whether the user is about to draw a region."""
        return self.picture.tool.isActive()

    def switch_region(self, on: bool) -> None:
        """Take the drawing tool up, or put it down."""
        self.picture.switch(on)

    def _drawn(self) -> None:
        box = self.picture.box
        if box is None:
            return
        try:
            found = bounds_lonlat(*box)
        except RegionError:
            self.picture.clear_box()
            return
        region = (found.xMinimum(), found.yMinimum(), found.xMaximum(), found.yMaximum())
        self._panel.attached = replace(self._panel.attached, region=region)
        self.changed.emit()

    def take_selection(self) -> None:
        """Attach the selected features of the active layer."""
        layer = self._canvas.currentLayer()
        if isinstance(layer, QgsVectorLayer):
            pins = pins_of(selected_features(layer, MAX_PINS))
            self._panel.attached = replace(self._panel.attached, pins=pins)
        self.changed.emit()

    def take_moment(self) -> None:
        """Attach the time of the frame that is shown."""
        if self._player.player.is_open:
            self._panel.attached = replace(self._panel.attached, now_s=self._player.shown_s)
        self.changed.emit()

    def detach(self, number: int) -> None:
        """Take one off, counted as they are shown: region, features, moment."""
        attached = self._panel.attached
        first_pin = int(attached.region is not None)
        pin = number - first_pin
        if number < first_pin:
            self.picture.clear_box()
            attached = replace(attached, region=None)
        elif pin < len(attached.pins):
            attached = replace(attached, pins=attached.pins[:pin] + attached.pins[pin + 1 :])
        else:
            attached = replace(attached, now_s=None)
        self._panel.attached = attached
        self.changed.emit()
