"""The small town that is asked about, and how tests type, click and wait in the Ask panel."""

from __future__ import annotations

import shutil
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QInputMethodEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication
from qgis_helpers import wait_until

ANSWER_LIMIT_S = 90
WEST, SOUTH = 500_000.0, 5_400_000.0
FAR_AWAY = QgsRectangle(WEST + 5000, SOUTH + 5000, WEST + 5200, SOUTH + 5100)
HOSTILE = '<b>Far</b> & "Co"<script>alert(1)</script>'
MARKET = QgsPointXY(WEST + 105, SOUTH)


def open_town(workbench, template: Path, folder: Path):
    """Copy the town, open it with its map, and bring the panel into sight."""
    for name in ("scene.gpkg", "map.gpkg", "clip.mp4"):
        shutil.copy(template / name, folder / name)
    canvas = workbench.iface.canvas
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    for name in ("zones", "roads", "occluders"):
        layer = QgsVectorLayer(f"{folder / 'map.gpkg'}|layername={name}", name, "ogr")
        assert layer.isValid()
        QgsProject.instance().addMapLayer(layer)
    desk = workbench.ask
    desk.dock.setUserVisible(True)
    desk.workbench, desk.folder = workbench, folder
    open_scene(desk)
    QTest.qWait(300)
    return desk


def open_scene(desk) -> None:
    desk.workbench.open_scene(desk.folder / "scene.gpkg")
    wait_until(lambda: {"frames", "tracks"} <= set(desk.workbench.scene.layer_names()), what="the scene")


def key(widget, which, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget, which, modifier)


def ask(desk, text: str) -> None:
    edit = desk.dock.question_edit
    edit.setFocus()
    if text.isascii():
        QTest.keyClicks(edit, text)
    else:
        # Other scripts come from an input method; Qt's tests have no keys for them.
        event = QInputMethodEvent()
        event.setCommitString(text)
        QApplication.sendEvent(edit, event)
    key(edit, Qt.Key.Key_Return)


def answered(desk):
    wait_until(lambda: not desk.ask.is_busy, ANSWER_LIMIT_S, "the answer")
    return desk.ask.talk.turns[-1]


def shown(desk) -> str:
    return desk.dock.view.toPlainText()


def chip(desk, text: str):
    return next(item for item in desk.dock.evidence.chips if text in item.text())


def click(widget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def click_map(canvas, x: float, y: float) -> None:
    """Click a place of the town, in metres from its origin."""
    found = canvas.getCoordinateTransform().transform(WEST + x, SOUTH + y)
    place = QPoint(round(found.x()), round(found.y()))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
