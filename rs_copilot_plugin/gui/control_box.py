"""The list of a clip's control points, under the video."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QHBoxLayout, QListWidget, QSizePolicy, QVBoxLayout, QWidget

from rs_copilot_plugin.presenters.controls import Entry, PickStage
from rs_copilot_plugin.presenters.player import clock_text
from rs_copilot_plugin.translate import tr

from .widgets import faint_label, tool_button


class ControlBox(QWidget):
    """Says what to click next and lists the pairs that there are."""

    chosen = pyqtSignal(int)
    removed = pyqtSignal(int)
    drag_toggled = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hint_label = faint_label()
        self.list = _PointList()
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.setAccessibleName(tr("Control points"))
        self.list.currentRowChanged.connect(self._select)
        self.list.itemClicked.connect(lambda item: self.chosen.emit(self.list.row(item)))
        self.list.delete_pressed.connect(self._remove)
        self.remove_button = tool_button("remove.svg", tr("Remove the selected control point"), self._remove)
        self.drag_button = tool_button(
            "drag.svg", tr("Drag the frame on the map to where it belongs; with Shift, turn it"), _nothing
        )
        self.drag_button.setCheckable(True)
        self.drag_button.toggled.connect(self.drag_toggled)
        row = QHBoxLayout()
        row.addWidget(self.hint_label, 1)
        row.addWidget(self.drag_button)
        row.addWidget(self.remove_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.list)
        self._select(-1)

    def show_stage(self, stage: PickStage) -> None:
        """Say what to click next."""
        self.setVisible(stage is not PickStage.OFF)
        self.hint_label.setText(
            tr("<b>2.</b> Now click the same point on the map.")
            if stage is PickStage.MAP
            else tr("Drag the frame of the picture on the map to where it belongs; hold Shift to turn it.")
            if self.drag_button.isChecked()
            else tr("<b>1.</b> Click a point in the picture that you can see on the map, too.")
        )

    def show_moved(self) -> None:
        """The click went into a frame that is not sampled."""
        self.hint_label.setText(
            tr("<b>1.</b> This is the nearest frame that is located: click the point in it again.")
        )

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Draw the list, the last entry selected."""
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([entry_text(entry) for entry in entries])
        self.list.setCurrentRow(len(entries) - 1)
        self.list.blockSignals(False)
        self.list.setVisible(bool(entries))
        self._select(self.list.currentRow())

    def _select(self, row: int) -> None:
        self.remove_button.setEnabled(row >= 0)

    def _remove(self) -> None:
        if self.list.currentRow() >= 0:
            self.removed.emit(self.list.currentRow())


class _PointList(QListWidget):
    """Three rows high; the delete key works."""

    delete_pressed = pyqtSignal()

    def sizeHint(self) -> QSize:
        return QSize(240, 3 * self.fontMetrics().height() + 12)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        else:
            super().keyPressEvent(event)


def _nothing() -> None:
    """The button's state says it all."""


def entry_text(entry: Entry) -> str:
    """One pair in one line: when, where in the picture, where on the map; or a dragged frame."""
    point = entry[0]
    if point.sigma_m is not None:
        lat, lon = (sum(p.lat for p in entry) / len(entry), sum(p.lon for p in entry) / len(entry))
        what = tr("frame dragged, ±{:.1f} m").format(point.sigma_m)
        return f"{clock_text(point.time_s)}  ·  {what}  →  {lat:.6f}, {lon:.6f}"
    place = f"{point.x_px:.0f}, {point.y_px:.0f} px"
    return f"{clock_text(point.time_s)}  ·  {place}  →  {point.lat:.6f}, {point.lon:.6f}"
