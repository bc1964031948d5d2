"""Small parts that the panels share."""

from __future__ import annotations

from collections.abc import Callable

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

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


def narrow_combo(letters: int = 10) -> QComboBox:
    """One whose texts may be long: the list shows them whole, the panel stays narrow."""
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(letters)
    return combo


def fill_combo(combo: QComboBox, items: list[tuple[str, str]], current: str) -> None:
    """Texts and data, without a word to anybody; untouched where nothing has changed, it may be open."""
    shown = [(combo.itemText(i), str(combo.itemData(i) or "")) for i in range(combo.count())]
    combo.blockSignals(True)
    if shown != items:
        combo.clear()
        for text, data in items:
            combo.addItem(text, data)
            combo.setItemData(combo.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
    combo.setCurrentIndex(max(0, combo.findData(current)))
    combo.blockSignals(False)


class FittingTabs(QWidget):
    """Pages with a tab each, as high as the page that is shown; a `QTabWidget` is as high as its highest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QTabBar()
        self.bar.setExpanding(False)
        self.bar.setDrawBase(True)
        self.bar.currentChanged.connect(self._show_current)
        self._pages: list[QWidget] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self.bar)

    def add_page(self, page: QWidget, title: str) -> None:
        """Add a page at the end; the first one is shown."""
        self._pages.append(page)
        self._layout.addWidget(page)
        self.bar.addTab(title)
        self._show_current()

    def show_page(self, page: QWidget) -> None:
        """Bring a page up."""
        self.bar.setCurrentIndex(self._pages.index(page))

    def _show_current(self, _index: int = 0) -> None:
        for index, page in enumerate(self._pages):
            page.setVisible(index == self.bar.currentIndex())


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
