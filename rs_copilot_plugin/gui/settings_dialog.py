"""Where the engine's environment is, and how to get one."""

from __future__ import annotations

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr


class SettingsDialog(QDialog):
    """Lets the user choose or create the engine's environment."""

    engine_changed = pyqtSignal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("RS Copilot: engine and settings"))
        self._settings = settings
        self.python_widget = QgsFileWidget()
        self.python_widget.setFilePath(settings.engine_python)
        form = QFormLayout()
        form.addRow(tr("&Interpreter"), self.python_widget)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.buttons)
