"""Where the panels lie in QGIS's window: two at first, the others beside them when they are asked for."""

from __future__ import annotations

from qgis.gui import QgisInterface
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget

from rs_copilot_plugin.settings import Settings

_AREA = Qt.DockWidgetArea.RightDockWidgetArea


class Docking:
    """Adds the panels so that they never lie all below each other: the window would outgrow a small screen.

    QGIS restores the user's own arrangement after the plugins are there, panels that it does not know stay
    as they are. So a panel is put in its place only when it is shown for the first time.
    """

    def __init__(
        self, iface: QgisInterface, settings: Settings, shown: list[QDockWidget], others: list[QDockWidget]
    ) -> None:
        self._iface, self._settings = iface, settings
        self._shown, self._others = shown, others
        for dock in others:
            iface.addDockWidget(_AREA, dock)
            dock.hide()
        for dock in shown:
            iface.addDockWidget(_AREA, dock)

    def reveal(self, dock: QDockWidget, visible: bool) -> None:
        """Show or hide a panel; at its first time it becomes a tab beside the main panel."""
        placed = self._settings.placed_panels
        if visible and dock in self._others and dock.objectName() not in placed:
            self._settings.placed_panels = [*placed, dock.objectName()]
            self._iface.mainWindow().tabifyDockWidget(self._shown[0], dock)
        dock.setUserVisible(visible)

    def remove(self) -> None:
        """Take the panels out of the window."""
        for dock in [*self._shown, *self._others]:
            self._iface.removeDockWidget(dock)
            dock.deleteLater()
