"""Small parts that the panels share."""

from __future__ import annotations

from collections.abc import Callable

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent
from qgis.PyQt.QtWidgets import QLabel, QPushButton, QSizePolicy, QTabWidget, QToolButton, QWidget

from rs_copilot_plugin.resources import icon


def text_flags(*flags: Qt.AlignmentFlag | Qt.TextFlag) -> int:
    """Flags for `QPainter.drawText`, a plain number; on Qt 6 flags are none by themselves."""
    total = 0
    for flag in flags:
        total |= int(getattr(flag, "value", flag))
    return total


def heading(text: str, buddy: QWidget | None = None) -> QLabel:
    """A section title in the panel."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    if buddy is not None:
        label.setBuddy(buddy)
    return label


def faint_label(text: str = "") -> QLabel:
    """A line of small print that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setEnabled(True)
    font = label.font()
    font.setPointSizeF(max(7.0, font.pointSizeF() * 0.92))
    label.setFont(font)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def tool_button(icon_name: str, tip: str, on_click: Callable[[], object], text: str = "") -> QToolButton:
    """A flat button with an icon of the plugin's own, an accessible name and a tool tip."""
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setIconSize(QSize(18, 18))
    button.setAutoRaise(True)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    if text:
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.clicked.connect(lambda _checked=False: on_click())
    return button


def job_button(text: str, icon_name: str, on_click: Callable[[], object]) -> QPushButton:
    """A button that begins a job."""
    button = QPushButton(icon(icon_name), text)
    button.setMinimumHeight(30)
    button.clicked.connect(lambda _checked=False: on_click())
    return button


class FittingTabs(QTabWidget):
    """Tabs that are as high as the page that is shown, not as the highest one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.currentChanged.connect(self._fit)

    def _fit(self, current: int) -> None:
        for index in range(self.count()):
            shown = index == current
            policy = QSizePolicy.Policy.Preferred if shown else QSizePolicy.Policy.Ignored
            self.widget(index).setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self.updateGeometry()

    def tabInserted(self, index: int) -> None:
        super().tabInserted(index)
        self._fit(self.currentIndex())


class StatusDot(QWidget):
    """A coloured dot; the meaning is in the text beside it, too, never in the colour alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour = QColor("#8a8a8a")
        self.setFixedSize(12, 12)

    def set_colour(self, colour: str) -> None:
        """Show another state."""
        self._colour = QColor(colour)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawEllipse(2, 2, 8, 8)
        painter.end()
