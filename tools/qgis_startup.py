"""Run by QGIS at its start (``make qgis``): the demo's satellite image and scene, through the plugin."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.PyQt.QtCore import QTimer
from qgis.utils import plugins


def open_demo() -> None:
    """Open what a user would open by hand."""
    folder = Path(os.environ["RS_COPILOT_DEMO"])
    workbench = plugins["rs_copilot_plugin"].workbench
    workbench.add_satellite_file(folder / "satellite.tif")
    workbench.open_scene(folder / "scene.gpkg")
    workbench.dock.setUserVisible(True)
    workbench.video.setUserVisible(True)


# The window has to be there first.
QTimer.singleShot(0, open_demo)
