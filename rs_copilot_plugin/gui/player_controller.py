"""Couples the video panel with the map, both ways."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from qgis.core import QgsCsException, QgsPointXY
from qgis.PyQt.QtCore import QObject, Qt, QTimer, pyqtSignal

from rs_copilot_plugin.engine.player_client import ClipInfo, FrameView, PlayerClient
from rs_copilot_plugin.engine.session import EngineError, EngineSession
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.detections import ClipDetections, Hit
from rs_copilot_plugin.presenters.frames import ClipFrames, FrameRow, Moment, View
from rs_copilot_plugin.presenters.player import Player, PlayerState, sureness_text
from rs_copilot_plugin.presenters.projection import XY
from rs_copilot_plugin.translate import tr

from .map_overlay import MapOverlay
from .video_panel import VideoPanel

# Frames wider than the panel are wasted work; a few fixed widths keep the decoder's cache useful.
_WIDTHS_PX = (480, 640, 960, 1280, 1920)


class PlayerController(QObject):
    """Owns the player's state; frames come from an engine of their own."""

    failed = pyqtSignal(object)
    nothing_seen = pyqtSignal()
    clip_changed = pyqtSignal(str)
    frame_shown = pyqtSignal(float)
    unlocated_shown = pyqtSignal(object)
    detection_clicked = pyqtSignal(int)
    answer_clicked = pyqtSignal(int)

    def __init__(
        self, session: EngineSession, panel: VideoPanel, overlay: MapOverlay, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.player = Player()
        self.clip = ""
        self._panel, self._overlay = panel, overlay
        self._frames: ClipFrames | None = None
        self._detections = ClipDetections()
        self._answers: dict[str, ClipDetections] = {}
        self._class_colours: dict[str, str] = {}
        self._wanted: Hit | None = None
        self.size_px = (0, 0)
        self.shown_s = 0.0
        self._drape = False
        self._ring_folder = _make_ring_folder()
        self._client = PlayerClient(
            session, on_frame=self._show_frame, on_error=self._client_failed, ring_folder=self._ring_folder
        )
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        panel.toggle_wanted.connect(self.toggle)
        panel.step_wanted.connect(self.step)
        panel.seek_wanted.connect(self.seek)
        panel.picture_clicked.connect(self.picture_clicked)
        panel.follow_toggled.connect(self._set_follow)
        panel.drape_toggled.connect(self._set_drape)

    # --- clips

    def open(self, clip: str, frames: ClipFrames | None, detections: ClipDetections | None = None) -> None:
        """Show a clip, paused at its first frame."""
        self.clip, self._frames, self._detections = clip, frames, detections or ClipDetections()
        self.shown_s = 0.0
        self._wanted = None
        self._timer.stop()
        self.player.opening()
        self._panel.show_state(self.player)
        self._panel.show_moments([])
        self._overlay.show(None)
        self._client.open(clip, self._opened)
        self.clip_changed.emit(clip)

    def set_frames(self, frames: ClipFrames | None, detections: ClipDetections | None = None) -> None:
        """The clip was placed, or placed again, or objects were found in it."""
        self._frames, self._detections = frames, detections or ClipDetections()
        self._panel.strip.show_frames(frames, self.player.duration_s)
        self._show_boxes()
        self._show_view()

    def set_colours(self, class_colours: dict[str, str]) -> None:
        """Objects are framed in the colours that their classes have on the map."""
        self._class_colours = class_colours
        self._show_boxes()

    def set_answers(self, by_clip: dict[str, ClipDetections]) -> None:
        """Objects that a model has named in frames, by the clip's path; they are drawn over the picture."""
        self._answers = by_clip
        self._show_boxes()

    def close(self) -> None:
        """Show nothing."""
        self._timer.stop()
        self.clip, self._frames = "", None
        self.player.closed()
        self._client.close()
        self._panel.show_state(self.player)
        self._overlay.show(None)
        self.clip_changed.emit("")

    def stop(self) -> None:
        """End for good."""
        self._timer.stop()
        self._client.close()
        shutil.rmtree(self._ring_folder, ignore_errors=True)

    # --- transport

    def toggle(self) -> None:
        """Play or pause."""
        self.player.toggle(time.monotonic())
        self._after_change()

    def pause(self) -> None:
        """Stand still."""
        if self.player.state is PlayerState.PLAYING:
            self.toggle()

    def sampled_times_s(self) -> list[float]:
        """Times of the frames that were located, or tried to be; none before that."""
        return [row.time_s for row in self._frames.rows] if self._frames is not None else []

    def row_to_drag(self) -> FrameRow | None:
        """The shown frame's row; an unplaced one in the shape and at the place of the nearest placed one."""
        row = self._frames.row_at(self.shown_s) if self._frames is not None else None
        if row is None or row.is_placed or self._frames is None:
            return row
        near = self._frames.nearest_placed(row.time_s)
        return None if near is None else replace(near, frame=row.frame, time_s=row.time_s)

    def step(self, count: int) -> None:
        """Go some frames on or back."""
        self._ask(self.player.step(count, time.monotonic()))
        self._after_change()

    def seek(self, time_s: float) -> None:
        """Go to a time."""
        self._ask(self.player.seek(time_s, time.monotonic()))
        self._panel.show_time(self.player)

    def _after_change(self) -> None:
        if self.player.state is PlayerState.PLAYING:
            self._timer.start(int(1000 * self.player.tick_s))
        else:
            self._timer.stop()
        self._panel.show_state(self.player)

    def _tick(self) -> None:
        wanted_s = self.player.tick(time.monotonic())
        if wanted_s is not None:
            self._ask(wanted_s)
        if self.player.state is not PlayerState.PLAYING:
            self._after_change()

    def _ask(self, time_s: float) -> None:
        wanted_px = self._panel.view.width() * self._panel.view.devicePixelRatioF()
        width_px = next((w for w in _WIDTHS_PX if w >= wanted_px), 0)
        self._client.show(time_s, width_px)

    # --- from the engine

    def _opened(self, info: ClipInfo) -> None:
        self.player.opened(info.duration_s, info.fps, info.times_s)
        self.size_px = (info.width_px, info.height_px)
        self._panel.strip.show_frames(self._frames, info.duration_s)
        self._panel.show_state(self.player)
        self._ask(self.player.position_s)
        if self._wanted is not None:
            self.show_hit(self._wanted)

    def _show_frame(self, frame: FrameView) -> None:
        self._panel.view.show_pixels(frame.pixels, frame.width_px, frame.height_px, frame.stride_bytes)
        if self.player.state is not PlayerState.PLAYING:
            self.player.position_s = frame.time_s
        self.shown_s = frame.time_s
        self._panel.show_time(self.player)
        self._show_boxes()
        self._show_view(frame.time_s)
        self.frame_shown.emit(frame.time_s)

    def _show_boxes(self) -> None:
        boxes = self._detections.at(self.shown_s) + self._named.at(self.shown_s)
        self._panel.view.set_boxes(boxes, self.size_px, self._class_colours)

    @property
    def _named(self) -> ClipDetections:
        """What a model has named in the shown clip."""
        return self._answers.get(self.clip, ClipDetections())

    def _client_failed(self, error: EngineError) -> None:
        self._timer.stop()
        self.clip = ""  # so that choosing the clip again opens it again
        self.player.closed()
        self._panel.show_state(self.player)
        self._panel.view.clear(error.message)
        self._overlay.show(None)
        self.failed.emit(error)

    # --- to the map and back

    def _show_view(self, time_s: float | None = None) -> None:
        # What is asked for may be on its way still: the map goes with the picture that is seen.
        time_s = self.shown_s if time_s is None else time_s
        row = self._frames.row_at(time_s) if self._frames is not None else None
        lost = row is not None and row.status == "unlocated"
        view = self._frames.view_at(time_s) if self._frames is not None and not lost else None
        self.unlocated_shown.emit(row if lost else None)
        if view is None:
            located = self._frames is not None and len(self._frames) > 0
            reason = row.reason if row is not None else ""
            self._panel.view.set_badge(tr("unlocated") if located else "", palette.UNLOCATED, reason)
            self._panel.show_place("")
            self._overlay.show(None)
            return
        self._panel.view.set_badge(_badge_text(view), palette.STATUS.get(view.row.status, palette.ACCENT))
        self._panel.show_place(_place_text(view))
        self._overlay.show(view, self._panel.view.image if self._drape else None)

    def picture_clicked(self, uv: XY) -> None:
        """Let the clicked object, or the clicked place, flash on the map."""
        place_px = uv[0] * self.size_px[0], uv[1] * self.size_px[1]
        named = self._named.hit(self.shown_s, *place_px)
        if named is not None:
            self.answer_clicked.emit(named.fid)
            return
        found = self._detections.hit(self.shown_s, *place_px)
        if found is not None:
            self.detection_clicked.emit(found.fid)
            return
        self._flash(uv)

    def _flash(self, uv: XY) -> None:
        found = self._frames.ground_at(self.shown_s, uv) if self._frames is not None else None
        if found is None:
            return
        try:
            self._overlay.flash(*found)
        except QgsCsException:
            return

    def map_clicked(self, point: QgsPointXY) -> None:
        """Jump to the moment that sees a place best, and list the others."""
        moments = self._moments_that_see(point)
        self._panel.show_moments(moments)
        if not moments:
            self.nothing_seen.emit()
            return
        best = min(moments, key=lambda moment: abs(moment.best_s - self.player.position_s))
        self.jump_to(best)
        self._panel.moment_combo.setCurrentIndex(moments.index(best))

    def _moments_that_see(self, point: QgsPointXY) -> list[Moment]:
        rows = self._frames.rows if self._frames is not None else []
        crs = next((row.metric_crs for row in rows if row.is_placed), None)
        if self._frames is None or crs is None:
            return []
        try:
            return self._frames.moments_that_see(self._overlay.from_canvas(point, crs))
        except QgsCsException:
            return []

    def show_hit(self, hit: Hit) -> None:
        """Show a frame, and mark the object that is meant; at once, or when the clip is open."""
        if not self.player.is_open:
            self._wanted = hit
            return
        self._wanted = None
        self.pause()
        self.seek(hit.time_s)
        if hit.box_px is None:
            return
        x1, y1, x2, y2 = hit.box_px
        middle = ((x1 + x2) / 2 / self.size_px[0], (y1 + y2) / 2 / self.size_px[1])
        self._panel.view.set_mark(middle)

    def jump_to(self, moment: Moment) -> None:
        """Show a moment and mark the place in its picture."""
        self.seek(moment.best_s)
        self._panel.view.set_mark(moment.uv)

    def _set_follow(self, on: bool) -> None:
        self._overlay.follow = on
        self._show_view()

    def _set_drape(self, on: bool) -> None:
        self._drape = on
        self._show_view()


def _badge_text(view: View) -> str:
    words = {"located": tr("located"), "tracked": tr("tracked"), "unlocated": tr("unlocated")}
    parts = [words.get(view.row.status, view.row.status)]
    if view.row.error_m is not None:
        parts.append(f"±{view.row.error_m:.1f} m")
    if view.row.score is not None:
        parts.append(sureness_text(view.row.score))
    return "  ".join(parts)


def _place_text(view: View) -> str:
    parts = []
    if view.row.yaw_deg is not None:
        parts.append(tr("{:.0f}°").format(view.row.yaw_deg))
    if view.row.gsd_m is not None:
        parts.append(tr("{:.1f} cm/px").format(100.0 * view.row.gsd_m))
    if view.row.cam_alt_m is not None:
        parts.append(tr("{:.0f} m high").format(view.row.cam_alt_m))
    return " · ".join(parts)


def _make_ring_folder() -> str:
    """A private folder for frames, in memory where the system has such a place."""
    memory = Path("/dev/shm")  # noqa: S108  # nosec B108 - a private folder with a random name is made in it
    home = str(memory) if memory.is_dir() else None
    return tempfile.mkdtemp(prefix="rs-copilot-ring-", dir=home)
