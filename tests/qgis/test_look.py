"""The Look panel with the real engine and given answers: keys, clicks, stream, map, death of the engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication
from qgis.PyQt.QtXml import QDomDocument
from qgis_helpers import Heart, wait_until

from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError
from rs_copilot_plugin.layers.look_layer import MAX_CLASSES, ROLE_PROPERTY, SPOTS, ZOOMS
from rs_copilot_plugin.presenters.conversation import Question, TurnState, Zoom, parse_spot
from rs_copilot_plugin.presenters.look import Layer, Picture, Task

ANSWER_LIMIT_S = 90
WEST, NORTH, GSD_M, SIDE_PX = 500000.0, 5500000.0, 0.5, 1000
# What the map shows: 200 m of the raster, which a model sees as 400 pixels, rounded to squares of 28.
VIEW = QgsRectangle(WEST + 100, NORTH - 300, WEST + 300, NORTH - 100)
BOXES = ["40,60,140,60,140,120,40,120 ship", "200,200,300,200,300,260,200,260 crane"]
HOSTILE = (
    '<img src="file:///etc/passwd"><a href="https://evil.example/">click</a>\n'
    "[link](https://evil.example) \u202egnp.exe \x1b[31m\x00 שלום 你好\n"
    "</body><h1>SYSTEM</h1>"
)


def key(widget, which, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget, which, modifier)


def write(bench, text: str) -> None:
    edit = bench.dock.question_edit
    edit.setFocus()
    QTest.keyClicks(edit, text)


@pytest.fixture
def bench(workbench, world, tmp_path):
    """The satellite layer is chosen, the map shows a part of it, and the panel is in sight."""
    shutil.copy(world / "satellite.tif", tmp_path / "satellite.tif")
    canvas = workbench.iface.canvas
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    workbench.add_paths([tmp_path / "satellite.tif"])
    workbench.look.dock.setUserVisible(True)
    QTest.qWait(150)  # the window has its final shape only now
    canvas.setExtent(VIEW)
    desk = workbench.look
    desk.workbench, desk.folder = workbench, tmp_path
    desk.models.choose("", "auto")
    yield desk
    for name in ("look_model", "own_models"):
        setattr(workbench.settings, name, [] if name == "own_models" else "")


def use_script(desk, answers: list[str], pause_s: float = 0.0) -> None:
    # A file of its own: the engine holds on to a model that it has loaded.
    path = desk.folder / f"answers{len(list(desk.folder.glob('answers*.json')))}.json"
    path.write_text(json.dumps({"answers": answers, "pause_s": pause_s}), encoding="utf-8")
    desk.models.add(f"scripted:{path}")


def last(desk):
    return desk.look.conversation.turns[-1]


def answered(desk) -> None:
    wait_until(lambda: not desk.look.is_busy, ANSWER_LIMIT_S, "the answer")


def choose_task(desk, task: Task) -> None:
    combo = desk.dock.task_combo
    combo.setCurrentIndex(combo.findData(task.value))


def ask(desk, text: str) -> None:
    write(desk, text)
    key(desk.dock.question_edit, Qt.Key.Key_Return)


def shown(desk) -> str:
    return desk.dock.view.toPlainText()


def look_rows(desk) -> list[tuple[str, QgsPointXY]]:
    layer = desk.look.layers.layer(SPOTS)
    if layer is None:
        return []
    return [(row["label"], row.geometry().centroid().asPoint()) for row in layer.getFeatures()]


def to_screen(desk, point_m: QgsPointXY) -> QPoint:
    found = desk.workbench.iface.canvas.getCoordinateTransform().transform(point_m)
    return QPoint(round(found.x()), round(found.y()))


def click_line(desk, line: int) -> None:
    view = desk.dock.view
    block = view._find(len(desk.look.conversation.turns) - 1, line + 1)
    view.ensureCursorVisible()
    cursor = view.textCursor()
    cursor.setPosition(block.position() + 2)
    QTest.mouseClick(
        view.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        view.cursorRect(cursor).center(),
    )


def centre_of(spot) -> QgsPointXY:
    crs = [QgsCoordinateReferenceSystem(f"EPSG:{code}") for code in (4326, 32633)]
    x, y = (sum(corner[axis] for corner in spot.polygon) / len(spot.polygon) for axis in (0, 1))
    return QgsCoordinateTransform(*crs, QgsProject.instance()).transform(QgsPointXY(x, y))


def test_an_answer_streams_and_its_boxes_come_onto_the_map(bench, record_property):
    """One test for all that belongs to one answer, because each engine takes seconds to start."""
    desk = bench
    use_script(desk, ["\n".join(BOXES) + "\n"], pause_s=0.4)
    assert "stay on this machine" in desk.dock.model_row.privacy_label.text()
    choose_task(desk, Task.DETECT)
    assert not desk.dock.ask_button.isEnabled() and "classes" in desk.dock.hint_label.text()
    desk.dock.names_edit.setFocus()
    QTest.keyClicks(desk.dock.names_edit, "ship, crane")
    heart, counts, lengths = Heart(), set(), set()
    key(desk.dock.names_edit, Qt.Key.Key_Return)
    assert desk.look.is_busy and desk.dock.stop_button.isVisible()

    def watch() -> bool:
        counts.add(len(look_rows(desk)))
        lengths.add(len(last(desk).answer))
        return not desk.look.is_busy

    wait_until(watch, ANSWER_LIMIT_S, "the answer")
    work_ms = heart.longest_work_ms()
    record_property("longest_work_ms", round(work_ms, 1))
    assert work_ms < float(os.environ.get("RS_COPILOT_WORK_LIMIT_MS", "50"))
    assert {1, 2} <= counts, "the first box was on the map before the second was said"
    assert len(lengths) > 2 and BOXES[0] in shown(desk)
    turn = last(desk)
    assert turn.state is TurnState.DONE and turn.facts.sends_to is None and "2 on the map" in shown(desk)
    # The box lies where its pixels are: at half a metre each, from the corner of what was shown.
    west, _, _, north = turn.question.source.extent
    x1, y1, x2, y2 = turn.spots[0].box_px
    truth = QgsPointXY(WEST + GSD_M * (x1 + x2) / 2, NORTH - GSD_M * (y1 + y2) / 2)
    assert centre_of(turn.spots[0]).distance(truth) < 0.1
    assert x1 * GSD_M >= west - WEST - 1 and y1 * GSD_M >= NORTH - north - 1
    assert desk.dock.picture is Picture.SAME, "a follow-up needs no new picture"

    # From the line to the map.
    click_line(desk, 1)
    (band,) = desk.look.map.bands
    assert band.asGeometry().boundingBox().contains(centre_of(turn.spots[1]))
    assert desk.dock.view.extraSelections()[0].cursor.block().text() == BOXES[1]
    # With the keyboard: one line up.
    key(desk.dock.view, Qt.Key.Key_Up)
    assert desk.look.map.bands[0].asGeometry().boundingBox().contains(centre_of(turn.spots[0]))
    # From the map to the line, with whatever tool.
    canvas = desk.workbench.iface.canvas
    place = to_screen(desk, centre_of(turn.spots[1]))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert desk.dock.view.extraSelections()[0].cursor.block().text() == BOXES[1]
    # From a row of the layer to the line.
    layer = desk.look.layers.layer(SPOTS)
    layer.selectByIds([next(row.id() for row in layer.getFeatures() if row["number"] == 0)])
    assert desk.dock.view.extraSelections()[0].cursor.block().text() == BOXES[0]

    # A follow-up goes without a picture; the engine is told the whole conversation.
    choose_task(desk, Task.CHAT)
    ask(desk, "How many?")
    params = desk.look.panel.request().params["turns"]
    assert params[0]["answer"] and params[1]["source"] is None and params[1]["answer"] is None
    answered(desk)
    assert last(desk).state is TurnState.DONE and "same picture" in shown(desk)

    # The text can be pasted anywhere.
    desk.dock.copy_button.click()
    copied = QApplication.clipboard().text()
    assert "How many?" in copied and BOXES[0] in copied

    # An edited question takes the place of the former one.
    key(desk.dock.question_edit, Qt.Key.Key_Up)
    assert desk.dock.question_edit.toPlainText() == "How many?"
    QTest.keyClicks(desk.dock.question_edit, " Count again.")
    key(desk.dock.question_edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert not desk.look.is_busy, "Shift+Enter is a new line"
    key(desk.dock.question_edit, Qt.Key.Key_Backspace)
    key(desk.dock.question_edit, Qt.Key.Key_Return)
    answered(desk)
    assert [turn.question.text for turn in desk.look.conversation.turns] == ["", "How many? Count again."]

    desk.dock.new_button.click()
    assert not shown(desk) and look_rows(desk) == [] and desk.look.layers.layer(SPOTS) is None


def test_stop_and_death_in_mid_answer_lose_nothing(bench):
    desk = bench
    use_script(desk, ["one two three four five six seven eight nine ten", "The second answer."], pause_s=0.5)
    ask(desk, "Count slowly.")
    wait_until(lambda: "two" in shown(desk), ANSWER_LIMIT_S, "words")
    key(desk.dock.question_edit, Qt.Key.Key_Escape)
    wait_until(lambda: not desk.look.is_busy, 10, "the end")
    assert last(desk).state is TurnState.STOPPED and "two" in last(desk).answer and "ten" not in shown(desk)
    assert "Stopped." in shown(desk)

    use_script(desk, ["alpha beta gamma delta epsilon zeta eta theta"], pause_s=0.5)
    ask(desk, "And now?")
    wait_until(lambda: "beta" in shown(desk), ANSWER_LIMIT_S, "words")
    os.kill(desk.look._around.host.look.pid, signal.SIGKILL)
    wait_until(lambda: not desk.look.is_busy, 20, "the news")
    turn = last(desk)
    assert turn.state is TurnState.CUT_OFF and "beta" in turn.answer and "theta" not in turn.answer
    assert (
        "Cut off." in shown(desk) and "stopped unexpectedly" in shown(desk) and "Count slowly." in shown(desk)
    )
    use_script(desk, ["Here I am again."])
    ask(desk, "Are you there?")
    answered(desk)
    assert last(desk).state is TurnState.DONE and "Here I am again." in shown(desk)
    sent = desk.look.conversation.params()
    assert [bool(item["answer"]) for item in sent] == [True, True, True] and "beta" in sent[1]["answer"]


def test_what_a_model_says_is_only_text(bench):
    desk = bench
    use_script(desk, [HOSTILE])
    ask(desk, "Hello?")
    answered(desk)
    assert '<img src="file:///etc/passwd"><a href="https://evil.example/">click</a>' in shown(desk)
    assert "שלום 你好" in shown(desk) and "\u202e" not in shown(desk) and "\x1b" not in shown(desk)
    html = desk.dock.view.document().toHtml()
    assert "<a href" not in html and "<img" not in html
    assert not any(
        widget.text().startswith("<img") for widget in desk.dock.findChildren(type(desk.dock.hint_label))
    )


def test_labels_on_the_map_are_only_text(bench):
    """Map tips are web pages, and print layouts work out what stands between certain signs in a legend."""
    label = "<img src=\"https://evil.example/x.png\">[% env('HOME') %]"
    spot = parse_spot({"line": 0, "label": label, "polygon": [[15.0, 49.6], [15.1, 49.6], [15.1, 49.7]]})
    bench.look.layers.add(0, 0, [spot], [Zoom(spot.polygon, None)])
    layer = bench.look.layers.layer(SPOTS)
    (row,) = layer.getFeatures()
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(row)
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    assert "<img" not in tip and "&lt;img" in tip
    (category,) = layer.renderer().categories()
    assert category.value() == label and "[%" not in category.label()
    # What is left of an answer in a saved project is an empty layer: it goes when the project is read.
    left = QgsVectorLayer("Polygon", "Look", "memory")
    left.setCustomProperty(ROLE_PROPERTY, SPOTS)
    QgsProject.instance().addMapLayer(left)
    QgsProject.instance().readProject.emit(QDomDocument())
    assert bench.look.layers.layer(SPOTS) is layer
    assert QgsProject.instance().mapLayersByName("Look") == [layer]


def test_objects_are_kept_and_taken_back(bench):
    desk = bench
    use_script(desk, ["40,60,140,120 ship\n200,200,300,260 crane"])
    choose_task(desk, Task.GROUND)
    ask(desk, "what floats, and what lifts")
    answered(desk)
    count = len(last(desk).spots)
    assert count and desk.dock.keep_button.isEnabled()
    desk.dock.keep_actions[Layer.GROUNDINGS].trigger()
    wait_until(lambda: last(desk).kept is not None, ANSWER_LIMIT_S, "the rows")
    scene = Path(last(desk).kept.scene)
    rows = QgsVectorLayer(f"{scene}|layername=groundings", "kept", "ogr")
    assert rows.featureCount() == count and look_rows(desk) == []
    assert next(rows.getFeatures())["phrase"] == "what floats, and what lifts"
    wait_until(lambda: "groundings" in desk.workbench.scene.layer_names(), what="the layer")
    assert "kept in" in shown(desk) and desk.workbench.panel.scene == scene
    desk.dock.undo_button.click()
    wait_until(lambda: last(desk).kept is None, ANSWER_LIMIT_S, "the way back")
    rows = QgsVectorLayer(f"{scene}|layername=groundings", "kept", "ogr")
    assert rows.featureCount() == 0 and len(look_rows(desk)) == count


def test_a_box_is_drawn_with_the_mouse(bench):
    desk = bench
    use_script(desk, ["A roof."])
    choose_task(desk, Task.DESCRIBE)
    assert "Draw a box" in desk.dock.hint_label.text()
    desk.dock.box_button.click()
    canvas = desk.workbench.iface.canvas
    assert canvas.mapTool() is desk.look.picture.tool
    corners = [to_screen(desk, QgsPointXY(WEST + x, NORTH - y)) for x, y in ((150, 150), (180, 190))]
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(canvas.viewport(), left, none, corners[0])
    QTest.mouseMove(canvas.viewport(), corners[1])
    QTest.mouseRelease(canvas.viewport(), left, none, corners[1])
    assert canvas.mapTool() is not desk.look.picture.tool and not desk.dock.box_button.isChecked()
    box = desk.look.picture.sights().box
    wanted = (WEST + 150, NORTH - 190, WEST + 180, NORTH - 150)
    assert all(abs(a - b) < 2 * canvas.mapUnitsPerPixel() for a, b in zip(box, wanted, strict=True))
    assert desk.dock.ask_button.isEnabled()
    desk.dock.ask_button.click()
    source = last(desk).question.source
    assert source.quad[0] == (box[0], box[3]) and source.crs == "EPSG:32633"
    answered(desk)
    assert last(desk).state is TurnState.DONE and "A roof." in shown(desk)


def test_a_frame_is_asked_about_and_its_boxes_lie_on_map_and_video(bench, world):
    desk, workbench = bench, bench.workbench
    workbench.open_scene(world / "scene.gpkg")
    wait_until(lambda: workbench.player.player.is_open and workbench.player._frames is not None, what="video")
    workbench.player.seek(2.0)
    wait_until(lambda: abs(workbench.player.shown_s - 2.0) < 0.06, what="the frame")
    use_script(desk, ["100,100,200,150 van"])
    choose_task(desk, Task.GROUND)
    combo = desk.dock.picture_combo
    combo.setCurrentIndex(combo.findData(Picture.FRAME.value))
    ask(desk, "the van")
    answered(desk)
    turn = last(desk)
    assert turn.state is TurnState.DONE, turn.error
    (spot,) = turn.spots
    assert abs(spot.time_s - workbench.player.shown_s) < 0.06 and spot.polygon
    assert [found.label for found in workbench.video.view._boxes if found.is_named] == ["van"]
    # A click on the box in the picture leads to its line.
    desk.dock.view.light_up(-1, -1)
    width, height = workbench.player.size_px
    x1, y1, x2, y2 = spot.box_px
    workbench.video.view.clicked.emit(((x1 + x2) / 2 / width, (y1 + y2) / 2 / height))
    assert "van" in desk.dock.view.extraSelections()[0].cursor.block().text()


def test_where_the_model_looked_closer_is_on_the_map(bench):
    """Of nine megapixels a model sees one: it asks for a part, and looks at that."""
    desk, side_px = bench, 3000
    path = str(desk.folder / "large.tif")
    raster = gdal.GetDriverByName("GTiff").Create(path, side_px, side_px, 3, options=["COMPRESS=DEFLATE"])
    raster.SetGeoTransform((WEST, GSD_M, 0.0, NORTH, 0.0, -GSD_M))
    raster.SetProjection(QgsCoordinateReferenceSystem("EPSG:32633").toWkt())
    for band in range(3):
        raster.GetRasterBand(band + 1).Fill(40 * band + 60)
    raster.FlushCache()
    desk.workbench.add_satellite_file(Path(path))
    desk.workbench.iface.canvas.setExtent(
        QgsRectangle(WEST, NORTH - side_px * GSD_M, WEST + side_px * GSD_M, NORTH)
    )
    call = {"name": "image_zoom_in", "arguments": {"bbox": [280, 280, 504, 504]}}
    words = f"I look closer.\n<tool_call>\n{json.dumps(call)}\n</tool_call>"
    use_script(desk, [words, "40,60,140,120 ship"])
    choose_task(desk, Task.GROUND)
    ask(desk, "the ship")
    answered(desk)
    turn = last(desk)
    assert turn.state is TurnState.DONE, turn.error
    (row,) = desk.look.layers.layer(ZOOMS).getFeatures()
    (spot,) = desk.look.layers.layer(SPOTS).getFeatures()
    assert row["step"] == 1 and row.geometry().boundingBox().contains(spot.geometry().boundingBox())
    click_line(desk, turn.spots[0].line)
    assert desk.dock.view.extraSelections()[0].cursor.block().text() == "40,60,140,120 ship"


def longest_step_ms(desk, partials) -> float:
    """Hand partial results to the panel as the engine would; the longest time that one of them took."""
    desk.models.add("scripted:/nowhere.json")
    desk.look.panel.begin(Question("Everything?", "detect"))
    desk.dock.view.begin(last(desk))
    longest_s = 0.0
    for number, partial in enumerate(partials):
        started_s = time.thread_time()
        desk.look._progress(Progress(1, number, 1000, "Answering", partial))
        QCoreApplication.processEvents()
        longest_s = max(longest_s, time.thread_time() - started_s)
    return 1000 * longest_s


def test_a_long_answer_never_keeps_the_map_waiting(bench, record_property):
    """Four hundred objects, then a line without end: each piece is shown within a moment."""
    lines = [f"{i},{i},{i + 9},{i},{i + 9},{i + 9},{i},{i + 9} thing {i % 40}" for i in range(400)]
    at = [(15.0 + 1e-4 * (i % 20), 49.65 + 1e-4 * (i // 20)) for i in range(400)]
    objects = [
        {
            "line": i,
            "label": f"thing {i % 40}",
            "polygon": [[x, y], [x + 5e-5, y], [x + 5e-5, y + 5e-5], [x, y + 5e-5]],
            "box_px": [i, i, i + 9, i + 9],
        }
        for i, (x, y) in enumerate(at)
    ]
    listed = [{"text": "\n".join(lines[:n]), "objects": objects[:n], "zooms": []} for n in range(4, 401, 4)]
    endless = [{"text": "word " * n, "objects": [], "zooms": []} for n in range(100, 8000, 100)]
    steps_ms = [longest_step_ms(bench, listed)]
    bench.look._failed(EngineError("cancelled", ""))
    assert len(look_rows(bench)) == 400
    categories = bench.look.layers.layer(SPOTS).renderer().categories()
    assert len(categories) == MAX_CLASSES + 1, "a model that invents classes does not fill the legend"
    steps_ms.append(longest_step_ms(bench, endless))
    bench.look._failed(EngineError("cancelled", ""))
    record_property("longest_step_ms", [round(step_ms, 1) for step_ms in steps_ms])
    assert max(steps_ms) < float(os.environ.get("RS_COPILOT_WORK_LIMIT_MS", "50"))


def test_without_a_model_the_panel_says_what_can_be_done(bench):
    desk = bench
    desk.look.redraw()
    assert desk.dock.offer.isVisible() and not desk.dock.ask_button.isEnabled()
    assert "Locating clips" in desk.dock.offer.without_label.text()
    write(desk, "hello")
    assert "Choose a model" in desk.dock.hint_label.text()
    dialog = desk.ask_server()
    QTest.keyClicks(dialog.address_edit, "http://models.example:8000/v1")
    QTest.keyClicks(dialog.model_edit, "qwen")
    assert "leave this machine" in dialog.place_label.text() and "not encrypted" in dialog.place_label.text()
    dialog.accept()
    assert desk.models.picker.name == "http://models.example:8000/v1#qwen"
    text = desk.dock.model_row.privacy_label.text()
    assert "leave this machine" in text and "models.example:8000" in text
    assert not desk.dock.offer.isVisible() and desk.dock.ask_button.isEnabled()
