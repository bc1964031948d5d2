"""The plugin comes and goes, and builds everything it can show."""

from __future__ import annotations

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QToolBar, QWidget
from qgis_helpers import flush_deletions


def test_menu_toolbar_and_docks_appear(plugin, iface):
    assert {action.objectName() for action in iface.menus["&RS Copilot"].actions()} >= {
        "RsCopilot_show_panel",
        "RsCopilot_show_video",
        "RsCopilot_show_look",
        "RsCopilot_models",
        "RsCopilot_seek_tool",
        "RsCopilot_open_scene",
        "RsCopilot_settings",
    }
    assert iface.window.findChild(QToolBar, "RsCopilotToolBar") is not None
    assert iface.window.findChild(QDockWidget, "RsCopilotDock") is not None
    assert QgsApplication.processingRegistry().providerById("rscopilot") is not None


def test_unload_leaves_nothing(iface):
    from rs_copilot_plugin import classFactory

    flush_deletions()
    widgets_before = set(QApplication.topLevelWidgets())
    items_before = len(iface.canvas.scene().items())
    for _ in range(2):
        plugin = classFactory(iface)
        plugin.initGui()
        plugin.open_settings()
        plugin.open_models()
        plugin.toggle_look(True)
        plugin.unload()
        flush_deletions()
    assert iface.window.findChildren(QDockWidget) == []
    assert iface.window.findChildren(QToolBar) == []
    assert iface.menus["&RS Copilot"].actions() == []
    assert len(iface.canvas.scene().items()) == items_before
    assert QgsApplication.processingRegistry().providerById("rscopilot") is None
    left = {
        w
        for w in QApplication.topLevelWidgets()
        if "Rs" in type(w).__name__ or w.objectName().startswith("Rs")
    }
    assert not left - widgets_before


def test_every_icon_exists(plugin):
    for widget in plugin.iface.window.findChildren(QWidget):
        if hasattr(widget, "icon") and widget.metaObject().className() in ("QToolButton", "QPushButton"):
            assert widget.icon().isNull() or not widget.icon().pixmap(16).isNull(), widget.toolTip()


def test_interactive_widgets_have_accessible_names(workbench):
    from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QSlider

    for dock in workbench.docks:
        for widget in dock.widget().findChildren(QWidget):
            if isinstance(widget, (QAbstractButton, QSlider)):
                assert widget.accessibleName() or widget.text(), widget.objectName()
            if isinstance(widget, QComboBox) and widget.isVisibleTo(dock):
                labelled = widget.accessibleName() or any(
                    getattr(label, "buddy", lambda: None)() is widget for label in dock.findChildren(QWidget)
                )
                assert labelled


@pytest.mark.parametrize(
    "name",
    [
        "locateclip",
        "trackmovingobjects",
        "findobjectsinraster",
        "findobjectsinclip",
        "segmentraster",
        "askscene",
        "exportlayer",
        "indexsatellite",
        "searchtiles",
        "adaptretriever",
    ],
)
def test_algorithms_are_complete(plugin, name):
    algorithm = QgsApplication.processingRegistry().algorithmById(f"rscopilot:{name}")
    assert algorithm is not None
    assert algorithm.displayName() and algorithm.shortHelpString()
    assert algorithm.create().parameterDefinitions()
