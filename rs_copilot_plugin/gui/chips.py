"""Small buttons in rows that wrap: evidence, suggestions, what is attached."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from qgis.PyQt.QtCore import QPoint, QRect, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent, QResizeEvent
from qgis.PyQt.QtWidgets import (
    QFrame,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QToolButton,
    QWidget,
)

from rs_copilot_plugin.resources import icon

_SPACING_PX = 4
_MAX_CHARS = 44


@dataclass(frozen=True)
class ChipText:
    """What a chip shows and says; ``name`` is for screen readers."""

    text: str
    name: str
    tip: str = ""
    icon_name: str = ""
    is_lit: bool = False


class FlowLayout(QLayout):
    """Items one after another, in as many rows as the width needs; from the right where text runs so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), moves=False)

    def setGeometry(self, area: QRect) -> None:
        super().setGeometry(area)
        self._place(area, moves=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(QSize(0, item.sizeHint().height()))
        return size

    def _place(self, area: QRect, moves: bool) -> int:
        """Put the items into rows; returns how high they are together."""
        x = y = row_height = 0
        for item in self._items:
            size = item.sizeHint().boundedTo(QSize(max(1, area.width()), 10_000))
            if x and x + size.width() > area.width():
                x, y, row_height = 0, y + row_height + _SPACING_PX, 0
            if moves:
                place = QRect(QPoint(area.x() + x, area.y() + y), size)
                item.setGeometry(QStyle.visualRect(self._direction, area, place))
            x += size.width() + _SPACING_PX
            row_height = max(row_height, size.height())
        return y + row_height

    @property
    def _direction(self) -> Qt.LayoutDirection:
        parent = self.parentWidget()
        return Qt.LayoutDirection.LeftToRight if parent is None else parent.layoutDirection()


class Chip(QToolButton):
    """A button that Tab reaches, arrows walk along, and Enter or the space bar presses."""

    def __init__(self, shown: ChipText, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCheckable(shown.is_lit)
        self.setChecked(shown.is_lit)
        self.setIconSize(QSize(14, 14))
        if shown.icon_name:
            self.setIcon(icon(shown.icon_name))
        text = shown.text if len(shown.text) <= _MAX_CHARS else f"{shown.text[: _MAX_CHARS - 1]}…"
        self.setText(text.replace("&", "&&"))
        self.setAccessibleName(shown.name)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        # A tool tip that looks like HTML would be taken for HTML.
        self.setToolTip(f"<p>{html.escape(shown.tip or shown.text)}</p>")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        on, back = Qt.Key.Key_Right, Qt.Key.Key_Left
        if is_right_to_left:
            on, back = back, on
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == on:
            self.focusNextChild()
        elif event.key() == back:
            self.focusPreviousChild()
        else:
            super().keyPressEvent(event)


class ChipStrip(QScrollArea):
    """Chips in at most some rows; more of them scroll.

    ``clicked`` carries a chip's number, ``menu_wanted`` the place on the screen, too: the right button, or
    the key for menus, was pressed.
    """

    clicked = pyqtSignal(int)
    menu_wanted = pyqtSignal(int, QPoint)

    def __init__(self, name: str, rows: int = 2, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._height = self._row = 0
        self.chips: list[Chip] = []
        self._shown: list[ChipText] = []
        self._body = QWidget()
        self._layout = FlowLayout(self._body)
        self.setWidget(self._body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self.setAccessibleName(name)
        self._body.setAccessibleName(name)
        self.viewport().setAutoFillBackground(False)
        self._body.setAutoFillBackground(False)
        self.hide()

    def show_chips(self, shown: Iterable[ChipText]) -> None:
        """Show these instead; untouched where nothing has changed, one may have the focus."""
        texts = list(shown)
        if texts == self._shown:
            return
        focused = next((i for i, chip in enumerate(self.chips) if chip.hasFocus()), None)
        same = [item.text for item in texts] == [item.text for item in self._shown]
        self._shown = texts
        for chip in self.chips:
            self._layout.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = [self._make(number, text) for number, text in enumerate(texts)]
        if focused is not None and same:
            self.chips[focused].setFocus()
        self.setVisible(bool(texts))
        self._fit()

    def _make(self, number: int, text: ChipText) -> Chip:
        chip = Chip(text, self._body)
        chip.clicked.connect(lambda _checked=False: self.clicked.emit(number))
        chip.customContextMenuRequested.connect(
            lambda point: self.menu_wanted.emit(number, chip.mapToGlobal(point))
        )
        self._layout.addWidget(chip)
        chip.show()
        return chip

    def _fit(self) -> None:
        """Want as many rows as there are, up to the limit; half a row more shows that there is more."""
        if not self.chips:
            return
        row = self.chips[0].sizeHint().height() + _SPACING_PX
        wanted, most = self._layout.heightForWidth(max(1, self.width())) + 1, self._rows * row
        height = wanted if wanted <= most else most + row // 2
        if (height, row) != (self._height, self._row):
            self._height, self._row = height, row
            self.updateGeometry()
        policy = Qt.ScrollBarPolicy
        fits = self.height() >= wanted
        self.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOff if fits else policy.ScrollBarAsNeeded)

    def sizeHint(self) -> QSize:
        return QSize(80, self._height)

    def minimumSizeHint(self) -> QSize:
        # Where the panel is low, the rows scroll.
        return QSize(80, self._row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
