"""What panels that are asked have in common: the question with its button, and how the answer goes."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QTextCursor
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.translate import tr

from .question_edit import QuestionEdit


class QuestionRow(QWidget):
    """The box for a question beside its button; while an answer is awaited the button stops it."""

    changed = pyqtSignal()
    asked = pyqtSignal()
    stopped = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = QuestionEdit()
        self.edit.textChanged.connect(self.changed)
        self.edit.asked.connect(self._entered)
        self.ask_button = QPushButton(icon("ask.svg"), tr("As&k"))
        self.ask_button.setToolTip(tr("Ask (Enter)"))
        self.ask_button.clicked.connect(lambda _checked=False: self.asked.emit())
        self.stop_button = QPushButton(icon("stop.svg"), tr("S&top"))
        self.stop_button.setToolTip(tr("Stop the answer (Esc); what was said stays"))
        self.stop_button.clicked.connect(lambda _checked=False: self.stopped.emit())
        self.stop_button.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.edit, 1)
        for button in (self.ask_button, self.stop_button):
            button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
            layout.addWidget(button)

    def show_ready(self, ready: bool, busy: bool) -> None:
        """Enable the button, or let it stop the answer."""
        self.ask_button.setVisible(not busy)
        self.stop_button.setVisible(busy)
        self.ask_button.setEnabled(ready)

    def show_text(self, text: str) -> None:
        """Fill the box, without a word to anybody."""
        self.edit.blockSignals(True)
        self.edit.setPlainText(text)
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self.edit.blockSignals(False)

    def _entered(self) -> None:
        if self.ask_button.isVisibleTo(self):
            self.asked.emit()


class StatusLine(QWidget):
    """What the engine does now, and how far it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(72)
        self.bar.setMaximumHeight(8)
        self.bar.setAccessibleName(tr("Progress of the answer"))
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.label.setAccessibleName(tr("State of the answer"))
        layout.addWidget(self.bar)
        layout.addWidget(self.label, 1)
        self.hide()

    def show_status(self, text: str, share: float | None = None) -> None:
        """Say what the engine does; an empty text hides the line."""
        self.setVisible(bool(text))
        self.label.setText(text)
        self.bar.setRange(0, 0 if share is None else 1000)
        if share is not None:
            self.bar.setValue(int(1000 * share))
