"""A whole conversation with the scene, by keys and clicks: ask, look, correct, ask again, change, export."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from ask_helpers import (
    ANSWER_LIMIT_S,
    FAR_AWAY,
    SOUTH,
    WEST,
    answered,
    ask,
    chip,
    click,
    click_map,
    key,
    open_scene,
    shown,
)
from qgis.core import QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QMenu,
    QPlainTextEdit,
    QTextEdit,
)
from qgis_helpers import wait_until

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.presenters.ask import AskQuestion, AskTurn, Evidence, parse_found
from rs_copilot_plugin.presenters.conversation import TurnState
from rs_copilot_plugin.presenters.corrections import Things
from rs_copilot_plugin.presenters.models import ModelList

COUNT = "How many vehicles entered the market?"
TOWN = QgsRectangle(WEST - 20, SOUTH - 60, WEST + 200, SOUTH + 60)


def menu_of(widget_click) -> QMenu:
    """The menu that comes up."""
    widget_click()
    wait_until(lambda: isinstance(QApplication.activePopupWidget(), QMenu), 5, "the menu")
    return QApplication.activePopupWidget()


def entry(menu: QMenu, text: str):
    return next(action for action in menu.actions() if text in action.text().replace("&", ""))


def choose(menu: QMenu, *texts: str) -> None:
    """Go through a menu with the arrow keys, into submenus, and press Enter."""
    for text in texts:
        action = entry(menu, text)
        assert action.isEnabled(), text
        for _ in menu.actions():
            if menu.activeAction() is action:
                break
            key(menu, Qt.Key.Key_Down)
        assert menu.activeAction() is action
        if action.menu() is None:
            key(menu, Qt.Key.Key_Return)
        else:
            key(menu, Qt.Key.Key_Right)
            menu = action.menu()
            wait_until(menu.isVisible, 5, "the submenu")


def corrected(desk, count: int) -> None:
    wait_until(lambda: not desk.ask.corrections.is_busy, ANSWER_LIMIT_S, "the correction")
    wait_until(lambda: len(desk.workbench.scene.corrections) == count, 30, "the list of corrections")


def correct(desk, *texts: str) -> None:
    choose(menu_of(lambda: click(desk.dock.correct_button)), *texts)


def again(desk):
    before = len(desk.ask.talk.turns)
    click(desk.dock.again_button)
    assert len(desk.ask.talk.turns) == before + 1
    return answered(desk)


def test_a_whole_conversation(town_bench, monkeypatch):
    desk, canvas, player = town_bench, town_bench.workbench.iface.canvas, town_bench.workbench.player
    ask(desk, COUNT)
    turn = answered(desk)
    assert turn.answer == "2"

    # A chip moves map and video.
    wait_until(lambda: player.player.is_open, 60, "the clip")
    canvas.setExtent(FAR_AWAY)
    number = next(
        i
        for i, item in enumerate(turn.found.evidence)
        if item.things is not None and item.things.keys == ("track 2",) and item.time_s is not None
    )
    click(desk.dock.evidence.chips[number])
    assert canvas.extent().intersects(TOWN)
    wait_until(lambda: abs(player.shown_s - turn.found.evidence[number].time_s) < 0.25, 30, "the frame")

    # What it shows is not there: the answer is old now, and one click asks again.
    correct(desk, "It Is Not There")
    corrected(desk, 1)
    wait_until(lambda: turn.is_outdated, 30, "the mark")
    assert "Given before the scene was last changed" in shown(desk)
    assert desk.dock.again_button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon
    desk.dock.question_edit.setFocus()
    QTest.keyClicks(desk.dock.question_edit, "half a thought")
    fresh = again(desk)
    assert fresh.answer == "1" and not fresh.is_outdated and fresh.question.text == COUNT
    assert desk.dock.question_edit.toPlainText() == "half a thought", "what was being written stays"
    assert shown(desk).count("Given before") == 1
    desk.dock.question_edit.clear()

    # Taken back with the keyboard; then both answers are from before.
    correct(desk, "Undo the Last Correction")
    corrected(desk, 0)
    wait_until(lambda: fresh.is_outdated, 30, "the mark")
    assert again(desk).answer == "2"

    # Changed and asked again.
    desk.dock.question_edit.setFocus()
    key(desk.dock.question_edit, Qt.Key.Key_Up)
    assert desk.dock.question_edit.toPlainText() == COUNT
    for _ in "market?":
        key(desk.dock.question_edit, Qt.Key.Key_Backspace)
    QTest.keyClicks(desk.dock.question_edit, "depot?")
    key(desk.dock.question_edit, Qt.Key.Key_Return)
    assert answered(desk).question.text == "How many vehicles entered the depot?"

    # Exported from the menu of the button.
    page = desk.folder / "talk.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(page), ""))
    # The button's own menu waits for its end: what is pressed in it has to be on its way before.
    QTimer.singleShot(200, lambda: choose(QApplication.activePopupWidget(), "As a Web Page"))
    click(desk.dock.export_button)
    wait_until(page.exists, 60, "the report")
    wait_until(lambda: not desk.reports.is_busy, 60, "the end of it")
    text = page.read_text(encoding="utf-8")
    assert text.count(COUNT) == 3 and "Given before the scene was last changed" in text

    # QGIS is closed and opened: all that was said of the answers is there again.
    told = shown(desk)
    desk.workbench.scene.forget()
    open_scene(desk)
    wait_until(lambda: len(desk.ask.talk.turns) == 4, 30, "the history")
    assert "Understood as: " in shown(desk) and shown(desk).count("Given before") == 2
    without_times = [line for line in told.split("\n") if not line.startswith("20")]
    assert without_times == [line for line in shown(desk).split("\n") if not line.startswith("20")]


def test_corrections_from_evidence_and_map(town_bench):
    desk, canvas = town_bench, town_bench.workbench.iface.canvas
    canvas.setExtent(TOWN)
    QTest.qWait(100)
    ask(desk, COUNT)
    answered(desk)
    first = chip(desk, "vehicle 1")
    # The right button offers it, too.
    first.customContextMenuRequested.emit(first.rect().center())
    menu = QApplication.activePopupWidget()
    same = entry(menu, "It Is the Same as").menu()
    assert any("vehicle 2" in action.text() for action in same.actions())
    choose(menu, "It Is the Same as", "Choose on the Map")
    assert desk.ask.corrections.is_picking and "Click the track" in desk.dock.hint_label.text()
    key(desk.dock.question_edit, Qt.Key.Key_Escape)
    assert not desk.ask.corrections.is_picking and not desk.dock.hint_label.isVisible()
    correct(desk, "It Is the Same as", "Choose on the Map")
    click_map(canvas, 150.0, 40.0)
    assert "Nothing chosen" in desk.workbench.last_notice.title
    correct(desk, "It Is the Same as", "Choose on the Map")
    click_map(canvas, 100.0, 15.0)  # track 2 crosses there
    corrected(desk, 1)
    assert desk.workbench.scene.corrections[0].things == ("track 1", "track 2")
    assert again(desk).answer == "1"

    # It is a person: the class is written by the user.
    click(chip(desk, "vehicle 1"))
    correct(desk, "It Is Really a", "Another Class")
    dialog = next(item for item in desk.workbench._dialogs if isinstance(item, QInputDialog))
    QTest.keyClicks(dialog.focusWidget() or dialog, "person")
    key(dialog, Qt.Key.Key_Return)
    corrected(desk, 2)
    ask(desk, "How many people are there?")
    assert answered(desk).answer == "1"

    assert desk.dock.evidence.chips[0].accessibleName().endswith("corrected by hand")

    # Nothing is lit: a thing is chosen on the map first.
    key(desk.dock.question_edit, Qt.Key.Key_Escape)
    correct(desk, "Choose a Track or an Object on the Map")
    click_map(canvas, 35.0, -10.0)  # track 3
    menu = QApplication.activePopupWidget()
    assert "vehicle 3" in menu.actions()[0].text()
    choose(menu, "It Is Not There")
    corrected(desk, 3)

    # A frame lies wrong: it is shown in the video, and can be dragged on the map.
    bench = desk.workbench
    wait_until(lambda: bench.player.player.is_open, 60, "the clip")
    ask(desk, "When does the drone first see the market?")
    turn = answered(desk)
    number = next(i for i, item in enumerate(turn.found.evidence) if item.layer == "frames")
    click(desk.dock.evidence.chips[number])
    correct(desk, "Drag the Frame")
    assert bench.video.control_box.drag_button.isChecked() and canvas.mapTool() is bench.controls.drag.tool
    bench.video.control_button.setChecked(False)


def test_what_the_scene_knows_is_inspected_undone_and_cleared(town_bench):
    desk = town_bench
    ask(desk, COUNT)
    answered(desk)
    click(chip(desk, "vehicle 1"))
    correct(desk, "It Is Really a", "vehicle")
    corrected(desk, 1)
    click(desk.dock.memory_button)
    dialog = desk.memory
    wait_until(lambda: dialog.layer_table.topLevelItemCount() > 0, 10, "the counts")

    def rows() -> dict[str, int]:
        items = [dialog.layer_table.topLevelItem(i) for i in range(dialog.layer_table.topLevelItemCount())]
        return {item.data(0, Qt.ItemDataRole.UserRole): int(item.text(1)) for item in items}

    assert rows()["frames"] == 100 and rows()["tracks"] == 3 and rows()["answers"] == 1
    assert {dialog.own_table.topLevelItem(i).text(0) for i in range(3)} == {"zones", "roads", "occluders"}
    assert dialog.correction_table.topLevelItem(0).text(0) == "track 1 is “vehicle”"
    assert not dialog.undo_button.isEnabled() and not dialog.clear_button.isEnabled()

    # Undone with the keyboard.
    dialog.correction_table.setFocus()
    key(dialog.correction_table, Qt.Key.Key_Home)
    key(dialog.correction_table, Qt.Key.Key_Space)
    assert dialog.undo_button.isEnabled()
    key(dialog.undo_button, Qt.Key.Key_Space)
    corrected(desk, 0)
    wait_until(lambda: dialog.correction_table.topLevelItemCount() == 0, 10, "the empty list")

    # A layer is cleared after a question; places of frames cannot be.
    for name, can_be in (("frames", False), ("tracks", True)):
        item = next(
            dialog.layer_table.topLevelItem(i)
            for i in range(dialog.layer_table.topLevelItemCount())
            if dialog.layer_table.topLevelItem(i).data(0, Qt.ItemDataRole.UserRole) == name
        )
        dialog.layer_table.setCurrentItem(item)
        assert dialog.clear_button.isEnabled() is can_be
    click(dialog.clear_button)
    assert "3 rows" in dialog.question.text()
    dialog.question.button(dialog.question.StandardButton.Yes).click()
    wait_until(lambda: rows().get("tracks") == 0, ANSWER_LIMIT_S, "the clearing")
    for widget in (dialog.layer_table, dialog.own_table, dialog.correction_table):
        assert widget.accessibleName()
    dialog.reject()


def program_of(desk) -> dict:
    with closing(sqlite3.connect(desk.folder / "scene.gpkg")) as connection:
        query = "SELECT program FROM answers ORDER BY fid DESC LIMIT 1"
        found = json.loads(connection.execute(query).fetchone()[0])
    # A model names places as the question does, not by the engine's numbers.
    for step in found["steps"].values():
        if step["op"] == "named":
            step["name"] = "market"
    return found


def use_script(desk, answers: list[str]) -> None:
    path = desk.folder / "answers.json"
    path.write_text(json.dumps({"answers": answers, "pause_s": 0.05}), encoding="utf-8")
    models = desk.ask.models
    models.add(f"scripted:{path}", picker=models.ask_picker)


def test_a_model_plans_and_the_panel_says_so(town_bench):
    desk = town_bench
    combo = desk.dock.model_row.model_combo
    assert combo.currentText().startswith("No model") and not desk.dock.model_row.privacy_row.isVisible()
    ask(desk, COUNT)
    assert answered(desk).answer == "2" and "planned" not in shown(desk)
    planned = {"understood": "vehicles that drove into the square", "task": "zone counting"}
    use_script(desk, [json.dumps({**planned, "program": program_of(desk)}), "nonsense", "more nonsense"])
    assert combo.currentText() == "answers.json"
    assert desk.dock.model_row.privacy_row.isVisible()
    assert "stay on this machine" in desk.dock.model_row.privacy_label.text()
    # The Look panel's model is another choice.
    assert desk.ask.models.picker.name != desk.ask.models.ask_picker.name
    said = []
    steps = desk.dock.status_line.label
    ask(desk, COUNT)
    wait_until(lambda: said.append(steps.text()) or not desk.ask.is_busy, ANSWER_LIMIT_S, "the answer")
    turn = answered(desk)
    assert turn.state is TurnState.DONE and turn.answer == "2", turn
    # How it takes the question is shown while it still writes.
    assert len({text for text in said if text.startswith("Understood as: ve")}) > 2
    assert "Understood as: vehicles that drove into the square" in shown(desk)
    assert "planned by" in shown(desk) and "nothing was sent away" in shown(desk)
    # What it says makes no sense twice: the built-in planner answers, and that is said.
    ask(desk, COUNT)
    turn = answered(desk)
    assert turn.answer == "2" and "planned without the model" in shown(desk) and turn.found.notes

    # A model that is not there.
    desk.ask.models.choose("no-such-model", "auto", desk.ask.models.ask_picker)
    ask(desk, COUNT)
    turn = answered(desk)
    assert turn.state is TurnState.FAILED and "without a model" in shown(desk)
    # One choice, and nothing is asked but the scene.
    combo.setCurrentIndex(0)
    combo.activated.emit(0)
    assert desk.ask.panel.models.name == "" and desk.workbench.settings.ask_model == ""
    assert again(desk).answer == "2"


def test_where_words_and_pictures_go_is_said_before(town_bench):
    desk = town_bench
    models = desk.ask.models
    models.add("http://models.example:8000/v1#qwen", picker=models.ask_picker)
    row = desk.dock.model_row
    assert row.privacy_row.isVisible() and "leave this machine" in row.privacy_label.text()
    assert "models.example:8000" in row.privacy_label.text()
    # A list that comes later does not change the choice; one that has gone leaves none.
    models.ask_picker.update(ModelList(is_known=True))
    assert models.ask_picker.name == "http://models.example:8000/v1#qwen"
    sent = AskTurn(AskQuestion("How many?", "", model="qwen"), TurnState.DONE, "2")
    sent.found = parse_found({"answer": "2", "planner": "qwen", "sends_to": "models.example:8000"})
    assert ("planned by qwen · sent to models.example:8000", True) in ask_texts.endings(sent)
    models.forget("http://models.example:8000/v1#qwen")
    assert models.ask_picker.name == "" and not row.privacy_row.isVisible()


NAMES = ("שוק העיר", "中央市场", "ساحة السوق")


def test_other_scripts_are_shown_as_they_are(town_bench):
    """Right-to-left and CJK text in question, answer, chips, menus and the report; nothing is lost."""
    desk = town_bench
    ask(desk, "有多少车辆进入市场？ כמה כלי רכב נכנסו לשוק?")
    turn = answered(desk)
    assert turn.found.abstained and turn.question.text in shown(desk)
    zones = QgsProject.instance().mapLayersByName("zones")[0]
    market = next(row for row in zones.getFeatures() if row["name"] == "market")
    assert zones.startEditing()
    for name in NAMES:
        assert zones.changeAttributeValue(market.id(), zones.fields().indexOf("name"), name)
        ask(desk, f'How many vehicles entered "{name}"?')
        turn = answered(desk)
        assert turn.answer == "2" and name in shown(desk)
        assert any(name in item.text() for item in desk.dock.evidence.chips)
    desk.workbench.iface.window.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    QTest.qWait(50)
    number = next(i for i, item in enumerate(turn.found.evidence) if name in item.says)
    first, onward = desk.dock.evidence.chips[number : number + 2]
    first.setFocus()
    key(first, Qt.Key.Key_Left)
    assert onward.hasFocus(), "onward is to the left"
    first.customContextMenuRequested.emit(QPoint(1, 1))
    menu = QApplication.activePopupWidget()
    assert menu.layoutDirection() == Qt.LayoutDirection.RightToLeft
    key(menu, Qt.Key.Key_Escape)
    page = desk.folder / "report.html"
    desk.export(page)
    wait_until(lambda: not desk.reports.is_busy, 60, "the report")
    text = page.read_text(encoding="utf-8")
    assert all(item in text for item in NAMES) and 'dir="auto"' in text
    zones.rollBack()


def _luminance(colour: QColor) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(first: QColor, second: QColor) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("base", "text"), [("#ffffff", "#1b2733"), ("#232323", "#b1b1b1")])
def test_all_of_a_conversation_can_be_read_in_light_and_dark(workbench, base, text):
    view, talk = workbench.ask.dock.view, workbench.ask.ask.talk
    colours = view.palette()
    colours.setColor(QPalette.ColorRole.Base, QColor(base))
    colours.setColor(QPalette.ColorRole.Text, QColor(text))
    view.setPalette(colours)
    turn = talk.ask(AskQuestion("How many?", "", asked_at="2026-11-29T10:00:00Z", model="qwen"))
    found = {"answer": "2", "missed": ["red"], "understood": "count", "confidence": 0.9, "sends_to": "far"}
    talk.finish(found)
    turn.is_outdated = True
    view.show_conversation(talk)
    block, seen = view.document().begin(), 0
    while block.isValid():
        pieces = block.begin()
        while not pieces.atEnd():
            style = pieces.fragment().charFormat()
            behind = block.blockFormat().background()
            back = behind.color() if behind.style() != Qt.BrushStyle.NoBrush else QColor(base)
            assert _contrast(style.foreground().color(), back) >= 3.0, pieces.fragment().text()
            seen += 1
            pieces += 1
        block = block.next()
    assert seen >= 6


def test_everything_has_a_name_and_a_tip(workbench):
    dock = workbench.ask.dock
    for button in dock.findChildren(QAbstractButton):
        if button.objectName().startswith("qt_"):
            continue  # of Qt's own title bar
        name = button.accessibleName() or button.text()
        assert name, button
        assert button.text() or button.toolTip(), name
    for kind in (QComboBox, QTextEdit, QPlainTextEdit):
        assert all(widget.accessibleName() for widget in dock.findChildren(kind))


def test_no_two_mnemonics_of_the_corrections_are_equal(workbench):
    corrections = workbench.ask.ask.corrections
    things = Things(("track 1",), "clip.mp4", "vehicle 1")
    for item in (Evidence("vehicle 1", time_s=1.0, things=things), None):
        menu = corrections.show_menu(QPoint(5, 5), item, [])
        for shown_menu in (menu, *menu.findChildren(QMenu)):
            texts = [action.text().replace("&&", "") for action in shown_menu.actions()]
            keys = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
            assert len(keys) == len(set(keys)), texts
        menu.close()
