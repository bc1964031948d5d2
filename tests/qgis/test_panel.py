"""Choosing clips and rasters: drop, telemetry, removal."""

from __future__ import annotations

import shutil

from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qgis.PyQt.QtGui import QDropEvent
from qgis_helpers import messages_in, wait_until

from rs_copilot_plugin.gui.clip_list import CLIP_ROLE


def drop(widget, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(QPoint(5, 5)),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    widget.dropEvent(event)
    assert event.isAccepted()


def test_dropped_files_find_their_places(workbench, world, tmp_path):
    for name in ("satellite.tif", "clip.mp4"):
        shutil.copy(world / name, tmp_path / name)
    shutil.copy(world / "clip.srt", tmp_path / "CLIP.SRT")
    drop(workbench.dock.clip_list, tmp_path / "clip.mp4", tmp_path / "satellite.tif")
    assert workbench.panel.satellite == tmp_path / "satellite.tif"
    assert (
        "0.5 m" in workbench.dock.satellite_note.text()
        and "EPSG:32633" in workbench.dock.satellite_note.text()
    )
    clip = workbench.dock.clip_list.item(0).data(CLIP_ROLE)
    assert clip.telemetry == tmp_path / "CLIP.SRT"
    assert workbench.dock.locate_button.isEnabled()
    drop(workbench.dock, tmp_path / "clip.mp4")
    assert workbench.dock.clip_list.count() == 1, "the same clip comes once"


def test_what_is_neither_is_told(workbench, tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    drop(workbench.dock, tmp_path / "notes.txt")
    assert any("notes.txt" in text for text in messages_in(workbench.iface.bar))


def test_removing_the_played_clip_closes_the_video(workbench, world):
    workbench.add_paths([world / "clip.mp4"])
    wait_until(lambda: workbench.player.player.is_open, what="video")
    workbench.dock.clip_list.selectAll()
    workbench.dock.remove_button.click()
    assert workbench.dock.clip_list.count() == 0
    assert not workbench.player.player.is_open


def test_a_raster_of_the_project_can_be_chosen_and_is_not_changed(workbench, world):
    layer = QgsRasterLayer(str(world / "satellite.tif"), "mine")
    QgsProject.instance().addMapLayer(layer)
    style_before = layer.styleManager().style("default").xmlData()
    workbench.dock.satellite_combo.setLayer(layer)
    assert workbench.panel.satellite == world / "satellite.tif"
    workbench.add_satellite_file(world / "satellite.tif")
    assert len(QgsProject.instance().mapLayers()) == 1, "a file that is a layer already is not loaded twice"
    assert layer.name() == "mine" and layer.styleManager().style("default").xmlData() == style_before


def test_a_raster_without_crs_is_told(workbench, tmp_path):
    from osgeo import gdal

    data = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "bare.tif"), 64, 64, 3)
    data.FlushCache()
    workbench.add_satellite_file(tmp_path / "bare.tif")
    assert "assign its CRS" in workbench.dock.satellite_note.text()


def test_options_are_remembered(workbench):
    combo = workbench.dock.telemetry_combo
    combo.setCurrentIndex(combo.findData("none"))
    assert workbench.settings.telemetry_use == "none" and workbench.panel.telemetry_use.value == "none"
    combo.setCurrentIndex(combo.findData("all"))


def test_shortcuts_and_checks_follow_the_docks(plugin):
    action = plugin.actions["show_panel"]
    assert action.shortcut().toString() == "Ctrl+Alt+R"
    plugin.workbench.dock.setUserVisible(False)
    assert not action.isChecked()
    action.trigger()
    assert plugin.workbench.dock.isUserVisible()


def test_the_seek_tool_is_taken_up_and_put_down(plugin):
    action = plugin.actions["seek_tool"]
    canvas = plugin.iface.mapCanvas()
    action.trigger()
    assert canvas.mapTool() is plugin.workbench.seek_tool and action.isChecked()
    action.trigger()
    assert canvas.mapTool() is not plugin.workbench.seek_tool
