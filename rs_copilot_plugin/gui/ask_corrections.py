"""Corrections from the Ask panel: which are offered for a piece of evidence, and how they reach the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsPointXY
from qgis.gui import QgsMapTool
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QCursor
from qgis.PyQt.QtWidgets import QInputDialog, QMenu

from rs_copilot_plugin import memory_texts, messages
from rs_copilot_plugin.engine.session import EngineError
from rs_copilot_plugin.messages import Notice
from rs_copilot_plugin.presenters.ask import AskPanel, Evidence
from rs_copilot_plugin.presenters.corrections import (
    Correction,
    Things,
    merge_request,
    relabel_request,
    remove_request,
    undo_requests,
)
from rs_copilot_plugin.presenters.detections import Hit
from rs_copilot_plugin.presenters.locate import Request
from rs_copilot_plugin.translate import tr

from .ask_dock import AskDock
from .look_keeper import Surroundings
from .seek_tool import SeekTool

# How near to a track on the map a click must be; how many classes a menu offers.
_REACH_PX = 8
_MAX_LABELS = 8


class AskCorrections(QObject):
    """One correction at a time.

    ``told`` carries a notice, ``changed`` says that something began or ended, ``drag_wanted`` carries the
    `Hit` whose frame lies wrong, ``dialog_wanted`` a dialog to be shown, ``memory_wanted`` asks for what the
    scene knows.
    """

    told = pyqtSignal(object)
    changed = pyqtSignal()
    drag_wanted = pyqtSignal(object)
    dialog_wanted = pyqtSignal(object)
    memory_wanted = pyqtSignal()

    def __init__(
        self, around: Surroundings, panel: AskPanel, dock: AskDock, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._around, self._panel, self._dock = around, panel, dock
        self.tool = SeekTool(around.canvas)
        self.tool.setCursor(Qt.CursorShape.CrossCursor)
        self.tool.picked.connect(self._picked)
        self.tool.deactivated.connect(self.changed)
        self.menu: QMenu | None = None
        self._former_tool: QgsMapTool | None = None
        self._on_picked: Callable[[list[Things]], None] | None = None
        self._open_requests = 0

    @property
    def is_busy(self) -> bool:
        """Whether a correction is being written."""
        return self._open_requests > 0

    @property
    def is_picking(self) -> bool:
        """Whether the user is about to choose on the map."""
        return self._around.canvas.mapTool() is self.tool

    def stop(self) -> None:
        """Leave the canvas as it was."""
        self.put_down()

    # --- what is offered

    def show_menu(self, place: QPoint, item: Evidence | None, others: Iterable[Evidence]) -> QMenu:
        """Offer what can be said of a piece of evidence; ``others`` are those beside it."""
        things = None if item is None else item.things
        menu = self._fresh_menu()
        if things is None:
            menu.addAction(tr("&Choose a Track or an Object on the Map…"), self._pick_for_menu)
        else:
            title = menu.addAction(_escaped(things.title))
            title.setEnabled(False)
            self._add_things(menu, things, others)
        menu.addSeparator()
        drag = menu.addAction(tr("&Drag the Frame to Where It Lies…"), lambda: self._drag(item))
        drag.setEnabled(item is not None and item.time_s is not None)
        undo = menu.addAction(tr("&Undo the Last Correction"), self.undo_last)
        undo.setEnabled(bool(self._around.scene.corrections))
        menu.addAction(tr("What the Scene &Knows…"), self.memory_wanted.emit)
        menu.popup(place)
        return menu

    def _fresh_menu(self) -> QMenu:
        if self.menu is not None:
            self.menu.deleteLater()
        self.menu = QMenu(self._dock)
        self.menu.setAccessibleName(tr("Corrections"))
        return self.menu

    def _add_things(self, menu: QMenu, things: Things, others: Iterable[Evidence]) -> None:
        same = menu.addMenu(tr("It Is the &Same as"))
        for other in _different(things, others):
            same.addAction(_escaped(other.title), lambda other=other: self.merge(things, other))
        same.addAction(tr("&Choose on the Map…"), lambda: self._pick_other(things))
        kinds = menu.addMenu(tr("It Is Really &a"))
        for label in self._around.scene.labels()[:_MAX_LABELS]:
            kinds.addAction(_escaped(label), lambda label=label: self.relabel(things, label))
        kinds.addAction(tr("&Another Class…"), lambda: self._ask_label(things))
        menu.addAction(tr("It Is &Not There"), lambda: self.remove(things))

    def _ask_label(self, things: Things) -> None:
        dialog = QInputDialog(self._dock)
        dialog.setWindowTitle(tr("Another class"))
        dialog.setLabelText(tr("What is it really? For example: truck"))
        dialog.textValueSelected.connect(lambda text: self.relabel(things, text))
        self.dialog_wanted.emit(dialog)

    def _drag(self, item: Evidence | None) -> None:
        if item is not None and item.time_s is not None:
            clip = item.clip or Path(self._around.player.clip).name
            self.drag_wanted.emit(Hit(clip, item.time_s, None))
            self.told.emit(
                Notice(tr("Where the frame lies"), memory_texts.drag_hint(), level=Qgis.MessageLevel.Info)
            )

    # --- choosing on the map

    def _pick_other(self, things: Things) -> None:
        self._pick_up(
            lambda found: self._take_other(things, [other for other in found if things.can_be(other)]),
            tr("Click the track or object on the map that is the same. Esc: leave it."),
        )

    def _take_other(self, things: Things, found: list[Things]) -> None:
        if found:
            self.merge(things, found[0])
        else:
            self._say_nothing_there()

    def _pick_for_menu(self) -> None:
        self._pick_up(self._take_for_menu, tr("Click a track or an object on the map. Esc: leave it."))

    def _take_for_menu(self, found: list[Things]) -> None:
        if not found:
            self._say_nothing_there()
            return
        others = [Evidence(other.title, things=other) for other in found[1:]]
        self.show_menu(QCursor.pos(), Evidence(found[0].title, things=found[0]), others)

    def _say_nothing_there(self) -> None:
        text = tr("There is no track and no object near that place that it could be.")
        self.told.emit(Notice(tr("Nothing chosen"), text, level=Qgis.MessageLevel.Info))

    def _pick_up(self, on_picked: Callable[[list[Things]], None], hint: str) -> None:
        canvas = self._around.canvas
        if not self.is_picking:
            self._former_tool = canvas.mapTool()
            canvas.setMapTool(self.tool)
        self._on_picked = on_picked
        self.changed.emit()
        self._dock.show_hint(hint)

    def put_down(self) -> None:
        """Choose nothing on the map."""
        canvas = self._around.canvas
        if self.is_picking:
            canvas.unsetMapTool(self.tool)
            if self._former_tool is not None and not sip.isdeleted(self._former_tool):
                canvas.setMapTool(self._former_tool)
        self._former_tool = self._on_picked = None

    def _picked(self, point: QgsPointXY) -> None:
        on_picked = self._on_picked
        reach = _REACH_PX * self._around.canvas.mapUnitsPerPixel()
        self.put_down()
        if on_picked is not None:
            on_picked(self._around.scene.things_at(point, reach))

    # --- what is said

    def merge(self, first: Things, second: Things) -> None:
        """Two are one."""
        self._with_scene(lambda scene: [merge_request(scene, first, second)])

    def relabel(self, things: Things, label: str) -> None:
        """It is something else."""
        if label.strip():
            self._with_scene(lambda scene: [relabel_request(scene, things, label.strip())])

    def remove(self, things: Things) -> None:
        """It is not there at all."""
        self._with_scene(lambda scene: [remove_request(scene, things)])

    def undo(self, corrections: Sequence[Correction]) -> None:
        """Take corrections back."""
        self._with_scene(lambda scene: undo_requests(scene, corrections))

    def undo_last(self) -> None:
        """Take the latest correction back."""
        self.undo(self._around.scene.corrections[-1:])

    def send(self, requests: Iterable[Request]) -> None:
        """Let the engine write into the scene."""
        session = self._around.host.ask
        if session.state.value == "failed":
            session.retry()
        for request in requests:
            self._open_requests += 1
            self._dock.show_status(tr("Writing into the scene…"))
            session.request(
                request.method,
                request.params,
                on_result=lambda reply: self._written(reply.result),
                on_error=self._not_written,
            )
        self.changed.emit()

    def _with_scene(self, make: Callable[[Path], list[Request]]) -> None:
        scene = self._panel.scene
        if scene is not None and not self.is_busy:
            self.send(make(scene))

    def _written(self, result: dict[str, Any]) -> None:
        self._around.scene.refresh(final=True)
        self._end(Notice(tr("Corrected"), memory_texts.done_text(result), level=Qgis.MessageLevel.Success))

    def _not_written(self, error: EngineError) -> None:
        self._end(messages.explain(error))

    def _end(self, notice: Notice) -> None:
        self._open_requests -= 1
        if not self.is_busy:
            self._dock.show_status("")
        self.told.emit(notice)
        self.changed.emit()


def _different(things: Things, others: Iterable[Evidence]) -> list[Things]:
    """Other things among the evidence that may be the same, each once."""
    found = [item.things for item in others if item.things is not None and things.can_be(item.things)]
    return list({item.keys: item for item in found}.values())


def _escaped(text: str) -> str:
    return text.replace("&", "&&")[:60]
