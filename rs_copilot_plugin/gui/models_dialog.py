"""The models of this machine: which there are, what they need, and fetching, checking and removing them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qgis.PyQt.QtCore import Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.presenters.environment import gigabytes
from rs_copilot_plugin.presenters.models import Model, ModelState, is_server, title_of
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .models_controller import ModelsController
from .widgets import faint_label, tool_button

_NAME_ROLE = Qt.ItemDataRole.UserRole


class ModelsDialog(QDialog):
    """Draws the list and asks the controller for what the user wants."""

    server_wanted = pyqtSignal()

    def __init__(
        self, controller: ModelsController, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("RS Copilot: models"))
        self.resize(760, 560)
        self._controller, self._settings = controller, settings
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(self._folder_row())
        layout.addWidget(self._table(), 2)
        layout.addWidget(self._details(), 1)
        layout.addLayout(self._job_row())
        layout.addLayout(self._progress_row())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        controller.changed.connect(self.redraw)
        controller.progressed.connect(self._show_progress)
        self.redraw()
        controller.refresh()

    # --- building

    def _folder_row(self) -> QHBoxLayout:
        self.folder_label = faint_label()
        self.folder_label.setTextFormat(Qt.TextFormat.PlainText)
        self.folder_button = tool_button("open_scene.svg", tr("Show the folder"), self._open_folder)
        row = QHBoxLayout()
        row.addWidget(self.folder_label, 1)
        row.addWidget(self.folder_button)
        return row

    def _table(self) -> QTreeWidget:
        self.table = QTreeWidget()
        self.table.setRootIsDecorated(False)
        self.table.setAlternatingRowColors(True)
        self.table.setUniformRowHeights(True)
        self.table.setAccessibleName(tr("Models"))
        self.table.setHeaderLabels([tr("Model"), tr("State"), tr("Size"), tr("Memory"), tr("Licence")])
        for column, width_px in enumerate((190, 100, 76, 168)):
            self.table.setColumnWidth(column, width_px)
        self.table.currentItemChanged.connect(lambda _now, _before: self._show_details())
        return self.table

    def _details(self) -> QPlainTextEdit:
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setAccessibleName(tr("Details"))
        return self.details

    def _job_row(self) -> QHBoxLayout:
        self.fetch_button = self._button(tr("&Fetch"), self._fetch)
        self.verify_button = self._button(tr("&Verify"), self._verify)
        self.verify_button.setToolTip(tr("Compare all files with their hashes"))
        self.remove_button = self._button(tr("&Remove…"), self._remove)
        self.add_button = self._button(tr("Add a F&older…"), self._browse)
        self.add_button.setToolTip(
            tr("A model that lies in a folder of your own, for example copied from elsewhere")
        )
        self.server_button = self._button(tr("Add a &Server…"), self.server_wanted.emit)
        row = QHBoxLayout()
        for button in (self.fetch_button, self.verify_button, self.remove_button):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(self.add_button)
        row.addWidget(self.server_button)
        return row

    def _progress_row(self) -> QHBoxLayout:
        self.progress_bar = QProgressBar()
        self.progress_bar.setRange(0, 1000)
        self.progress_bar.setAccessibleName(tr("Progress of the job"))
        self.progress_label = faint_label()
        self.progress_label.setTextFormat(Qt.TextFormat.PlainText)
        self.cancel_button = self._button(tr("C&ancel"), self._controller.cancel)
        row = QHBoxLayout()
        row.addWidget(self.progress_bar, 1)
        row.addWidget(self.progress_label, 1)
        row.addWidget(self.cancel_button)
        return row

    @staticmethod
    def _button(text: str, on_click: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: on_click())
        return button

    # --- drawing

    def redraw(self) -> None:
        """Draw the engine's list and the user's own entries."""
        listed, chosen = self._controller.listed, self.current_name
        self.folder_label.setText(
            self._controller.problem
            or (look_texts.machine_text(listed) if listed.folder else look_texts.no_advice(listed))
        )
        self.folder_button.setEnabled(bool(listed.folder))
        self.table.clear()
        for model in listed.models:
            is_advised = listed.advice is not None and listed.advice.model is model
            self._add_row(model.id, _columns(model), is_advised)
        known = {model.id for model in listed.models} | {model.path for model in listed.models}
        for name in self._controller.picker.own:
            if name not in known:
                self._add_row(name, [title_of(name), tr("Server") if is_server(name) else "", "", "", ""])
        self._select(chosen or (listed.advice.model.id if listed.advice is not None else ""))
        self._show_details()
        busy = bool(self._controller.busy_with)
        for widget in (self.progress_bar, self.progress_label, self.cancel_button):
            widget.setVisible(busy)

    def _add_row(self, name: str, columns: list[str], is_advised: bool = False) -> None:
        item = QTreeWidgetItem(columns)
        item.setData(0, _NAME_ROLE, name)
        if is_advised:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
            item.setToolTip(0, tr("Suits this machine best"))
        self.table.addTopLevelItem(item)

    def _select(self, name: str) -> None:
        items = [self.table.topLevelItem(row) for row in range(self.table.topLevelItemCount())]
        wanted = next((item for item in items if item.data(0, _NAME_ROLE) == name), None)
        if wanted is not None or items:
            self.table.setCurrentItem(wanted or items[0])

    def _show_details(self) -> None:
        model, name, busy = self.current_model, self.current_name, bool(self._controller.busy_with)
        self.details.setPlainText(look_texts.model_details(model) if model is not None else name)
        state = model.state if model is not None else None
        self.fetch_button.setEnabled(not busy and state not in (None, ModelState.PRESENT))
        self.fetch_button.setText(tr("&Go On Fetching") if state is ModelState.PARTIAL else tr("&Fetch"))
        self.verify_button.setEnabled(not busy and state in (ModelState.PRESENT, ModelState.BROKEN))
        self.remove_button.setEnabled(not busy and bool(name) and state is not ModelState.ABSENT)

    def _show_progress(self, share: float, text: str) -> None:
        self.progress_bar.setValue(int(1000 * share))
        self.progress_label.setText(text)

    # --- what the user does

    @property
    def current_name(self) -> str:
        """The engine's name for the chosen row; empty for none."""
        item = self.table.currentItem()
        return "" if item is None else str(item.data(0, _NAME_ROLE))

    @property
    def current_model(self) -> Model | None:
        """The chosen row's model, where the engine lists it."""
        return self._controller.listed.find(self.current_name)

    def ask_to_fetch(self, name: str) -> None:
        """Say what fetching means, and do it if the user agrees."""
        self._select(name)
        model = self.current_model
        if model is not None and self._agrees(
            tr("Fetch a model"), look_texts.fetch_question(model, self._controller.listed)
        ):
            self._controller.fetch(model.id)

    def _agrees(self, title: str, text: str) -> bool:
        box = QMessageBox(self)
        box.setWindowTitle(title)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text)
        box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
        return bool(box.exec() == QMessageBox.StandardButton.Yes)

    def _fetch(self) -> None:
        self.ask_to_fetch(self.current_name)

    def _verify(self) -> None:
        self._controller.verify(self.current_name)

    def _remove(self) -> None:
        model = self.current_model
        if model is None:
            self._controller.forget(self.current_name)
            return
        if self._agrees(tr("Remove a model"), look_texts.remove_question(model)):
            self._controller.remove(model.id)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of a model"), self._settings.last_folder)
        if folder:
            self._settings.last_folder = str(Path(folder).parent)
            self.add_folder(folder)

    def add_folder(self, folder: str) -> None:
        """Take a model in, copied or where it lies, as the user likes."""
        box = QMessageBox(self)
        box.setWindowTitle(tr("Add a model"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(tr("Copy the model in {} to the other models, or use it where it lies?").format(folder))
        copy = box.addButton(tr("&Copy"), QMessageBox.ButtonRole.YesRole)
        use = box.addButton(tr("&Use Where It Lies"), QMessageBox.ButtonRole.NoRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() in (copy, use):
            self._controller.add_folder(folder, in_place=box.clickedButton() is use)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._controller.listed.folder))


def _columns(model: Model) -> list[str]:
    size = gigabytes(model.size_bytes) if model.size_bytes else ""
    return [model.title, look_texts.state_title(model), size, look_texts.memory_text(model), model.licence]
