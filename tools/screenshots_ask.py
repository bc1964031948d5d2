"""The part of the screenshot tour that asks the scene; `screenshots_in_qgis` calls it inside QGIS."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from qgis.core import QgsGeometry, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.utils import iface

if TYPE_CHECKING:
    from screenshots_in_qgis import Tour

ASK_LEAST_M = 70.0


def asking(tour: Tour) -> Iterator[Callable[[], bool]]:
    """A conversation with the scene, over the map that comes with the demo; the shot has its evidence."""
    bench, dock = tour.bench, tour.bench.ask.dock
    scene = tour.work / "asked.gpkg"  # the demo's own scene keeps no answers
    shutil.copy(tour.first("scene.gpkg", "*scene*.gpkg"), scene)
    bench.open_scene(scene)
    yield lambda: {"frames", "tracks"} <= set(bench.scene.layer_names())
    for name in ("footprints", "frames", "trajectory"):
        bench.scene._group._node(name).setItemVisibilityChecked(False)
    layers = add_map(tour)
    bench.dock.hide()
    dock.setUserVisible(True)
    iface.mainWindow().resizeDocks([dock, bench.video], [660, 240], Qt.Orientation.Vertical)
    iface.mainWindow().resizeDocks([dock], [520], Qt.Orientation.Horizontal)
    yield tour.after(10)
    busy, other = busiest_zones(tour, layers[0])
    for question in (
        f'How many vehicles entered "{busy}"?',
        f'How many red cars entered "{busy}"?',
        f'When does the drone first see "{busy}"?',
        f'How far is "{other}" from "{busy}"?',
    ):
        dock.question_edit.setPlainText(question)
        dock.ask_button.click()
        yield lambda: not bench.ask.ask.is_busy
    extent = bench.ask.ask.map.item.drawn[0].geometry.boundingBox()
    for item in bench.ask.ask.map.item.drawn:
        extent.combineExtentWith(item.geometry.boundingBox())
    extent.scale(1.5)
    iface.mapCanvas().setExtent(extent)
    iface.mapCanvas().refresh()
    bench.ask.ask.pick_evidence(0)
    iface.messageBar().clearWidgets()
    yield tour.after(30)
    yield tour.drawn
    tour.shoot("ask")
    bench.ask.ask.show_turn(None)
    dock.setUserVisible(False)
    bench.dock.show()
    QgsProject.instance().removeMapLayers([layer.id() for layer in layers])


def add_map(tour: Tour) -> list[QgsVectorLayer]:
    """What a user's own map would have; it is asked about, not looked at."""
    found = []
    for name in ("zones", "roads", "occluders"):
        layer = QgsVectorLayer(f"{tour.first('map.gpkg')}|layername={name}", name, "ogr")
        QgsProject.instance().addMapLayer(layer, False)
        node = QgsProject.instance().layerTreeRoot().insertLayer(1, layer)
        node.setItemVisibilityChecked(False)
        found.append(layer)
    return found


def busiest_zones(tour: Tour, zones: QgsVectorLayer) -> tuple[str, str]:
    """Names of the zone that most tracks cross, and of one that the clip shows beside it."""
    layers = tour.bench.scene._group.layers()
    tracks = [row.geometry() for row in layers["tracks"].getFeatures()]
    seen = QgsGeometry.unaryUnion([row.geometry() for row in layers["footprints"].getFeatures()])
    rows = [row for row in zones.getFeatures() if row.geometry().intersects(seen)]
    crossed = {row["name"]: sum(line.intersects(row.geometry()) for line in tracks) for row in rows}
    busy = max(rows, key=lambda row: crossed[row["name"]])
    others = [row for row in rows if row.geometry().distance(busy.geometry()) > ASK_LEAST_M]
    other = min(others, key=lambda row: row.geometry().distance(busy.geometry()))
    return busy["name"], other["name"]
