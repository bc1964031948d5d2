"""What panels have in common in which something is asked: conversation, question, what is missing."""

from __future__ import annotations

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QShortcut, QVBoxLayout, QWidget

from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.translate import tr

from .asking import QuestionRow, StatusLine
from .conversation_view import ConversationView
from .model_row import ModelRow
from .widgets import faint_label


class QuestionDock(QgsDockWidget):
    """Builds the parts, which a panel lays out in between its own. Escape stops the answer."""

    changed = pyqtSignal()
    ask_wanted = pyqtSignal()
    stop_wanted = pyqtSignal()
    recall_wanted = pyqtSignal()
    edit_wanted = pyqtSignal()
    copy_wanted = pyqtSignal()

    def __init__(
        self, title: str, name: str, icon_name: str, view: ConversationView, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setWindowIcon(icon(icon_name))
        self.view = view
        self.model_row = ModelRow()
        self.status_line = StatusLine()
        self.question_row = QuestionRow()
        self.question_edit = self.question_row.edit
        self.ask_button, self.stop_button = self.question_row.ask_button, self.question_row.stop_button
        self.question_row.changed.connect(self.changed)
        self.question_row.asked.connect(self.ask_wanted)
        self.question_row.stopped.connect(self.stop_wanted)
        self.question_edit.recalled.connect(self.recall_wanted)
        self.hint_label = faint_label()
        self.hint_label.setTextFormat(Qt.TextFormat.PlainText)
        self.hint_label.setAccessibleName(tr("What is missing"))
        self._shortcut = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        self._shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._shortcut.activated.connect(self.stop_wanted)

    def _begin_layout(self) -> QVBoxLayout:
        """The column that the panel's parts go into; the first of them says which model is asked."""
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        layout.addWidget(self.model_row)
        self.setWidget(body)
        return layout

    def _end_layout(self, layout: QVBoxLayout) -> None:
        """The question and what is missing are the last."""
        layout.addWidget(self.question_row)
        layout.addWidget(self.hint_label)

    def show_hint(self, text: str) -> None:
        """Say what is missing; an empty text hides the line."""
        self.hint_label.setText(text)
        self.hint_label.setVisible(bool(text))

    def show_status(self, text: str, share: float | None = None) -> None:
        """Say what the engine does; an empty text hides the line."""
        self.status_line.show_status(text, share)
