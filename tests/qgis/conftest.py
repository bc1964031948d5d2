"""A real QGIS without its own window: application, canvas, message bar, and the engine beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("RS_COPILOT_ENGINE_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
# The folder that holds the plugin: the checkout, or where a built zip was unpacked.
sys.path.insert(0, os.environ.get("RS_COPILOT_PLUGIN_DIR", str(ROOT)))

qgis_core = pytest.importorskip("qgis.core", reason="QGIS's Python is needed")

from ask_helpers import HOSTILE, open_town  # noqa: E402
from qgis.core import QgsApplication, QgsProject, QgsSettings  # noqa: E402
from qgis.gui import QgsMapCanvas, QgsMessageBar  # noqa: E402
from qgis.PyQt.QtCore import QCoreApplication, QObject, QSize, Qt, pyqtSignal  # noqa: E402
from qgis.PyQt.QtWidgets import QDockWidget, QMainWindow, QMenu, QToolBar  # noqa: E402
from qgis_helpers import flush_deletions  # noqa: E402


class Iface(QObject):
    """As much of QgisInterface as the plugin uses, with real widgets behind it."""

    currentLayerChanged = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.window = QMainWindow()
        self.window.resize(QSize(1200, 800))
        self.canvas = QgsMapCanvas(self.window)
        self.window.setCentralWidget(self.canvas)
        self.bar = QgsMessageBar(self.window)
        self.menus: dict[str, QMenu] = {}

    def mainWindow(self):
        return self.window

    def mapCanvas(self):
        return self.canvas

    def messageBar(self):
        return self.bar

    def addDockWidget(self, area: Qt.DockWidgetArea, dock: QDockWidget) -> None:
        self.window.addDockWidget(area, dock)

    def removeDockWidget(self, dock: QDockWidget) -> None:
        self.window.removeDockWidget(dock)

    def addToolBar(self, name: str) -> QToolBar:
        return self.window.addToolBar(name)

    def addPluginToMenu(self, name: str, action) -> None:
        self.menus.setdefault(name, QMenu(name)).addAction(action)

    def removePluginMenu(self, name: str, action) -> None:
        self.menus[name].removeAction(action)


@pytest.fixture(autouse=True)
def slot_errors(monkeypatch):
    """Fail a test in whose Qt slots something was raised; without a hook PyQt ends the process."""
    raised = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append((kind, error, trace)))
    yield raised
    if raised:
        raise AssertionError("".join(traceback.format_exception(*raised[0])))


@pytest.fixture(scope="session")
def qgis_app(tmp_path_factory):
    profile = tmp_path_factory.mktemp("profile")
    QCoreApplication.setOrganizationName("rs-copilot-tests")
    QCoreApplication.setApplicationName("rs-copilot-tests")
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QgsApplication([], True, str(profile))
    QgsApplication.initQgis()
    yield app
    # QGIS is left to the end of the process: taking it down while Python still holds wrappers crashes.


@pytest.fixture(scope="session")
def world_template(tmp_path_factory):
    """The generated world; made once."""
    folder = tmp_path_factory.mktemp("world")
    python = os.environ["RS_COPILOT_ENGINE_PYTHON"]
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    script = str(Path(__file__).with_name("make_world.py"))
    subprocess.run([python, "-I", script, str(folder)], check=True, env=environment, timeout=120)
    return folder


@pytest.fixture(scope="session")
def town_template(tmp_path_factory):
    """A small town with three vehicles, and the map of it; made once."""
    folder = tmp_path_factory.mktemp("town")
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    script = str(Path(__file__).with_name("make_town.py"))
    command = [os.environ["RS_COPILOT_ENGINE_PYTHON"], "-I", script, str(folder), HOSTILE]
    subprocess.run(command, check=True, env=environment, timeout=120)
    return folder


@pytest.fixture
def town_bench(workbench, town_template, tmp_path):
    """The town's scene and its map are open, and the Ask panel is in sight."""
    yield open_town(workbench, town_template, tmp_path)
    workbench.settings.ask_model = ""
    workbench.settings.own_models = []


@pytest.fixture
def world(world_template):
    """The world; the scene in it is as it was made."""
    yield world_template
    for extra in world_template.glob("*.gpkg-*"):
        extra.unlink()


@pytest.fixture
def iface(qgis_app):
    made = Iface()
    yield made
    QgsProject.instance().clear()
    made.window.close()
    made.window.deleteLater()
    flush_deletions()


@pytest.fixture
def plugin(iface, tmp_path):
    from rs_copilot_plugin.plugin import RsCopilotPlugin

    QgsSettings().setValue("rs_copilot/last_folder", str(tmp_path))
    made = RsCopilotPlugin(iface)
    made.initGui()
    iface.window.show()
    # Docks that share a place take it only now; until then the map is of another size.
    QCoreApplication.processEvents()
    yield made
    if made.workbench is not None:
        made.unload()
    flush_deletions()


@pytest.fixture
def workbench(plugin):
    return plugin.workbench
