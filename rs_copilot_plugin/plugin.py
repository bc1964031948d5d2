"""The plugin's border to QGIS: menu, toolbar, loading and unloading."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QAction, QToolBar

from .actions import Action, all_actions
from .gui.workbench import Workbench
from .processing.provider import RsCopilotProvider
from .resources import icon, translation_path
from .translate import tr

MENU = "&RS Copilot"


class RsCopilotPlugin:
    """QGIS makes one, calls `initGui` when the plugin is switched on and `unload` when it is switched off."""

    def __init__(self, iface: QgisInterface) -> None:
        self.iface = iface
        self.workbench: Workbench | None = None
        self.provider: RsCopilotProvider | None = None
        self.toolbar: QToolBar | None = None
        self.actions: dict[str, QAction] = {}
        self._translator = self._load_translator()

    def initGui(self) -> None:
        """Build what the user sees."""
        self.workbench = Workbench(self.iface)
        self.toolbar = self.iface.addToolBar(tr("RS Copilot"))
        self.toolbar.setObjectName("RsCopilotToolBar")
        for action in all_actions():
            self._add_action(action)
        self._couple_with_docks(self.workbench)
        self.initProcessing()

    def initProcessing(self) -> None:
        """Offer the algorithms to the Processing toolbox."""
        self.provider = RsCopilotProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def unload(self) -> None:
        """Take everything back."""
        for action in self.actions.values():
            self.iface.removePluginMenu(MENU, action)
            action.deleteLater()
        self.actions.clear()
        if self.toolbar is not None:
            self.toolbar.deleteLater()
        if self.workbench is not None:
            self.workbench.close()
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
        self.workbench = self.provider = self.toolbar = None

    # --- handlers, named in `actions`

    def toggle_panel(self, shown: bool) -> None:
        """Show or hide the panel."""
        if self.workbench is not None:
            self.workbench.dock.setUserVisible(shown)

    def toggle_video(self, shown: bool) -> None:
        """Show or hide the video."""
        if self.workbench is not None:
            self.workbench.video.setUserVisible(shown)

    def toggle_look(self, shown: bool) -> None:
        """Show or hide the Look panel."""
        if self.workbench is not None:
            self.workbench.docking.reveal(self.workbench.look.dock, shown)

    def toggle_ask(self, shown: bool) -> None:
        """Show or hide the Ask panel."""
        if self.workbench is not None:
            self.workbench.docking.reveal(self.workbench.ask.dock, shown)

    def use_seek_tool(self, wanted: bool) -> None:
        """Take up or put down the map tool."""
        if self.workbench is None:
            return
        canvas = self.iface.mapCanvas()
        if wanted:
            canvas.setMapTool(self.workbench.seek_tool)
        else:
            canvas.unsetMapTool(self.workbench.seek_tool)

    def open_scene(self, _checked: bool = False) -> None:
        """Load a scene that was made earlier."""
        if self.workbench is not None:
            self.workbench.ask_scene()

    def open_models(self, _checked: bool = False) -> None:
        """Show the models."""
        if self.workbench is not None:
            self.workbench.look.open_models()

    def open_settings(self, _checked: bool = False) -> None:
        """Show the settings."""
        if self.workbench is not None:
            self.workbench.open_settings()

    # --- building

    def _add_action(self, action: Action) -> None:
        made = QAction(icon(action.icon), action.text, self.iface.mainWindow())
        made.setObjectName(f"RsCopilot_{action.id}")
        made.setToolTip(action.tip)
        made.setStatusTip(action.tip)
        made.setCheckable(action.checkable)
        if action.shortcut:
            made.setShortcut(QKeySequence(action.shortcut))
        made.triggered.connect(getattr(self, action.handler))
        self.iface.addPluginToMenu(MENU, made)
        if action.on_toolbar and self.toolbar is not None:
            self.toolbar.addAction(made)
        self.actions[action.id] = made

    def _couple_with_docks(self, workbench: Workbench) -> None:
        """Keep check marks true when the user closes a dock or takes up another tool."""
        names = ("show_panel", "show_video", "show_look", "show_ask")
        for dock, name in zip(workbench.docks, names):
            action = self.actions[name]
            action.setChecked(dock.isUserVisible())
            dock.visibilityChanged.connect(lambda _shown, d=dock, a=action: a.setChecked(d.isUserVisible()))
        workbench.seek_tool.setAction(self.actions["seek_tool"])

    @staticmethod
    def _load_translator() -> QTranslator | None:
        path = translation_path(str(QgsSettings().value("locale/userLocale", "en") or "en"))
        translator = QTranslator()
        if path is None or not translator.load(str(path)):
            return None
        QCoreApplication.installTranslator(translator)
        return translator
