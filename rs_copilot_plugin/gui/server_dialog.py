"""Asks for a server that answers in the place of a model on this machine."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.presenters.models import AddressError, destination, server_name
from rs_copilot_plugin.translate import tr

from .widgets import faint_label


class ServerDialog(QDialog):
    """An address, a model, a key; what is missing or where pixels would go is said at once."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Ask a server"))
        self.resize(460, 240)
        note = faint_label(
            tr(
                "Any server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, LM Studio. It gets the "
                "pictures that you ask about, and the words of the conversation."
            )
        )
        self.address_edit = QLineEdit()
        self.address_edit.setPlaceholderText("http://localhost:11434/v1")
        self.model_edit = QLineEdit()
        self.model_edit.setPlaceholderText("qwen2.5vl:7b")
        self.key_edit = QLineEdit()
        self.key_edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.key_edit.setPlaceholderText(tr("where one is needed; forgotten when QGIS closes"))
        form = QFormLayout()
        for text, edit in (
            (tr("&Address"), self.address_edit),
            (tr("&Model"), self.model_edit),
            (tr("&Key"), self.key_edit),
        ):
            label = QLabel(text)
            label.setBuddy(edit)
            form.addRow(label, edit)
        self.place_label = faint_label()
        self.place_label.setTextFormat(Qt.TextFormat.PlainText)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(note)
        layout.addLayout(form)
        layout.addWidget(self.place_label)
        layout.addStretch()
        layout.addWidget(self.buttons)
        for edit in (self.address_edit, self.model_edit):
            edit.textChanged.connect(lambda _text: self.redraw())
        self.redraw()

    @property
    def name(self) -> str:
        """The engine's name for the server's model; empty while the address is none."""
        try:
            return server_name(self.address_edit.text(), self.model_edit.text())
        except AddressError:
            return ""

    def redraw(self) -> None:
        """Say where pixels would go."""
        name = self.name
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(bool(name))
        text = look_texts.destination_text(name, destination(name)) if name else ""
        if not name and self.address_edit.text().strip():
            text = tr("An address begins with http:// or https:// and has no password in it.")
        self.place_label.setText(text)
