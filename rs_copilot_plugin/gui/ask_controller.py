"""Couples the Ask panel with engine, map and video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QDateTime, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QApplication

from rs_copilot_plugin import ask_texts, messages
from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError, EngineSession, RequestHandle
from rs_copilot_plugin.layers import user_layers
from rs_copilot_plugin.layers.evidence_layer import add_evidence
from rs_copilot_plugin.presenters.ask import AskLack, AskPanel, AskQuestion, AskTalk, AskTurn
from rs_copilot_plugin.presenters.conversation import Heard, Turn
from rs_copilot_plugin.presenters.detections import Hit
from rs_copilot_plugin.presenters.suggestions import Suggestion
from rs_copilot_plugin.translate import tr

from .ask_attach import AskAttach
from .ask_corrections import AskCorrections
from .ask_dock import AskDock
from .ask_map import AskMap
from .ask_stock import AskStock
from .background import Background
from .layer_copies import LayerCopies
from .look_keeper import Surroundings
from .look_picture import PictureSource
from .models_controller import ModelsController


class AskController(QObject):
    """One question at a time. ``moment_wanted`` carries a `Hit` that the video should show.

    Without a model, questions have an engine of their own; with one, they go to the engine that models run
    in, so that none is loaded twice.
    """

    moment_wanted = pyqtSignal(object)
    setup_wanted = pyqtSignal()

    def __init__(
        self,
        around: Surroundings,
        background: Background,
        dock: AskDock,
        picture: PictureSource,
        models: ModelsController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.panel = AskPanel(around.inputs, AskTalk(ask_texts.answer_words), models.ask_picker)
        self.dock, self.models, self._around = dock, models, around
        self.corrections = AskCorrections(around, self.panel, dock, self)
        self.map = AskMap(around.canvas)
        self.attach = AskAttach(around.canvas, around.player, picture, self.panel, self)
        self.stock = AskStock(around.scene, self.panel, self)
        self.copies = LayerCopies(background)
        self.shown: int | None = None
        self._lit: int | None = None
        self._suggestions: list[Suggestion] = []
        self._handle: RequestHandle | None = None
        self._session: EngineSession = around.host.ask
        self._connect()
        self.take_scene()

    def _connect(self) -> None:
        dock, around = self.dock, self._around
        dock.changed.connect(self._take)
        dock.ask_wanted.connect(self.ask)
        dock.stop_wanted.connect(self.stop_answer)
        dock.recall_wanted.connect(self.edit)
        dock.edit_wanted.connect(lambda: self.edit(self.shown))
        dock.copy_wanted.connect(self.copy)
        dock.layer_wanted.connect(self.keep_evidence)
        dock.region_toggled.connect(self.attach.switch_region)
        dock.selection_wanted.connect(self.attach.take_selection)
        dock.moment_wanted.connect(self.attach.take_moment)
        dock.detach_wanted.connect(self.attach.detach)
        dock.suggestion_picked.connect(self._suggested)
        dock.evidence_picked.connect(self.pick_evidence)
        dock.again_wanted.connect(self.ask_again)
        dock.correct_wanted.connect(self.offer_corrections)
        dock.model_row.chosen.connect(
            lambda name, precision: self.models.choose(name, precision, self.models.ask_picker)
        )
        self.models.changed.connect(self.redraw)
        self.corrections.changed.connect(self.redraw)
        dock.view.picked.connect(self._line_picked)
        dock.visibilityChanged.connect(self._shown_or_hidden)
        self.attach.changed.connect(self._attached)
        self.attach.tool_changed.connect(dock.region_button.setChecked)
        self.stock.changed.connect(self.redraw)
        around.scene.updated.connect(self.take_scene)
        QgsProject.instance().cleared.connect(self._clear_map)

    def stop(self) -> None:
        """Leave nothing behind."""
        self._handle = None
        self.corrections.stop()
        QgsProject.instance().cleared.disconnect(self._clear_map)
        self.attach.stop()
        self.map.stop()
        self.copies.stop()
        self.stock.stop()

    @property
    def talk(self) -> AskTalk:
        """What was asked and answered."""
        return self.panel.talk

    @property
    def is_busy(self) -> bool:
        """Whether an answer is awaited."""
        return self.talk.open_turn is not None

    @property
    def turn(self) -> AskTurn | None:
        """The answer that is shown, else the last one."""
        return self.talk.turn(len(self.talk.turns) - 1 if self.shown is None else self.shown)

    # --- drawing

    def _shown_or_hidden(self, is_shown: bool) -> None:
        if is_shown:
            self.redraw()
            if not self.models.listed.is_known:
                # The engine that answers is started by the way: the first question need not wait for it.
                self.models.refresh(self._around.host.ask)

    def redraw(self) -> None:
        """Draw what is chosen, and whether it will do."""
        panel, dock = self.panel, self.dock
        if not dock.isVisible():
            return
        panel.is_configured = self._around.host.is_configured
        dock.model_row.show_picker(panel.models)
        dock.show_layers(panel.layers)
        dock.show_attached(panel.attached)
        lacks = panel.lacks()
        dock.show_ready(lacks)
        turn = self.turn
        evidence = () if turn is None or turn.found is None else turn.found.evidence
        is_busy = self.is_busy or self.corrections.is_busy
        dock.show_answers(
            turn is not None,
            any(item.shape for item in evidence),
            is_busy,
            turn is not None and turn.is_outdated,
        )
        is_idle = not self.is_busy and not panel.text.strip() and AskLack.SCENE not in lacks
        self._suggestions = self.stock.suggestions() if is_idle else []
        dock.show_suggestions(self._suggestions)

    def _take(self) -> None:
        self.panel.text = self.dock.question_edit.toPlainText()
        self.redraw()

    def _attached(self) -> None:
        self.redraw()
        self.dock.question_edit.setFocus()

    # --- the scene

    def take_scene(self) -> None:
        """Another scene has a conversation of its own; what it has kept is shown."""
        scene = self._around.scene
        is_other = self.panel.use_scene(scene.path)
        if is_other:
            self.attach.picture.clear_box()
        is_new = self.talk.take_history(scene.answers)
        is_marked = self.talk.mark_outdated(scene.changes)
        if is_new or is_marked or is_other:
            if is_other:
                self.show_turn(None)
            self.dock.view.show_conversation(self.talk)
        self.stock.refresh()
        self.redraw()

    # --- asking

    def ask(self) -> None:
        """Ask what is in the box."""
        lacks = self.panel.lacks()
        if AskLack.ENGINE in lacks:
            self.setup_wanted.emit()
        if lacks:
            self.redraw()
            return
        self._begin(self.panel.begin(_now()))

    def ask_again(self) -> None:
        """Ask the question of the answer that is shown once more; what is in the box stays there."""
        turn = self.turn
        question = None if turn is None else self.panel.again(self.talk.turns.index(turn), _now())
        if question is not None:
            self._begin(question)
        elif AskLack.ENGINE in self.panel.lacks():
            self.setup_wanted.emit()

    def _begin(self, question: AskQuestion) -> None:
        self.panel.layers = user_layers.chosen_layers()
        turn = self.talk.turns[-1]
        self.show_turn(None)
        self.dock.view.begin(turn)
        self.dock.question_row.show_text(self.panel.text)
        self.dock.show_status(tr("Reading the layers…"))
        self.redraw()
        self.copies.make(
            self.panel.layers,
            lambda copies: self._send(turn, question, copies),
            lambda error: self._not_copied(turn, error),
        )

    def _not_copied(self, turn: Turn, error: Exception) -> None:
        if turn is self.talk.open_turn:
            self._end(turn, self.talk.fail(tr("A layer cannot be read: {}").format(error), "", None))

    def _send(self, turn: Turn, question: AskQuestion, copies: dict[str, str]) -> None:
        if turn is not self.talk.open_turn:
            return
        host, player = self._around.host, self._around.player
        self._session = session = host.look if question.model else host.ask
        if session.state.value == "failed":
            session.retry()
        words = tr("Asking…") if session.hello is not None else tr("Starting the engine…")
        self.dock.show_status(words)
        is_placed = bool(player.clip) and self._around.scene.frames_of(player.clip) is not None
        clip = Path(player.clip).name if is_placed else None
        request = self.panel.request(question, clip, copies)
        self._handle = session.request(
            request.method,
            request.params,
            on_result=lambda reply: self._answered(turn, reply.result),
            on_error=lambda error: self._failed(turn, error),
            on_progress=lambda step: self._progress(turn, step),
        )

    def _progress(self, turn: Turn, step: Progress) -> None:
        if turn is not self.talk.open_turn:
            return
        if step.partial:
            self._show_heard(turn, self.talk.hear(step.partial))
            self.show_turn(len(self.talk.turns) - 1)
        understood = turn.found.understood if isinstance(turn, AskTurn) and turn.found is not None else ""
        words = [tr("Understood as: {}").format(understood) if understood else "", step.message]
        self.dock.show_status(" · ".join(word for word in words if word) or tr("Answering…"))

    def _answered(self, turn: Turn, result: dict[str, Any]) -> None:
        if turn is self.talk.open_turn:
            self._end(turn, self.talk.finish(result))
            self.show_turn(len(self.talk.turns) - 1)
            self.map.bring_into_view()
            self._around.scene.answer_written()

    def _failed(self, turn: Turn, error: EngineError) -> None:
        if turn is self.talk.open_turn:
            heading = messages.titles().get(error.code, messages.titles()["internal"])
            words = f"{heading}: {error.message}"
            self._end(turn, self.talk.fail(words, error.hint, error.partial, stopped=error.is_cancelled))

    def _show_heard(self, turn: Turn, heard: Heard) -> None:
        if heard.is_revised:
            self.dock.view.show_conversation(self.talk)
        else:
            self.dock.view.append_heard(turn, heard)

    def _end(self, turn: Turn, heard: Heard) -> None:
        self._handle = None
        if heard.is_revised:
            self.dock.view.show_conversation(self.talk)
        else:
            self.dock.view.append_heard(turn, heard)
            self.dock.view.end(turn)
        self.dock.show_status("")
        self.redraw()

    def stop_answer(self) -> None:
        """Stop the answer; a second time, end the engine. With nothing to stop, clear the map."""
        if self.attach.is_drawing:
            self.attach.switch_region(False)
        elif self.corrections.is_picking:
            self.corrections.put_down()
        elif self._handle is not None and self._handle.cancelled:
            self._session.stop()
        elif self._handle is not None:
            self._handle.cancel()
            self.dock.show_status(tr("Stopping… Once more ends the engine."))
        elif self.talk.open_turn is not None:
            turn = self.talk.open_turn
            self._end(turn, self.talk.fail("", "", None, stopped=True))
        else:
            self.show_turn(None)

    def _suggested(self, number: int) -> None:
        if number < len(self._suggestions):
            self.panel.text = self._suggestions[number].text
            self.ask()
            self.dock.question_edit.setFocus()

    # --- the conversation

    def edit(self, index: int | None = None) -> None:
        """Take a question up again, by default the last one; asked again it gets an answer of its own."""
        turns = self.talk.turns
        if not turns or self.is_busy:
            return
        self.panel.edit(len(turns) - 1 if index is None else index)
        self.dock.question_row.show_text(self.panel.text)
        self.redraw()
        self.dock.question_edit.setFocus()

    def copy(self) -> None:
        """Put the answer on the clipboard as Markdown."""
        if self.turn is not None:
            QApplication.clipboard().setText(ask_texts.markdown(self.turn))

    def keep_evidence(self) -> list[QgsVectorLayer]:
        """Put the evidence into the project as layers in memory, which the user can save."""
        turn = self.turn
        if turn is None or turn.found is None:
            return []
        # In a print layout, QGIS would work out what stands between these signs.
        title = tr("Evidence: {}").format(turn.question.text[:60].replace("[%", "[ %"))
        root = QgsProject.instance().layerTreeRoot()
        return add_evidence(title, turn.question.text, turn.answer, turn.found.evidence, root)

    # --- evidence

    def show_turn(self, index: int | None) -> None:
        """Show the evidence of an answer, or none."""
        turn = None if index is None else self.talk.turn(index)
        self.shown, self._lit = index if turn is not None else None, None
        self._show_evidence()
        self.redraw()

    def pick_evidence(self, number: int) -> None:
        """Move map and video to a piece of evidence, and let it light up."""
        turn = self.turn
        if turn is None or turn.found is None or number >= len(turn.found.evidence):
            return
        self.shown, self._lit = self.talk.turns.index(turn), number
        self._show_evidence()
        item = turn.found.evidence[number]
        self.map.go_to(number)
        if item.time_s is not None:
            clip = item.clip or Path(self._around.player.clip).name
            self.moment_wanted.emit(Hit(clip, item.time_s, item.box_px))

    def offer_corrections(self, number: int, place: QPoint) -> None:
        """Offer corrections of a piece of evidence; with -1, of the one that is lit, if any is."""
        turn = self.turn
        evidence = () if turn is None or turn.found is None else turn.found.evidence
        wanted = self._lit if number < 0 else number
        is_there = wanted is not None and wanted < len(evidence)
        if is_there and wanted != self._lit and turn is not None:
            self.shown, self._lit = self.talk.turns.index(turn), wanted
            self._show_evidence()
        if not self.is_busy and not self.corrections.is_busy:
            self.corrections.show_menu(place, evidence[wanted or 0] if is_there else None, evidence)

    def _clear_map(self) -> None:
        """Another project has another map."""
        self.show_turn(None)
        self.attach.picture.clear_box()

    def _show_evidence(self) -> None:
        turn = None if self.shown is None else self.talk.turn(self.shown)
        evidence = () if turn is None or turn.found is None else turn.found.evidence
        corrected = {thing for item in self._around.scene.corrections for thing in item.things}
        self.dock.show_evidence(evidence, self._lit, corrected)
        self.map.show(evidence, self._lit)

    def _line_picked(self, turn: int, _line: int) -> None:
        if 0 <= turn < len(self.talk.turns) and turn != self.shown:
            self.show_turn(turn)
            self.map.bring_into_view()


def _now() -> str:
    """The time of day, UTC, as ISO 8601 has it."""
    return QDateTime.currentDateTimeUtc().toString(Qt.DateFormat.ISODateWithMs)
