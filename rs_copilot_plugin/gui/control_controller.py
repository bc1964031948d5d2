"""Lets the user say where a point of the picture lies on the map; the next *Locate* holds to it."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsCsException, QgsPointXY
from qgis.gui import QgsMapCanvas, QgsMapTool, QgsMapToolEmitPoint, QgsVertexMarker
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.controls import (
    SAME_FRAME_S,
    ControlFileError,
    ControlPicker,
    ControlPoint,
    PickStage,
    control_file,
    entries_of,
    is_same_frame,
    nearest_sample,
    read_points,
    write_points,
)
from rs_copilot_plugin.presenters.projection import XY
from rs_copilot_plugin.translate import tr

from .drag_controller import DragController
from .map_overlay import WGS84, MapOverlay
from .player_controller import PlayerController
from .video_panel import VideoPanel


class ControlController(QObject):
    """Pairs of clicks, kept beside the clip and shown in the picture and on the map."""

    changed = pyqtSignal(str, int)
    failed = pyqtSignal(str)

    def __init__(
        self,
        player: PlayerController,
        panel: VideoPanel,
        overlay: MapOverlay,
        canvas: QgsMapCanvas,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.points: list[ControlPoint] = []
        self.picker = ControlPicker()
        self.tool = QgsMapToolEmitPoint(canvas)
        self.tool.setCursor(Qt.CursorShape.CrossCursor)
        self._player, self._panel, self._overlay, self._canvas = player, panel, overlay, canvas
        self._clip = ""
        self._former_tool: QgsMapTool | None = None
        self._markers: list[QgsVertexMarker] = []
        self.tool.canvasClicked.connect(self._map_clicked)
        self.drag = DragController(player, overlay, canvas, self)
        self.drag.dropped.connect(self._keep_dragged)
        panel.control_box.drag_toggled.connect(lambda _on: self._redraw())
        panel.control_toggled.connect(self.switch)
        panel.picture_clicked.connect(self._picture_clicked)
        panel.control_box.chosen.connect(self._show_point)
        panel.control_box.removed.connect(self._remove)
        player.frame_shown.connect(lambda _time_s: self._show_frame())
        player.clip_changed.connect(self._take_clip)
        canvas.destinationCrsChanged.connect(self._show_markers)

    def switch(self, on: bool) -> None:
        """Begin or end to set points."""
        self.picker.switch(on)
        if on:
            self._player.pause()
            self._go_to_sample()
        else:
            self._panel.control_box.drag_button.setChecked(False)
        self._redraw()

    def stop(self) -> None:
        """Take everything off the map."""
        self._put_tool_down()
        self.drag.switch(False)
        self.drag.clear()
        self._clear_markers()

    # --- clicks

    def _picture_clicked(self, uv: XY) -> None:
        if self.picker.stage is PickStage.OFF:
            return
        if self._go_to_sample():
            self._panel.control_box.show_moved()
            return
        width_px, height_px = self._player.size_px
        self.picker.take_picture(self._player.shown_s, (uv[0] * width_px, uv[1] * height_px))
        self._redraw()

    def _map_clicked(self, point: QgsPointXY, _button: Qt.MouseButton) -> None:
        try:
            found = self.picker.take_map(self._overlay.from_canvas(point, WGS84))
        except QgsCsException:
            return
        if found is not None:
            self._keep([*self.points, found])
        self._redraw()

    def _go_to_sample(self) -> bool:
        """Show the nearest frame that is located, where the shown one is not; whether that was needed."""
        wanted_s = nearest_sample(self._player.sampled_times_s(), self._player.shown_s)
        if wanted_s is not None:
            self._player.seek(wanted_s)
        return wanted_s is not None

    def _remove(self, row: int) -> None:
        kept = [entry for place, entry in enumerate(entries_of(self.points)) if place != row]
        self._keep([point for entry in kept for point in entry])
        self._redraw()

    def _keep_dragged(self, points: list[ControlPoint]) -> None:
        """A frame was dropped: what was dragged of it before is forgotten."""
        others = [p for p in self.points if p.sigma_m is None or not is_same_frame(p, points[0])]
        self._keep([*others, *points])
        self._redraw()

    def _show_point(self, row: int) -> None:
        entries = entries_of(self.points)
        if row < len(entries):
            point = entries[row][0]
            self._player.seek(point.time_s)
            self._overlay.flash((point.lon, point.lat), WGS84)

    # --- the points

    def _take_clip(self, clip: str) -> None:
        self._clip, self.points = clip, []
        if clip:
            try:
                self.points = read_points(control_file(Path(clip)))
            except ControlFileError as error:
                self.failed.emit(str(error))
        self.picker.switch(self.picker.stage is not PickStage.OFF)
        self._redraw()

    def _keep(self, points: list[ControlPoint]) -> None:
        try:
            write_points(control_file(Path(self._clip)), points)
        except ControlFileError as error:
            self.failed.emit(str(error))
            return
        self.points = points
        self.changed.emit(self._clip, len(entries_of(points)))

    # --- drawing

    def _redraw(self) -> None:
        self._panel.control_box.show_stage(self.picker.stage)
        self._panel.control_box.show_entries(entries_of(self.points))
        if self.picker.stage is PickStage.MAP:
            self._take_tool_up()
        else:
            self._put_tool_down()
            dragging = (
                self.picker.stage is PickStage.PICTURE and self._panel.control_box.drag_button.isChecked()
            )
            self.drag.switch(dragging)
        self._show_frame()
        self._show_markers()

    def _take_tool_up(self) -> None:
        if self._canvas.mapTool() is not self.tool:
            self._former_tool = self._canvas.mapTool()
            self._canvas.setMapTool(self.tool)

    def _put_tool_down(self) -> None:
        if self._canvas.mapTool() is not self.tool:
            return
        self._canvas.unsetMapTool(self.tool)
        if self._former_tool is not None and not sip.isdeleted(self._former_tool):
            self._canvas.setMapTool(self._former_tool)
        self._former_tool = None

    def _show_frame(self) -> None:
        """What was said of the shown frame: its points in the picture, and where it was dragged to."""
        if self.picker.stage is PickStage.OFF:
            self.drag.clear()
        else:
            self.drag.show(self.points)
        width_px, height_px = self._player.size_px
        pointed = [p for p in self.points if p.sigma_m is None]
        here = [p for p in pointed if abs(p.time_s - self._player.shown_s) <= SAME_FRAME_S]
        self._panel.view.set_pins([(p.x_px / width_px, p.y_px / height_px) for p in here if width_px > 0])

    def _show_markers(self) -> None:
        """All points of the clip, on the map; the canvas draws them over every layer."""
        self._clear_markers()
        pointed = [p for p in self.points if p.sigma_m is None]
        for point in pointed if self.picker.stage is not PickStage.OFF else []:
            try:
                centre = self._overlay.to_canvas((point.lon, point.lat), WGS84)
            except QgsCsException:
                continue
            self._markers.append(_marker(self._canvas, centre))

    def _clear_markers(self) -> None:
        for marker in self._markers:
            self._canvas.scene().removeItem(marker)
        self._markers.clear()


def _marker(canvas: QgsMapCanvas, centre: QgsPointXY) -> QgsVertexMarker:
    marker = QgsVertexMarker(canvas)
    marker.setCenter(centre)
    marker.setIconType(QgsVertexMarker.IconType.ICON_CROSS)
    marker.setIconSize(18)
    marker.setPenWidth(3)
    marker.setColor(QColor(palette.CONTROL))
    marker.setToolTip(tr("Control point"))
    return marker
