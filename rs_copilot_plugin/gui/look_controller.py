"""Couples the Look panel with engine, map and video."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QApplication

from rs_copilot_plugin import look_texts, messages
from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError, RequestHandle
from rs_copilot_plugin.layers.look_layer import LookLayers
from rs_copilot_plugin.presenters.conversation import Conversation, Heard, Kept, Turn
from rs_copilot_plugin.presenters.detections import ClipDetections, Detection, Hit
from rs_copilot_plugin.presenters.locate import Request
from rs_copilot_plugin.presenters.look import Layer, LookLack, LookPanel, Picture, Task
from rs_copilot_plugin.translate import tr

from .look_dock import LookDock
from .look_keeper import LookKeeper, Surroundings
from .look_map import LookMap
from .look_picture import PictureSource
from .models_controller import ModelsController


class LookController(QObject):
    """One question at a time. ``kept`` says where rows were written, ``failed`` why they were not."""

    kept = pyqtSignal(object)
    failed = pyqtSignal(object)
    setup_wanted = pyqtSignal()

    def __init__(
        self,
        around: Surroundings,
        dock: LookDock,
        models: ModelsController,
        find_raster: Callable[[], QgsRasterLayer | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.panel = LookPanel(around.inputs, models.picker)
        self.dock, self.models, self._around = dock, models, around
        self.picture = PictureSource(around.canvas, around.inputs, find_raster, around.player, self)
        self.layers = LookLayers(around.scene.group, self)
        self.map = LookMap(around.canvas, self)
        self._handle: RequestHandle | None = None
        self.keeper = LookKeeper(around, self.panel, self.layers, self)
        self._lacks: list[LookLack] = []
        self._numbered: list[tuple[int, int]] = []
        self._connect()
        dock.view.show_conversation(self.conversation)
        self.redraw()

    def _connect(self) -> None:
        dock, around = self.dock, self._around
        dock.changed.connect(self._take)
        dock.ask_wanted.connect(self.ask)
        dock.stop_wanted.connect(self.stop_answer)
        dock.box_toggled.connect(self.picture.switch)
        dock.new_wanted.connect(self.begin_anew)
        dock.copy_wanted.connect(self.copy)
        dock.edit_wanted.connect(lambda: self.edit(self._pointed))
        dock.recall_wanted.connect(self.edit)
        dock.keep_wanted.connect(lambda name: self.keeper.keep(Layer(name), self._pointed))
        dock.undo_wanted.connect(self.keeper.undo)
        self.keeper.working.connect(self._show_writing)
        self.keeper.kept.connect(self._written)
        self.keeper.failed.connect(self.failed)
        dock.release_wanted.connect(self.release)
        dock.view.picked.connect(self._line_picked)
        dock.visibilityChanged.connect(self._shown)
        self.picture.drawn.connect(self._box_drawn)
        self.picture.tool_changed.connect(dock.box_button.setChecked)
        self.map.clicked.connect(self._map_clicked)
        self.layers.picked.connect(self._spot_picked)
        self.models.changed.connect(self.redraw)
        around.canvas.extentsChanged.connect(self._show_ready)
        around.player.clip_changed.connect(lambda _clip: self.redraw())
        around.player.frame_shown.connect(self._frame_shown)
        around.player.answer_clicked.connect(lambda number: self._spot_picked(*self._numbered[number]))

    def stop(self) -> None:
        """Leave nothing on the map."""
        self._handle = None
        self.picture.stop()
        self.map.stop()
        self.layers.stop()

    @property
    def conversation(self) -> Conversation:
        """What was asked and answered."""
        return self.panel.conversation

    @property
    def is_busy(self) -> bool:
        """Whether an answer is awaited."""
        return self.conversation.open_turn is not None

    # --- drawing

    def redraw(self) -> None:
        """Draw what is chosen, and whether it will do."""
        if not self.dock.isVisible():
            return
        panel, dock = self.panel, self.dock
        panel.is_configured = self._around.host.is_configured
        if panel.picture is Picture.SAME and not panel.can_reuse:
            panel.picture = Picture.VIEW
        dock.model_row.show_picker(self.models.picker)
        needs_offer = not panel.models.name and not self.conversation.turns
        dock.offer.setVisible(needs_offer or not panel.is_configured)
        # There is no conversation to show yet, and the offer needs the room.
        dock.view.setVisible(not needs_offer)
        dock.offer.show_offer(self.models.listed, panel.is_configured, self.models.problem)
        dock.show_task(panel.task, panel.can_reuse, panel.picture)
        dock.show_options(panel.zoom, panel.max_mode)
        self._show_ready()

    def _show_ready(self) -> None:
        if not self.dock.isVisible():
            return
        self._lacks = self.panel.lacks(self.picture.sights())
        self.dock.show_ready(self._lacks, self.panel.editing is not None)
        turns = self.conversation.turns
        index = self.panel.turn_to_keep(self._pointed)
        count = 0 if index is None or turns[index].kept is not None else len(turns[index].placed)
        layer = Layer.GROUNDINGS
        if index is not None and turns[index].question.task == Task.DETECT.value:
            layer = Layer.DETECTIONS
        can_undo = any(turn.kept is not None for turn in turns)
        self.dock.show_answers(bool(turns), self.is_busy or self.keeper.is_writing, count, layer, can_undo)

    @property
    def _pointed(self) -> int | None:
        """The turn that the user points at in the conversation."""
        turn = self.dock.view.place[0]
        return turn if 0 <= turn < len(self.conversation.turns) else None

    def _shown(self, shown: bool) -> None:
        if shown:
            self.redraw()
            if not self.models.listed.is_known:
                self.models.refresh()

    def _frame_shown(self, _time_s: float) -> None:
        # While a clip plays this comes many times a second; only the first frame changes anything.
        if LookLack.VIDEO in self._lacks:
            self._show_ready()

    def _take(self) -> None:
        dock, panel = self.dock, self.panel
        panel.task, panel.picture = dock.task, dock.picture
        panel.text, panel.names = dock.question_edit.toPlainText(), dock.names_edit.text()
        panel.zoom, panel.max_mode = dock.zoom_action.isChecked(), dock.max_action.isChecked()
        self.redraw()

    def _box_drawn(self) -> None:
        if self.panel.task is not Task.DESCRIBE:
            self.panel.picture = Picture.BOX
        self.redraw()
        self.dock.question_edit.setFocus()

    # --- asking

    def ask(self) -> None:
        """Ask what is in the box; the answer comes piece by piece."""
        sights = self.picture.sights()
        lacks = self.panel.lacks(sights)
        if LookLack.ENGINE in lacks:
            self.setup_wanted.emit()
        if lacks:
            self._show_ready()
            return
        question, first_gone = self.panel.question(sights), self.panel.editing
        gone = self.panel.begin(question, self.panel.looks_large(sights))
        view = self.dock.view
        if gone and first_gone is not None:
            self.layers.remove_turns(range(first_gone, first_gone + len(gone)))
            self.map.light_up([])
            view.show_conversation(self.conversation)
        else:
            view.begin(self.conversation.turns[-1])
        self.dock.show_text("", self.panel.names)
        self._send(self.panel.request())

    def _send(self, request: Request) -> None:
        session = self._around.host.look
        if session.state.value == "failed":
            session.retry()
        words = tr("Asking…") if session.hello is not None else tr("Starting the engine…")
        self.dock.show_status(words)
        # An engine that cannot be started answers at once: the turn is open already, and takes it.
        self._handle = session.request(
            request.method,
            request.params,
            on_result=lambda reply: self._answered(reply.result),
            on_error=self._failed,
            on_progress=self._progress,
        )
        self.redraw()

    def _progress(self, step: Progress) -> None:
        turn = self.conversation.open_turn
        if turn is None:
            return
        if step.partial:
            self._show_heard(turn, self.conversation.hear(step.partial))
        share = step.done / step.total if step.total > 0 and not step.partial else None
        self.dock.show_status(step.message or tr("Answering…"), share)

    def _answered(self, result: dict[str, Any]) -> None:
        turn = self.conversation.open_turn
        if turn is not None:
            self._show_heard(turn, self.conversation.finish(result))
            self._end(turn)

    def _failed(self, error: EngineError) -> None:
        turn = self.conversation.open_turn
        if turn is None:
            return
        heading = messages.titles().get(error.code, messages.titles()["internal"])
        words = f"{heading}: {error.message}"
        heard = self.conversation.fail(words, error.hint, error.partial, stopped=error.is_cancelled)
        self._show_heard(turn, heard)
        self._end(turn)

    def _show_heard(self, turn: Turn, heard: Heard) -> None:
        index = self.conversation.turns.index(turn)
        if heard.is_revised:
            self.layers.remove_turns([index])
            self.layers.add(index, 0, turn.spots, turn.zooms)
            self.dock.view.show_conversation(self.conversation)
        else:
            self.dock.view.append_heard(turn, heard)
            first_zoom = len(turn.zooms) - len(heard.zooms)
            self.layers.add(index, len(turn.spots) - len(heard.spots), heard.spots, heard.zooms, first_zoom)
        if heard.spots or heard.is_revised:
            self._show_in_video()

    def _end(self, turn: Turn) -> None:
        self._handle = None
        self.dock.view.end(turn)
        self.dock.show_status("")
        self.redraw()

    def stop_answer(self) -> None:
        """Stop the answer; what was said stays. Asked a second time, the engine itself is ended."""
        if self.picture.tool.isActive():
            self.picture.switch(False)
        elif self._handle is not None and self._handle.cancelled:
            self._around.host.look.stop()
        elif self._handle is not None:
            self._handle.cancel()
            self.dock.show_status(tr("Stopping… Once more ends the engine."))
        elif self.panel.editing is not None:
            self.panel.editing = None
            self.dock.show_text("", self.panel.names)
            self._take()

    def release(self) -> None:
        """Give back the memory that the model holds; the next question loads it again."""
        if self._around.host.look.hello is not None:
            self._around.host.look.request("look.release")

    # --- the conversation

    def edit(self, index: int | None = None) -> None:
        """Take a question up again, by default the last one."""
        turns = self.conversation.turns
        if not turns or self.is_busy:
            return
        self.panel.edit(len(turns) - 1 if index is None else index)
        self.dock.show_text(self.panel.text, self.panel.names)
        self.redraw()
        self.dock.question_edit.setFocus()

    def begin_anew(self) -> None:
        """Forget the conversation; what was kept stays in the scene."""
        self.panel.clear()
        self.layers.clear()
        self.map.light_up([])
        self.picture.clear_box()
        self.dock.view.show_conversation(self.conversation)
        self._show_in_video()
        self.redraw()
        self.dock.question_edit.setFocus()

    def copy(self) -> None:
        """Put the conversation on the clipboard, as text."""
        QApplication.clipboard().setText(look_texts.transcript(self.conversation.turns))

    # --- objects: text, map and video

    def _line_picked(self, turn: int, line: int) -> None:
        self._show_ready()
        if not 0 <= turn < len(self.conversation.turns):
            return
        numbers = self.conversation.turns[turn].spots_in_line(line) if line >= 0 else []
        self.dock.view.light_up(turn, line if numbers else -1)
        self._light_up(turn, numbers)

    def _spot_picked(self, turn: int, number: int) -> None:
        turns = self.conversation.turns
        if turn < len(turns) and number < len(turns[turn].spots):
            self.dock.view.show_line(turn, turns[turn].spots[number].line)
            self._light_up(turn, [number])
            self._show_ready()

    def _light_up(self, turn: int, numbers: list[int]) -> None:
        spots = [self.conversation.turns[turn].spots[number] for number in numbers]
        self.map.light_up(spot.polygon for spot in spots)
        source = self.panel.picture_of(turn)
        player = self._around.player
        for spot in spots[:1]:
            if source is not None and source.path == player.clip and spot.box_px and spot.time_s is not None:
                player.show_hit(Hit(player.clip, spot.time_s, spot.box_px))

    def _map_clicked(self, lon: float, lat: float) -> None:
        hit = self.conversation.spot_at((lon, lat)) if not self.picture.tool.isActive() else None
        if hit is None:
            return
        if self.layers.is_seen() or self.conversation.turns[hit[0]].kept is not None:
            self._spot_picked(*hit)

    def _show_in_video(self) -> None:
        """Frame what was named in frames of clips."""
        found: dict[str, list[Detection]] = {}
        self._numbered = []
        for index, turn in enumerate(self.conversation.turns):
            source = self.panel.picture_of(index)
            for number, spot in enumerate(turn.spots):
                if source is None or spot.time_s is None or spot.box_px is None:
                    continue
                fid = len(self._numbered)
                self._numbered.append((index, number))
                named = Detection(spot.time_s, spot.box_px, spot.label, None, fid, spot.score, is_named=True)
                found.setdefault(source.path, []).append(named)
        self._around.player.set_answers({clip: ClipDetections(items) for clip, items in found.items()})

    # --- keeping

    def _show_writing(self, is_writing: bool) -> None:
        self.dock.show_status(tr("Writing into the scene…") if is_writing else "")
        self.redraw()

    def _written(self, kept: Kept) -> None:
        self.dock.view.show_conversation(self.conversation)
        self.kept.emit(kept)
