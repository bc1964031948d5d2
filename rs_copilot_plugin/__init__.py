"""RS Copilot: drone clips on the map. The QGIS plugin; the heavy work happens in the engine's own process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .plugin import RsCopilotPlugin


def classFactory(iface: QgisInterface) -> RsCopilotPlugin:
    """Give QGIS the plugin."""
    from .plugin import RsCopilotPlugin

    return RsCopilotPlugin(iface)
