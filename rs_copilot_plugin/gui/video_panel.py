"""The video panel: picture, transport controls, and the list of moments that see a place."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent, QMouseEvent
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin.presenters.frames import Moment
from rs_copilot_plugin.presenters.player import Player, PlayerState, clock_text
from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.translate import tr

from .control_box import ControlBox
from .time_strip import TimeStrip
from .video_view import VideoView
from .widgets import tool_button

_SLIDER_STEPS_PER_S = 100


class TimeSlider(QSlider):
    """A slider that jumps to where it is clicked, as players do."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        if not handle.contains(event.pos()):
            span = max(1, self.width() - handle.width())
            value = QStyle.sliderValueFromPosition(
                self.minimum(), self.maximum(), event.pos().x() - handle.width() // 2, span
            )
            self.setValue(value)
            self.sliderMoved.emit(value)
        super().mousePressEvent(event)


class VideoPanel(QgsDockWidget):
    """Draws the player's state and emits what the user does."""

    toggle_wanted = pyqtSignal()
    step_wanted = pyqtSignal(int)
    seek_wanted = pyqtSignal(float)
    clip_wanted = pyqtSignal(str)
    picture_clicked = pyqtSignal(object)
    follow_toggled = pyqtSignal(bool)
    drape_toggled = pyqtSignal(bool)
    control_toggled = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("RS Copilot Video"), parent)
        self.setObjectName("RsCopilotVideo")
        self.setWindowIcon(icon("video.svg"))
        self.view = VideoView()
        self.view.clicked.connect(self.picture_clicked)
        self.view.setToolTip(
            tr(
                "±: the radius that holds the true image centre with 90 % probability. "
                "%: how probably it lies within 25 m of the place shown."
            )
        )
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addLayout(self._top_row())
        layout.addWidget(self.view, 1)
        layout.addWidget(self._slider())
        self.strip = TimeStrip()
        layout.addWidget(self.strip)
        layout.addLayout(self._control_row())
        self.control_box = ControlBox()
        self.control_box.hide()
        layout.addWidget(self.control_box)
        self.setWidget(body)
        self.show_state(Player())

    def _top_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.clip_combo = QComboBox()
        self.clip_combo.setAccessibleName(tr("Clip that is played"))
        self.clip_combo.activated.connect(
            lambda _index: self.clip_wanted.emit(str(self.clip_combo.currentData()))
        )
        self.moment_combo = QComboBox()
        self.moment_combo.setAccessibleName(tr("Moments that see the clicked point"))
        self.moment_combo.setToolTip(tr("Moments of the clip that see the point you clicked on the map"))
        self.moment_combo.activated.connect(
            lambda _index: self.seek_wanted.emit(float(self.moment_combo.currentData()))
        )
        self.moment_combo.hide()
        self.follow_button = self._toggle("follow.svg", tr("Keep the footprint in view"), self.follow_toggled)
        self.drape_button = self._toggle("drape.svg", tr("Lay the picture on the map"), self.drape_toggled)
        row.addWidget(self.clip_combo, 1)
        row.addWidget(self.moment_combo)
        tip = tr("Set control points: click the same place in the picture and on the map")
        self.control_button = self._toggle("control.svg", tip, self.control_toggled)
        row.addWidget(self.control_button)
        row.addWidget(self.follow_button)
        row.addWidget(self.drape_button)
        return row

    @staticmethod
    def _toggle(icon_name: str, tip: str, signal: object) -> QToolButton:
        button = tool_button(icon_name, tip, lambda: None)
        button.setCheckable(True)
        button.toggled.connect(signal)
        return button

    def _slider(self) -> QSlider:
        self.slider = TimeSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(tr("Position in the clip"))
        self.slider.sliderMoved.connect(lambda value: self.seek_wanted.emit(value / _SLIDER_STEPS_PER_S))
        return self.slider

    def _control_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        self.back_button = tool_button(
            "step_back.svg", tr("One frame back (Left)"), lambda: self.step_wanted.emit(-1)
        )
        self.play_button = tool_button("play.svg", tr("Play or pause (Space)"), self.toggle_wanted.emit)
        self.play_button.setIconSize(QSize(22, 22))
        self.forward_button = tool_button(
            "step_forward.svg", tr("One frame on (Right)"), lambda: self.step_wanted.emit(1)
        )
        self.time_label = QLabel()
        self.time_label.setAccessibleName(tr("Time in the clip"))
        self.place_label = QLabel()
        self.place_label.setAccessibleName(tr("Place of the frame"))
        self.place_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # Its text comes and goes with frames: it takes the room that there is, so that the map keeps its own.
        self.place_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.place_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for button in (self.back_button, self.play_button, self.forward_button):
            row.addWidget(button)
        row.addSpacing(6)
        row.addWidget(self.time_label)
        row.addSpacing(12)
        row.addWidget(self.place_label, 1)
        return row

    def begin_dragging(self) -> None:
        """Let the user drag the footprint of the shown frame to where it belongs."""
        self.setUserVisible(True)
        self.control_button.setChecked(True)
        self.control_box.drag_button.setChecked(True)

    def show_state(self, player: Player) -> None:
        """Draw controls for the player's state."""
        playing = player.state is PlayerState.PLAYING
        self.play_button.setIcon(icon("pause.svg" if playing else "play.svg"))
        buttons = (self.play_button, self.back_button, self.forward_button, self.control_button)
        for widget in (*buttons, self.slider):
            widget.setEnabled(player.is_open)
        self.slider.setRange(0, max(1, round(player.last_s * _SLIDER_STEPS_PER_S)))
        if player.state is PlayerState.EMPTY:
            self.control_button.setChecked(False)
            self.view.clear(tr("Choose a clip in the RS Copilot panel: it plays here, linked to the map."))
        elif player.state is PlayerState.OPENING:
            self.view.clear(tr("Opening…"))
        self.show_time(player)

    def show_time(self, player: Player) -> None:
        """Draw the position."""
        total = clock_text(player.duration_s)
        self.time_label.setText(f"{clock_text(player.position_s)} / {total}" if player.is_open else "")
        if not self.slider.isSliderDown():
            self.slider.setValue(round(player.position_s * _SLIDER_STEPS_PER_S))

    def show_place(self, text: str) -> None:
        """Say where the frame looks."""
        self.place_label.setText(text)
        self.place_label.setToolTip(text)

    def show_clips(self, clips: list[tuple[str, str]], current: str) -> None:
        """Fill the list of clips with (name, path)."""
        self.clip_combo.blockSignals(True)
        self.clip_combo.clear()
        for name, path in clips:
            self.clip_combo.addItem(name, path)
        self.clip_combo.setCurrentIndex(max(0, self.clip_combo.findData(current)))
        self.clip_combo.blockSignals(False)
        self.clip_combo.setEnabled(bool(clips))

    def show_moments(self, moments: list[Moment]) -> None:
        """List the moments that see a place; a single one needs no list."""
        self.strip.show_moments(moments)
        self.moment_combo.clear()
        for moment in moments:
            span = f"{clock_text(moment.start_s)} – {clock_text(moment.end_s)}"
            self.moment_combo.addItem(QgsApplication.getThemeIcon("/mActionZoomTo.svg"), span, moment.best_s)
        self.moment_combo.setVisible(len(moments) > 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Space:
            self.toggle_wanted.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step_wanted.emit(-1 if key == Qt.Key.Key_Left else 1)
        else:
            super().keyPressEvent(event)
