"""All that belongs to asking the scene: the Ask panel, its windows and reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qgis.core import Qgis, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QFileDialog, QMainWindow

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.layers import user_layers
from rs_copilot_plugin.layers.scene_file import read_counts
from rs_copilot_plugin.messages import Notice
from rs_copilot_plugin.presenters.corrections import clear_request
from rs_copilot_plugin.translate import tr

from .ask_controller import AskController
from .ask_dock import AskDock
from .ask_layers_dialog import AskLayersDialog
from .ask_report import ReportMaker
from .background import Background
from .look_desk import LookDesk
from .look_keeper import Surroundings
from .look_picture import PictureSource
from .memory_dialog import MemoryDialog

_FILTERS = {"html": "HTML (*.html)", "pdf": "PDF (*.pdf)"}


class AskDesk(QObject):
    """``told`` carries a notice."""

    told = pyqtSignal(object)

    def __init__(
        self,
        window: QMainWindow,
        around: Surroundings,
        background: Background,
        find_raster: Callable[[], QgsRasterLayer | None],
        show_dialog: Callable[[QDialog], None],
        look: LookDesk,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._around, self._show_dialog = window, around, show_dialog
        self._background = background
        self.memory: MemoryDialog | None = None
        self.dock = AskDock(window)
        picture = PictureSource(around.canvas, around.inputs, find_raster, around.player, self)
        self.ask = AskController(around, background, self.dock, picture, look.models, self)
        self.reports = ReportMaker(around.canvas, background, self)
        self.dock.layers_wanted.connect(self.choose_layers)
        self.dock.report_wanted.connect(self.ask_report)
        self.dock.memory_wanted.connect(self.show_memory)
        self.dock.model_row.models_wanted.connect(look.open_models)
        self.dock.model_row.server_wanted.connect(lambda: look.ask_server(look.models.ask_picker))
        corrections = self.ask.corrections
        corrections.told.connect(self.told)
        corrections.dialog_wanted.connect(show_dialog)
        corrections.memory_wanted.connect(self.show_memory)
        around.scene.updated.connect(self._refresh_memory)
        self.reports.written.connect(self._written)
        self.reports.failed.connect(self._not_written)
        self.reports.progressed.connect(self._report_progressed)

    def redraw(self) -> None:
        """Draw what the presenters know."""
        self.ask.redraw()

    def stop(self) -> None:
        """End what runs, and leave nothing on the map."""
        self.reports.stop()
        self.ask.stop()

    def choose_layers(self) -> AskLayersDialog:
        """Let the user say which layers take part."""
        dialog = AskLayersDialog(self._window)
        dialog.changed.connect(self.ask.stock.refresh)
        self._show_dialog(dialog)
        return dialog

    # --- what the scene knows

    def show_memory(self) -> MemoryDialog:
        """Show what the scene knows, and let the user correct and clear it."""
        dialog = self.memory = MemoryDialog(self._window)
        dialog.undo_wanted.connect(self.ask.corrections.undo)
        dialog.clear_wanted.connect(self._clear_layer)
        dialog.layers_wanted.connect(lambda: self.choose_layers().changed.connect(self._refresh_memory))
        dialog.destroyed.connect(lambda _object=None: self._forget_memory(dialog))
        self._show_dialog(dialog)
        self._refresh_memory()
        return dialog

    def _forget_memory(self, dialog: MemoryDialog) -> None:
        if self.memory is dialog:
            self.memory = None

    def _refresh_memory(self) -> None:
        scene = self.ask.panel.scene
        if self.memory is None:
            return
        if scene is None or not scene.is_file():
            self._draw_memory({})
            return
        self._background.run(
            lambda: read_counts(scene), self._draw_memory, lambda _error: self._draw_memory({})
        )

    def _draw_memory(self, counts: dict[str, int]) -> None:
        if self.memory is not None:
            layers, corrections = user_layers.chosen_layers(), self._around.scene.corrections
            self.memory.show_memory(self.ask.panel.scene, counts, layers, corrections)

    def _clear_layer(self, name: str) -> None:
        scene = self.ask.panel.scene
        if scene is not None:
            self.ask.corrections.send([clear_request(scene, name)])

    # --- reports

    def ask_report(self, kind: str) -> None:
        """Ask where the report goes, then make it."""
        scene, settings = self.ask.panel.scene, self._around.settings
        if scene is None:
            return
        proposed = str(Path(settings.last_folder) / f"{scene.stem}_questions.{kind}")
        name, _ = QFileDialog.getSaveFileName(self._window, tr("Export report"), proposed, _FILTERS[kind])
        if name:
            path = Path(name)
            settings.last_folder = str(path.parent)
            self.export(path if path.suffix else path.with_suffix(f".{kind}"))

    def export(self, path: Path) -> None:
        """Write the conversation as a report; the suffix says as what."""
        scene = self.ask.panel.scene
        if scene is not None:
            self.reports.make(ask_texts.report_title(scene), self.ask.talk.asked, path)

    def _report_progressed(self, done: int, total: int) -> None:
        text = tr("Drawing maps: {} of {}").format(done, total)
        self.dock.show_status(text, done / total if total else None)

    def _written(self, path: str) -> None:
        self.dock.show_status("")
        self.told.emit(Notice(tr("Report written"), path, level=Qgis.MessageLevel.Success))

    def _not_written(self, text: str) -> None:
        self.dock.show_status("")
        self.told.emit(Notice(tr("The report could not be written"), text))
