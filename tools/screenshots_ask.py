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
MARGIN = 1.5
PANEL_PX, VIDEO_PX = 600, 420


def asking(tour: Tour) -> Iterator[Callable[[], bool]]:
    """A conversation with the scene, over the map that comes with the demo; the shot has its evidence."""
    bench, dock = tour.bench, tour.bench.ask.dock
    yield from begin(tour)
    layers = add_map(tour)
    iface.mainWindow().resizeDocks([dock, bench.video], [660, 240], Qt.Orientation.Vertical)
    iface.mainWindow().resizeDocks([dock], [520], Qt.Orientation.Horizontal)
    yield tour.after(10)
    busy, other = busiest_zones(tour, layers[0])
    yield from ask(tour, f'How many vehicles entered "{busy}"?')
    yield from ask(tour, f'How many red cars entered "{busy}"?')
    yield from ask(tour, f'When does the drone first see "{busy}"?')
    yield from ask(tour, f'How far is "{other}" from "{busy}"?')
    yield from show_evidence(tour, 0)
    tour.shoot("ask")
    yield from correcting(tour)
    end(tour, layers)


def conversing(tour: Tour) -> Iterator[Callable[[], bool]]:
    """A whole conversation: questions, a correction, the same question again; the panel has the height."""
    bench, dock, window = tour.bench, tour.bench.ask.dock, iface.mainWindow()
    yield from begin(tour)
    layers = add_map(tour)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, bench.video)
    window.resizeDocks([dock], [PANEL_PX], Qt.Orientation.Horizontal)
    window.resizeDocks([bench.video], [VIDEO_PX], Qt.Orientation.Horizontal)
    window.resizeDocks([bench.video], [VIDEO_PX], Qt.Orientation.Vertical)
    yield tour.after(10)
    busy, other = busiest_zones(tour, layers[0])
    yield from ask(tour, f'How far is "{other}" from "{busy}"?')
    yield from show_evidence(tour, 0)
    tour.shoot("conversation-distance")
    yield from ask(tour, f'How many red cars entered "{busy}"?')
    yield from ask(tour, f'When does the drone first see "{busy}"?')
    yield from correcting(tour)
    yield from show_evidence(tour, 0)
    tour.shoot("conversation")
    end(tour, layers)


def begin(tour: Tour) -> Iterator[Callable[[], bool]]:
    """The demo's scene, and the panel in place of the one where clips are located."""
    bench = tour.bench
    scene = tour.work / "asked.gpkg"  # the demo's own scene keeps no answers
    shutil.copy(tour.first("scene.gpkg", "*scene*.gpkg"), scene)
    bench.open_scene(scene)
    yield lambda: {"frames", "tracks"} <= set(bench.scene.layer_names())
    for name in ("footprints", "frames", "trajectory"):
        bench.scene._group._node(name).setItemVisibilityChecked(False)
    bench.dock.hide()
    bench.ask.dock.setUserVisible(True)


def end(tour: Tour, layers: list[QgsVectorLayer]) -> None:
    """Leave things as they were."""
    tour.bench.ask.ask.show_turn(None)
    tour.bench.ask.dock.setUserVisible(False)
    tour.bench.dock.show()
    QgsProject.instance().removeMapLayers([layer.id() for layer in layers])


def ask(tour: Tour, question: str) -> Iterator[Callable[[], bool]]:
    """Ask, and wait for the answer."""
    dock = tour.bench.ask.dock
    dock.question_edit.setPlainText(question)
    dock.ask_button.click()
    yield lambda: not tour.bench.ask.ask.is_busy


def show_evidence(tour: Tour, number: int) -> Iterator[Callable[[], bool]]:
    """All evidence of the answer on the map, one piece of it lit."""
    asking = tour.bench.ask.ask
    asking.pick_evidence(number)
    drawn = asking.map.item.drawn
    extent = drawn[0].geometry.boundingBox()
    for item in drawn:
        extent.combineExtentWith(item.geometry.boundingBox())
    extent.scale(MARGIN)
    iface.mapCanvas().setExtent(extent)
    iface.mapCanvas().refresh()
    iface.messageBar().clearWidgets()
    yield tour.after(30)
    yield tour.drawn


def correcting(tour: Tour) -> Iterator[Callable[[], bool]]:
    """A vehicle of the answer is called another class; the question is asked again."""
    bench, dock = tour.bench, tour.bench.ask.dock
    asking = bench.ask.ask
    yield from ask(tour, "How many vehicles are there in the clip?")
    evidence = asking.turn.found.evidence
    number = next((i for i, item in enumerate(evidence) if item.things is not None), None)
    if number is None:
        raise RuntimeError("the demo has no vehicle that could be corrected")
    yield from show_evidence(tour, number)
    dock.correct_button.click()
    yield tour.after(5)
    tour.shoot_with(asking.corrections.menu, "ask-correct")
    asking.corrections.menu.close()
    asking.corrections.relabel(evidence[number].things, "person")
    yield lambda: asking.turn is not None and asking.turn.is_outdated
    dock.again_button.click()
    yield lambda: not asking.is_busy
    dialog = bench.ask.show_memory()
    yield lambda: dialog.layer_table.topLevelItemCount() > 0
    iface.messageBar().clearWidgets()
    dialog.move(iface.mapCanvas().mapToGlobal(iface.mapCanvas().rect().topLeft()))
    yield tour.after(10)
    tour.shoot_with(dialog, "scene-memory")
    dialog.close()


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
