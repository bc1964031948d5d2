"""Shown while there is no model: what can be done without one, and which would suit this machine."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.presenters.models import ModelList
from rs_copilot_plugin.translate import tr

from .widgets import faint_label, heading


class OfferCard(QFrame):
    """Draws the offer and emits what the user wants of it."""

    fetch_wanted = pyqtSignal(str)
    models_wanted = pyqtSignal()
    server_wanted = pyqtSignal()
    setup_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._model_id = ""
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        self.title_label = heading("")
        self.title_label.setWordWrap(True)
        self.without_label = faint_label(look_texts.without_model())
        self.advice_label = faint_label()
        self.advice_label.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.title_label, self.advice_label, self.without_label):
            layout.addWidget(label)
        self.fetch_button = QPushButton(tr("&Fetch This Model…"))
        self.fetch_button.clicked.connect(lambda _checked=False: self.fetch_wanted.emit(self._model_id))
        self.models_button = QPushButton(tr("All &Models…"))
        self.models_button.clicked.connect(lambda _checked=False: self.models_wanted.emit())
        self.server_button = QPushButton(tr("A &Server…"))
        self.server_button.clicked.connect(lambda _checked=False: self.server_wanted.emit())
        self.setup_button = QPushButton(tr("Set &Up the Engine…"))
        self.setup_button.clicked.connect(lambda _checked=False: self.setup_wanted.emit())
        grid = QGridLayout()
        buttons = (self.fetch_button, self.models_button, self.server_button, self.setup_button)
        for number, button in enumerate(buttons):
            grid.addWidget(button, number // 2, number % 2)
        layout.addLayout(grid)
        layout.addStretch()

    def show_offer(self, listed: ModelList, is_configured: bool, problem: str = "") -> None:
        """Draw what the engine advises; without an engine, what comes first."""
        advice = listed.advice
        self._model_id = advice.model.id if advice is not None else ""
        self.title_label.setText(
            tr("No model is on this machine yet") if is_configured else tr("The engine is not set up yet")
        )
        text = problem or (look_texts.no_advice(listed) if advice is None else look_texts.advice_text(advice))
        self.advice_label.setText(text)
        self.advice_label.setVisible(is_configured)
        self.fetch_button.setVisible(is_configured and advice is not None)
        for button in (self.models_button, self.server_button):
            button.setVisible(is_configured)
        self.setup_button.setVisible(not is_configured)
