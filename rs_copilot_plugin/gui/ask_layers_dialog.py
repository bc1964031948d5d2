"""Which layers of the project take part in answers, and as what."""

from __future__ import annotations

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.layers import user_layers
from rs_copilot_plugin.presenters.conversation import plain
from rs_copilot_plugin.presenters.user_layers import Role, roles_for
from rs_copilot_plugin.translate import tr

from .widgets import faint_label, narrow_combo


class AskLayersDialog(QDialog):
    """One row for each layer. What is chosen counts at once, and is kept in the project."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Layers that take part in answers"))
        self.resize(520, 360)
        self.combos: dict[str, QComboBox] = {}
        lead = faint_label(
            tr(
                "Questions can name features of these layers: zones, roads for ways, obstacles that hide "
                "what is behind them, places. The choice is kept in the project."
            )
        )
        body = QWidget()
        grid = QGridLayout(body)
        grid.setColumnStretch(0, 1)
        layers = user_layers.user_layers()
        for row, layer in enumerate(layers):
            self._add(grid, row, layer)
        if not layers:
            grid.addWidget(QLabel(tr("The project has no vector layers of your own yet.")), 0, 0)
        grid.setRowStretch(max(1, len(layers)), 1)
        area = QScrollArea()
        area.setWidget(body)
        area.setWidgetResizable(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(lead)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)

    def _add(self, grid: QGridLayout, row: int, layer: QgsVectorLayer) -> None:
        kind = user_layers.kind_of(layer)
        if kind is None:
            return
        label = QLabel(plain(layer.name()))
        label.setTextFormat(Qt.TextFormat.PlainText)
        combo = narrow_combo(22)
        for role in roles_for(kind):
            combo.addItem(ask_texts.role_title(role), role.value)
        combo.setCurrentIndex(max(0, combo.findData(user_layers.role_of(layer).value)))
        combo.setAccessibleName(tr("What {} holds").format(plain(layer.name())))
        layer_id = layer.id()
        combo.currentIndexChanged.connect(lambda _index: self._take(layer_id))
        self.combos[layer_id] = combo
        grid.addWidget(label, row, 0)
        grid.addWidget(combo, row, 1)

    def _take(self, layer_id: str) -> None:
        # The user may have removed the layer while this window was open.
        layer = QgsProject.instance().mapLayer(layer_id)
        if isinstance(layer, QgsVectorLayer):
            user_layers.set_role(layer, Role(self.combos[layer_id].currentData()))
            self.changed.emit()
