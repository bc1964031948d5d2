"""What the scene knows: its layers, the user's layers beside it, and what was corrected by hand."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin import ask_texts, memory_texts
from rs_copilot_plugin.layers.scene_group import title
from rs_copilot_plugin.presenters.conversation import plain
from rs_copilot_plugin.presenters.corrections import CLEARABLE, Correction
from rs_copilot_plugin.presenters.scene import LAYER_ORDER
from rs_copilot_plugin.presenters.user_layers import Chosen, Role
from rs_copilot_plugin.translate import tr

from .widgets import faint_label, heading

_DATA = Qt.ItemDataRole.UserRole


class MemoryDialog(QDialog):
    """Draws it and emits what the user wants: corrections to undo, a layer to clear, other roles."""

    undo_wanted = pyqtSignal(object)
    clear_wanted = pyqtSignal(str)
    layers_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("What the scene knows"))
        self.resize(560, 560)
        self._corrections: list[Correction] = []
        layout = QVBoxLayout(self)
        self.scene_label = faint_label()
        self.scene_label.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self.scene_label)
        self.layer_table = _table(tr("Layers of the scene"), [tr("Layer"), tr("Rows")])
        self.clear_button = _button(tr("&Clear the Layer…"), self._ask_to_clear)
        self._add(layout, tr("Layers of the scene"), self.layer_table, [self.clear_button])
        self.own_table = _table(tr("Layers of your own"), [tr("Layer"), tr("Holds")])
        self.roles_button = _button(tr("Change What They &Hold…"), self.layers_wanted.emit)
        self._add(layout, tr("Layers of your own"), self.own_table, [self.roles_button])
        self.correction_table = _table(tr("Corrections"), [tr("Correction"), tr("When")])
        self.undo_button = _button(tr("&Undo"), self._undo)
        self.undo_all_button = _button(tr("Undo &All"), lambda: self.undo_wanted.emit(self._corrections))
        self.forget_button = _button(tr("&Forget the List…"), self._ask_to_forget)
        self.forget_button.setToolTip(tr("What was corrected stays corrected; it cannot be undone any more"))
        buttons = [self.undo_button, self.undo_all_button, self.forget_button]
        self._add(layout, tr("Corrections"), self.correction_table, buttons)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout.addWidget(close)
        for table in (self.layer_table, self.correction_table):
            table.itemSelectionChanged.connect(self._show_buttons)

    @staticmethod
    def _add(layout: QVBoxLayout, name: str, table: QTreeWidget, buttons: Sequence[QPushButton]) -> None:
        layout.addWidget(heading(name))
        layout.addWidget(table, 1)
        row = QHBoxLayout()
        row.addStretch()
        for button in buttons:
            row.addWidget(button)
        layout.addLayout(row)

    # --- drawing

    def show_memory(
        self,
        scene: Path | None,
        counts: Mapping[str, int],
        layers: Sequence[Chosen],
        corrections: Sequence[Correction],
    ) -> None:
        """Draw what there is; what was chosen stays chosen where it is still there."""
        self.scene_label.setText(tr("No scene yet") if scene is None else plain(scene.name))
        self.scene_label.setToolTip("" if scene is None else html.escape(str(scene)))
        names = sorted(set(counts) & set(LAYER_ORDER), key=LAYER_ORDER.index)
        _fill(self.layer_table, [(title(name), f"{counts[name]}", name) for name in names])
        used = [layer for layer in layers if layer.role is not Role.NONE]
        rows = [(plain(layer.title), ask_texts.role_title(layer.role), layer.id) for layer in used]
        _fill(self.own_table, rows)
        self._corrections = list(corrections)
        told = [
            (memory_texts.correction_title(item), item.made_at[:16].replace("T", " "), number)
            for number, item in enumerate(self._corrections)
        ]
        _fill(self.correction_table, told[::-1])
        self._show_buttons()

    def _show_buttons(self) -> None:
        name, count = self._chosen_layer()
        self.clear_button.setEnabled(name in CLEARABLE and count > 0)
        self.undo_button.setEnabled(bool(self.correction_table.selectedItems()))
        for button in (self.undo_all_button, self.forget_button):
            button.setEnabled(bool(self._corrections))

    def _chosen_layer(self) -> tuple[str, int]:
        found = self.layer_table.selectedItems()
        return (str(found[0].data(0, _DATA)), int(found[0].text(1))) if found else ("", 0)

    # --- what the user does

    def _undo(self) -> None:
        numbers = [item.data(0, _DATA) for item in self.correction_table.selectedItems()]
        self.undo_wanted.emit([self._corrections[number] for number in numbers])

    def _ask_to_clear(self) -> None:
        name, count = self._chosen_layer()
        self._confirm(memory_texts.clear_question(title(name), count), lambda: self.clear_wanted.emit(name))

    def _ask_to_forget(self) -> None:
        text = tr("Forget the list of corrections? What was corrected stays so and cannot be undone.")
        self._confirm(text, lambda: self.clear_wanted.emit("corrections"))

    def _confirm(self, text: str, on_yes: Callable[[], None]) -> None:
        buttons = QMessageBox.StandardButton
        self.question = QMessageBox(
            QMessageBox.Icon.Question, self.windowTitle(), text, buttons.Yes | buttons.No, self
        )
        self.question.setTextFormat(Qt.TextFormat.PlainText)
        self.question.setDefaultButton(buttons.No)
        self.question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question.button(buttons.Yes).clicked.connect(lambda _checked=False: on_yes())
        self.question.open()


def _table(name: str, columns: list[str]) -> QTreeWidget:
    table = QTreeWidget()
    table.setRootIsDecorated(False)
    table.setAlternatingRowColors(True)
    table.setUniformRowHeights(True)
    table.setAccessibleName(name)
    table.setHeaderLabels(columns)
    table.setColumnWidth(0, 320)
    return table


def _fill(table: QTreeWidget, rows: Sequence[tuple[str, str, object]]) -> None:
    chosen = [item.data(0, _DATA) for item in table.selectedItems()]
    table.clear()
    for *texts, data in rows:
        item = QTreeWidgetItem(texts)
        item.setData(0, _DATA, data)
        item.setToolTip(0, texts[0])
        table.addTopLevelItem(item)
        item.setSelected(data in chosen)


def _button(text: str, on_click: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _checked=False: on_click())
    return button
