"""The Ask panel with the real engine over a small town: keys, clicks, evidence, history, report, death."""

from __future__ import annotations

import os
import shutil
import signal

from ask_helpers import (
    FAR_AWAY,
    HOSTILE,
    MARKET,
    SOUTH,
    WEST,
    answered,
    ask,
    chip,
    click,
    key,
    open_scene,
    shown,
)
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication
from qgis_helpers import Heart, wait_until

from rs_copilot_plugin.gui.chips import Chip, ChipText
from rs_copilot_plugin.layers import user_layers
from rs_copilot_plugin.presenters.ask import EvidenceKind
from rs_copilot_plugin.presenters.conversation import TurnState
from rs_copilot_plugin.presenters.suggestions import Topic
from rs_copilot_plugin.presenters.user_layers import Role


def test_an_answer_with_evidence_on_map_and_in_the_video(town_bench, record_property):
    """One test for all that belongs to one answer, because each engine takes seconds to start."""
    desk, canvas, player = town_bench, town_bench.workbench.iface.canvas, town_bench.workbench.player
    assert "zones" in desk.dock.layers_button.text()
    topics = {item.topic for item in desk.ask._suggestions}
    assert len(topics) >= 4 and Topic.COUNT in topics, topics
    assert not desk.dock.ask_button.isEnabled()
    heart = Heart()
    ask(desk, "How many vehicles entered the market?")
    assert desk.ask.is_busy and desk.dock.stop_button.isVisible()
    turn = answered(desk)
    record_property("longest_work_ms", round(heart.longest_work_ms(), 1))
    assert turn.state is TurnState.DONE and turn.answer == "2", turn
    assert "zone counting" in shown(desk) and "sure (" in shown(desk) and "Understood as" in shown(desk)
    drawn = desk.ask.map.item.drawn
    assert {EvidenceKind.TRACK, EvidenceKind.PLACE} <= {item.kind for item in drawn}
    assert any(item.geometry.boundingBox().contains(MARKET) for item in drawn)

    # From a chip to the map: it moves there, and the chip is the one that is lit.
    canvas.setExtent(FAR_AWAY)
    click(chip(desk, "market"))
    assert canvas.extent().contains(MARKET)
    assert [item.text() for item in desk.dock.evidence.chips if item.isChecked()] == [
        chip(desk, "market").text()
    ]
    # With the keyboard: along the chips, and the video goes to the moment.
    wait_until(lambda: player.player.is_open, 60, "the clip")
    number = next(i for i, item in enumerate(turn.found.evidence) if item.time_s is not None)
    desk.dock.evidence.chips[number - 1].setFocus()
    key(desk.dock.evidence.chips[number - 1], Qt.Key.Key_Right)
    assert desk.dock.evidence.chips[number].hasFocus()
    key(desk.dock.evidence.chips[number], Qt.Key.Key_Return)
    wanted_s = turn.found.evidence[number].time_s
    wait_until(lambda: abs(player.shown_s - wanted_s) < 0.25, 30, "the frame")
    assert desk.dock.evidence.chips[number].hasFocus(), "the keyboard stays where it was"
    names = [item.accessibleName() for item in desk.dock.evidence.chips]
    assert all(names) and any(name.startswith("Track: ") for name in names)

    # A measurement has its line and its label.
    ask(desk, "How far is the market from the depot?")
    turn = answered(desk)
    (line,) = [item for item in desk.ask.map.item.drawn if item.kind is EvidenceKind.MEASURE]
    assert "95 m" in line.label and abs(line.geometry.length() - 95) < 1
    # Escape clears the map; a click on the answer brings its evidence back.
    key(desk.dock.question_edit, Qt.Key.Key_Escape)
    assert desk.ask.map.item.drawn == [] and not desk.dock.evidence.isVisible()
    key(desk.dock.view, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    assert desk.ask.shown == 0 and desk.ask.map.item.drawn

    # Copied as Markdown; asked again after a change, the former answer stays.
    click(desk.dock.copy_button)
    assert "**How many vehicles entered the market?**" in QApplication.clipboard().text()
    desk.dock.question_edit.setFocus()
    key(desk.dock.question_edit, Qt.Key.Key_Up)
    assert desk.dock.question_edit.toPlainText() == "How far is the market from the depot?"
    QTest.keyClicks(desk.dock.question_edit, " In metres.")
    key(desk.dock.question_edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert not desk.ask.is_busy, "Shift+Enter is a new line"
    key(desk.dock.question_edit, Qt.Key.Key_Backspace)
    key(desk.dock.question_edit, Qt.Key.Key_Return)
    assert "95 m" in answered(desk).answer and len(desk.ask.talk.turns) == 3

    # Evidence as layers of the user's own.
    desk.ask.show_turn(0)
    click(desk.dock.keep_button)
    kept = QgsProject.instance().mapLayersByName("Evidence: How many vehicles entered the market?")
    assert len(kept) == 3 and sum(layer.featureCount() for layer in kept) == len(desk.ask.turn.found.evidence)
    assert Role.NONE in {user_layers.role_of(layer) for layer in kept}, "evidence is not asked about"


def test_abstention_history_and_the_death_of_the_engine(town_bench):
    desk = town_bench
    ask(desk, "When does the drone first see Far Field?")
    turn = answered(desk)
    assert turn.found.abstained and turn.answer.startswith("I cannot tell") and turn.answer in shown(desk)
    assert turn.row is not None

    os.kill(desk.workbench.host.ask.pid, signal.SIGKILL)
    ask(desk, "Is the market visible in the clip?")
    turn = answered(desk)
    if turn.state is TurnState.FAILED:  # the news of the death came after the question
        assert "stopped unexpectedly" in shown(desk)
        ask(desk, "Is the market visible in the clip?")
        turn = answered(desk)
    assert turn.answer == "yes" and turn.state is TurnState.DONE

    # The scene keeps the conversation, with its evidence.
    desk.workbench.scene.forget()
    assert not shown(desk) and desk.ask.map.item.drawn == []
    open_scene(desk)
    wait_until(lambda: len(desk.ask.talk.turns) == 2, 30, "the history")
    texts = [turn.question.text for turn in desk.ask.talk.turns]
    assert texts == ["When does the drone first see Far Field?", "Is the market visible in the clip?"]
    assert "I cannot tell" in shown(desk) and shown(desk).rstrip().index("yes") > 0
    desk.ask.show_turn(1)
    desk.workbench.iface.canvas.setExtent(FAR_AWAY)
    click(chip(desk, "market"))
    assert desk.workbench.iface.canvas.extent().contains(MARKET)
    ask(desk, "How many vehicles are there?")
    answered(desk)
    assert len(desk.ask.talk.turns) == 3 and desk.ask.talk.turns[-1].answer == "3"


def test_a_hostile_name_is_only_text_and_reports_are_written(town_bench, record_property):
    desk = town_bench
    zones = QgsProject.instance().mapLayersByName("zones")[0]
    zones.selectByExpression("\"name\" like '%script%'")
    desk.workbench.iface.canvas.setCurrentLayer(zones)
    click(desk.dock.selection_button)
    assert [pin.title for pin in desk.ask.panel.attached.pins] == [HOSTILE]
    ask(desk, "How many vehicles entered mark A?")
    turn = answered(desk)
    assert turn.found.evidence and HOSTILE in shown(desk)
    click(desk.dock.layers_button)
    dialog = desk.workbench._dialogs[-1]
    dialog.combos[zones.id()].setCurrentIndex(0)
    assert user_layers.role_of(zones) is Role.NONE
    dialog.combos[zones.id()].setCurrentIndex(1)
    dialog.reject()

    page, pdf = desk.folder / "report.html", desk.folder / "report.pdf"
    heart = Heart()
    desk.export(page)
    wait_until(lambda: not desk.reports.is_busy, 60, "the page")
    work_ms = heart.longest_work_ms()
    record_property("longest_work_ms", round(work_ms, 1))
    assert work_ms < float(os.environ.get("RS_COPILOT_WORK_LIMIT_MS", "50"))
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "<b>Far" not in text and "&lt;script&gt;alert(1)" in text
    assert text.count("data:image/png;base64,") == 1 and "How many vehicles entered mark A?" in text
    desk.export(pdf)
    wait_until(lambda: not desk.reports.is_busy, 60, "the PDF")
    assert pdf.read_bytes()[:5] == b"%PDF-" and pdf.stat().st_size > 20_000
    desk.export(desk.folder / "no such folder" / "report.html")
    wait_until(lambda: not desk.reports.is_busy, 60, "the failure")
    assert "could not be written" in desk.workbench.last_notice.title


def test_the_algorithm_of_the_toolbox(workbench, town_template, tmp_path):
    scene = shutil.copy(town_template / "scene.gpkg", tmp_path)
    zones = QgsVectorLayer(f"{town_template / 'map.gpkg'}|layername=zones", "zones", "ogr")
    asked = {"SCENE": scene, "QUESTION": "How many vehicles entered the market?", "ZONES": zones}
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rscopilot:askscene")
    QgsProject.instance().addMapLayer(zones)
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    found, ok = algorithm.run(asked, context, QgsProcessingFeedback(), {}, False)
    assert ok
    assert found["ANSWER"] == "2" and 0.5 < found["CONFIDENCE"] <= 1.0


def test_region_moment_sketch_and_suggestion(town_bench):
    desk, canvas = town_bench, town_bench.workbench.iface.canvas
    picture = desk.ask.attach.picture
    canvas.setExtent(QgsRectangle(WEST - 20, SOUTH - 60, WEST + 200, SOUTH + 60))
    click(desk.dock.region_button)
    assert desk.ask.attach.is_drawing
    desk.dock.question_edit.setFocus()
    key(desk.dock.question_edit, Qt.Key.Key_Escape)
    assert not desk.ask.attach.is_drawing and not desk.dock.region_button.isChecked()
    desk.dock.region_button.click()
    corners = [
        canvas.getCoordinateTransform().transform(WEST + x, SOUTH + y) for x, y in ((90, 15), (120, -15))
    ]
    first, last = (point.toQPointF().toPoint() for point in corners)
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, first)
    QTest.mouseMove(canvas.viewport(), last)
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, last)
    assert desk.ask.panel.attached.region is not None and picture.band is not None
    wait_until(lambda: any("the region" in item.text for item in desk.ask._suggestions), 5, "suggestions")
    first_chip = desk.dock.suggestions.chips[0]
    assert "the region" in first_chip.text()
    click(first_chip)
    assert answered(desk).answer == "2", "the region is where the market is"

    # A sketch in memory takes part as soon as the user says what it is; its features have no file.
    sketch = QgsVectorLayer("Polygon?crs=EPSG:32633&field=name:string", "sketch", "memory")
    feature = QgsFeature(sketch.fields())
    ring = [QgsPointXY(WEST + x, SOUTH + y) for x, y in ((40, -20), (60, -20), (60, 0), (40, 0))]
    feature.setGeometry(QgsGeometry.fromPolygonXY([ring]))
    feature.setAttributes(["Fountain Yard"])
    sketch.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(sketch)
    assert user_layers.role_of(sketch) is Role.NONE
    user_layers.set_role(sketch, Role.ZONES)
    ask(desk, "How many vehicles entered Fountain Yard?")
    turn = answered(desk)
    assert turn.answer == "1", turn
    # Now is the moment of the frame in the video.
    player = desk.workbench.player
    wait_until(lambda: player.player.is_open, 60, "the clip")
    player.seek(8.0)
    wait_until(lambda: abs(player.shown_s - 8.0) < 0.15, 30, "the frame")
    click(desk.dock.moment_button)
    ask(desk, "How many vehicles are in the market now?")
    turn = answered(desk)
    # One drives through it at that moment; the other is not there yet.
    assert turn.question.text == "How many vehicles are in the market at 8.0 s?" and turn.answer == "1"
    while desk.dock.attachments.chips:
        click(desk.dock.attachments.chips[0])
    assert desk.ask.panel.attached.region is None and picture.band is None


def test_panels_are_tabs_when_first_shown_and_the_window_keeps_its_height(plugin):
    bench, window = plugin.workbench, plugin.iface.window
    bench.settings.placed_panels = []
    height = window.height()
    try:
        assert not bench.ask.dock.isVisible() and not bench.look.dock.isVisible()
        plugin.actions["show_ask"].trigger()
        QTest.qWait(50)
        assert bench.ask.dock in window.tabifiedDockWidgets(bench.dock) and bench.ask.dock.isUserVisible()
        assert window.height() == height
        plugin.actions["show_look"].trigger()
        assert bench.look.dock in window.tabifiedDockWidgets(bench.dock) and bench.look.dock.isUserVisible()
        # From then on its place is the user's affair.
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, bench.ask.dock)
        bench.ask.dock.hide()
        plugin.actions["show_ask"].trigger()
        assert bench.ask.dock not in window.tabifiedDockWidgets(bench.dock) and bench.ask.dock.isUserVisible()
    finally:
        bench.settings.placed_panels = []


def test_rows_of_buttons_wrap_and_run_with_the_text(workbench):
    dock = workbench.ask.dock
    dock.setUserVisible(True)
    dock.evidence.show_chips([ChipText(f"evidence number {n}", "x") for n in range(8)])
    QTest.qWait(50)
    first, second = dock.evidence.chips[:2]
    assert first.x() == 0 and (second.x() > first.x() or second.y() > first.y())
    assert all(item.geometry().right() <= dock.evidence.width() for item in dock.evidence.chips)
    workbench.iface.window.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QTest.qWait(50)
    assert first.geometry().right() >= dock.evidence.viewport().width() - 2
    tip = Chip(ChipText("<b>bold</b>", "x"), dock).toolTip()
    assert "&lt;b&gt;" in tip
    assert dock.widget().minimumSizeHint().height() < 420, "a low panel scrolls its rows"
