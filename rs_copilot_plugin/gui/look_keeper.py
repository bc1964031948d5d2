"""Writes objects of an answer into the scene, and takes them out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin import messages
from rs_copilot_plugin.engine.session import EngineError
from rs_copilot_plugin.layers.look_layer import SPOTS, LookLayers
from rs_copilot_plugin.presenters.conversation import Kept, Turn
from rs_copilot_plugin.presenters.locate import LocatePanel, Request
from rs_copilot_plugin.presenters.look import Layer, LookPanel, forget_request, parse_kept
from rs_copilot_plugin.settings import Settings

from .engine_host import EngineHost
from .player_controller import PlayerController
from .scene_controller import SceneController


@dataclass(frozen=True)
class Surroundings:
    """What of the workbench the Look panel works with."""

    host: EngineHost
    inputs: LocatePanel
    settings: Settings
    scene: SceneController
    player: PlayerController
    canvas: QgsMapCanvas


class LookKeeper(QObject):
    """One write at a time. ``kept`` says where rows came or went, ``failed`` why they did not."""

    kept = pyqtSignal(object)
    failed = pyqtSignal(object)
    working = pyqtSignal(bool)

    def __init__(
        self, around: Surroundings, panel: LookPanel, layers: LookLayers, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._around, self._panel, self._layers = around, panel, layers
        self.is_writing = False

    @property
    def _may_write(self) -> bool:
        return not self.is_writing and self._panel.conversation.open_turn is None

    def keep(self, layer: Layer, pointed: int | None) -> None:
        """Write the objects of the answer that is pointed at, else of the last that has some."""
        index = self._panel.turn_to_keep(pointed)
        if index is None or not self._may_write:
            return
        scene = self._panel.scene_to_keep(index, Path(self._around.settings.last_folder))
        if scene is None:
            return
        turn = self._panel.conversation.turns[index]
        request = self._panel.keep_request(index, layer, scene)
        self._write(request, lambda result: self._was_kept(turn, parse_kept(scene, result)))

    def undo(self) -> None:
        """Take what was kept last out of the scene again."""
        turns = reversed(self._panel.conversation.turns)
        turn = next((turn for turn in turns if turn.kept is not None), None)
        if turn is not None and turn.kept is not None and self._may_write:
            kept = turn.kept
            self._write(forget_request(kept), lambda _result: self._was_forgotten(turn, kept))

    def _was_kept(self, turn: Turn, kept: Kept) -> None:
        turn.kept = kept
        # They are on the map a second time now, as rows of the scene.
        self._layers.remove_turns([self._panel.conversation.turns.index(turn)], SPOTS)
        self.kept.emit(kept)

    def _was_forgotten(self, turn: Turn, kept: Kept) -> None:
        turn.kept = None
        self._layers.add(self._panel.conversation.turns.index(turn), 0, turn.spots, ())
        self.kept.emit(kept)

    def _write(self, request: Request, on_done: Callable[[dict[str, Any]], None]) -> None:
        self._show(True)
        self._around.host.look.request(
            request.method,
            request.params,
            on_result=lambda reply: self._written(reply.result, on_done),
            on_error=self._not_written,
        )

    def _written(self, result: dict[str, Any], on_done: Callable[[dict[str, Any]], None]) -> None:
        self._show(False)
        on_done(result)

    def _not_written(self, error: EngineError) -> None:
        self._show(False)
        self.failed.emit(messages.explain(error))

    def _show(self, is_writing: bool) -> None:
        self.is_writing = is_writing
        self.working.emit(is_writing)
