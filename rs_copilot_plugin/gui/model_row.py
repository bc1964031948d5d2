"""Which model is asked, how exactly it calculates, and whether pixels leave this machine."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.models import ModelPicker, Reach, destination, title_of
from rs_copilot_plugin.translate import tr

from .widgets import StatusDot, fill_combo, narrow_combo, tool_button

_COLOURS = {
    Reach.NOWHERE: palette.LOCATED,
    Reach.THIS_MACHINE: palette.TRACKED,
    Reach.AWAY: palette.UNLOCATED,
}


class ModelRow(QWidget):
    """Draws the choice and emits what the user chooses."""

    chosen = pyqtSignal(str, str)
    server_wanted = pyqtSignal()
    models_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_combo = narrow_combo()
        self.model_combo.setAccessibleName(tr("Model"))
        self.model_combo.activated.connect(lambda _index: self._choose(with_precision=False))
        self.precision_combo = narrow_combo(6)
        self.precision_combo.setAccessibleName(tr("Precision"))
        self.precision_combo.setToolTip(
            tr("How exactly the model calculates, and the memory that it needs so")
        )
        self.precision_combo.activated.connect(lambda _index: self._choose(with_precision=True))
        self.models_button = tool_button(
            "models.svg", tr("Models: fetch, verify, remove, add your own…"), self.models_wanted.emit
        )
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.model_combo, 3)
        row.addWidget(self.precision_combo, 1)
        row.addWidget(self.models_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        self.privacy_row = self._make_privacy_row()
        layout.addWidget(self.privacy_row)

    def _make_privacy_row(self) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        self.privacy_dot = StatusDot()
        self.privacy_label = QLabel()
        self.privacy_label.setTextFormat(Qt.TextFormat.PlainText)
        self.privacy_label.setWordWrap(True)
        self.privacy_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.privacy_label.setAccessibleName(tr("Where pixels go"))
        row.addWidget(self.privacy_dot)
        row.addWidget(self.privacy_label, 1)
        return widget

    def show_picker(self, picker: ModelPicker) -> None:
        """Draw what can be chosen, and what is."""
        items = [(choice.title, choice.name) for choice in picker.choices()]
        if picker.name and picker.name not in [name for _, name in items]:
            # Before the engine has told its list, the model of the last time stands there by its name.
            items.insert(0, (title_of(picker.name), picker.name))
        if picker.is_optional:
            items.insert(0, (tr("No model: computed only"), ""))
        elif not picker.name:
            items.insert(0, (tr("Choose a model"), ""))
        items.append((tr("A server…"), _SERVER))
        fill_combo(self.model_combo, items, picker.name)
        precisions = [(look_texts.precision_title(item), item.name) for item in picker.precisions()]
        fill_combo(self.precision_combo, precisions, picker.precision)
        self.precision_combo.setVisible(len(precisions) > 1)
        place = destination(picker.name)
        self.privacy_label.setText(look_texts.destination_text(picker.name, place))
        self.privacy_dot.set_colour(_COLOURS[place.reach] if picker.name else "#8a8a8a")
        # Where no model is wanted there is nothing to be said of it, and a line of room to be won.
        self.privacy_row.setVisible(bool(picker.name) or not picker.is_optional)

    def _choose(self, with_precision: bool) -> None:
        name = str(self.model_combo.currentData() or "")
        if name == _SERVER:
            self.server_wanted.emit()
        else:
            precision = str(self.precision_combo.currentData() or "auto") if with_precision else "auto"
            self.chosen.emit(name, precision)


_SERVER = "\x00server"
