"""All that belongs to asking a model: the Look panel, the models, and their windows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QMainWindow

from rs_copilot_plugin.presenters.models import ModelPicker

from .look_controller import LookController
from .look_dock import LookDock
from .look_keeper import Surroundings
from .models_controller import ModelsController
from .models_dialog import ModelsDialog
from .server_dialog import ServerDialog


class LookDesk(QObject):
    """``told`` carries a notice, ``kept`` what was written into which scene."""

    told = pyqtSignal(object)
    kept = pyqtSignal(object)
    setup_wanted = pyqtSignal()

    def __init__(
        self,
        window: QMainWindow,
        around: Surroundings,
        find_raster: Callable[[], QgsRasterLayer | None],
        show_dialog: Callable[[QDialog], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._settings, self._show_dialog = window, around.settings, show_dialog
        self.models = ModelsController(around.host, around.settings, self)
        self.dock = LookDock(window)
        self.look = LookController(around, self.dock, self.models, find_raster, self)
        self.look.kept.connect(self.kept)
        self.look.failed.connect(self.told)
        self.look.setup_wanted.connect(self.setup_wanted)
        self.models.told.connect(self.told)
        row, offer = self.dock.model_row, self.dock.offer
        row.chosen.connect(self.models.choose)
        for signal in (row.server_wanted, offer.server_wanted):
            signal.connect(partial(self.ask_server, None))
        for signal in (row.models_wanted, offer.models_wanted):
            signal.connect(self.open_models)
        offer.setup_wanted.connect(self.setup_wanted)
        offer.fetch_wanted.connect(self.fetch_model)

    def redraw(self) -> None:
        """Draw what the presenters know."""
        self.look.redraw()

    def refresh(self, others_want_it: bool = False) -> None:
        """Another engine may know other models; nobody is asked where no panel shows them."""
        if self.dock.isVisible() or others_want_it:
            self.models.refresh()

    def stop(self) -> None:
        """End what runs, and leave nothing on the map."""
        self.models.cancel()
        self.look.stop()

    def open_models(self) -> ModelsDialog:
        """Show which models there are."""
        dialog = ModelsDialog(self.models, self._settings, self._window)
        dialog.server_wanted.connect(partial(self.ask_server, None))
        self._show_dialog(dialog)
        return dialog

    def fetch_model(self, model_id: str) -> None:
        """Fetch a model, if the user agrees to its size and its terms."""
        self.open_models().ask_to_fetch(model_id)

    def ask_server(self, picker: ModelPicker | None = None) -> ServerDialog:
        """Let the user name a server, by default for the Look panel."""
        dialog = ServerDialog(self._window)
        dialog.accepted.connect(lambda: self.models.add(dialog.name, dialog.key_edit.text(), picker))
        # The list of models stands at "A server…" otherwise.
        dialog.rejected.connect(self.models.changed)
        self._show_dialog(dialog)
        return dialog
