"""Asks the engine which models there are, and lets it fetch, verify and remove them."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from rs_copilot_plugin import messages
from rs_copilot_plugin._protocol import Progress
from rs_copilot_plugin.engine.session import EngineError, EngineSession, Reply
from rs_copilot_plugin.messages import Notice
from rs_copilot_plugin.presenters.locate import Request
from rs_copilot_plugin.presenters.models import ModelList, ModelPicker, parse_models
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .engine_host import EngineHost
from .engine_task import EngineTask


class ModelsController(QObject):
    """Owns the choice of the models: ``picker`` is the Look panel's, ``ask_picker`` the Ask panel's.

    ``progressed`` carries share and words, ``told`` a notice.
    """

    changed = pyqtSignal()
    progressed = pyqtSignal(float, str)
    told = pyqtSignal(object)

    def __init__(self, host: EngineHost, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.picker = ModelPicker(settings.look_model, settings.look_precision, settings.own_models)
        self.ask_picker = ModelPicker(
            settings.ask_model,
            settings.ask_precision,
            self.picker.own,
            keys=self.picker.keys,
            is_optional=True,
        )
        self.problem = ""
        self.busy_with = ""
        self._host, self._settings = host, settings
        self._task: EngineTask | None = None
        self._looking = False

    # --- the list

    @property
    def listed(self) -> ModelList:
        """What the engine said last."""
        return self.picker.listed

    def refresh(self, session: EngineSession | None = None) -> None:
        """Ask the engine anew, by default the one that models run in; `changed` follows."""
        if self._looking or not self._host.is_configured:
            return
        self._looking, session = True, session or self._host.look
        if session.state.value == "failed":
            session.retry()
        session.request("models.list", on_result=self._list, on_error=self._not_listed)

    def _list(self, reply: Reply) -> None:
        self._looking, self.problem = False, ""
        self._take(parse_models(reply.result))

    def _not_listed(self, error: EngineError) -> None:
        self._looking = False
        if not error.is_cancelled:
            self.problem = messages.explain(error).text
            self._take(ModelList(is_known=True))
        else:
            self.changed.emit()

    def _take(self, listed: ModelList) -> None:
        for picker in (self.picker, self.ask_picker):
            picker.update(listed)
        self.changed.emit()

    # --- the choice

    def choose(self, name: str, precision: str, picker: ModelPicker | None = None) -> None:
        """Ask this model from now on, by default in the Look panel."""
        (picker or self.picker).choose(name, precision)
        self._remember()

    def add(self, name: str, key: str = "", picker: ModelPicker | None = None) -> None:
        """Ask a server from now on, by default in the Look panel."""
        (picker or self.picker).add(name)
        if key:
            self.picker.keys[name] = key
        self._remember()

    def forget(self, name: str) -> None:
        """Take a server off the list."""
        for picker in (self.picker, self.ask_picker):
            picker.forget(name)
        self._remember()

    def _remember(self) -> None:
        self._settings.look_model = self.picker.name
        self._settings.look_precision = self.picker.precision
        self._settings.ask_model = self.ask_picker.name
        self._settings.ask_precision = self.ask_picker.precision
        self._settings.own_models = self.picker.own
        self.changed.emit()

    # --- jobs

    def fetch(self, model_id: str) -> None:
        """Download a model, or what is missing of it."""
        self._run("models.fetch", model_id)

    def add_folder(self, folder: str, in_place: bool) -> None:
        """Take a model in from a folder of the user's own: copied, or used where it lies."""
        title = folder.replace("\\", "/").rstrip("/").rpartition("/")[2]
        self._start(Request("models.add", {"path": folder, "in_place": in_place}, title))

    def verify(self, model_id: str) -> None:
        """Compare the files with their hashes."""
        self._run("models.verify", model_id)

    def remove(self, model_id: str) -> None:
        """Delete the files of a model."""
        self._run("models.remove", model_id)

    def cancel(self) -> None:
        """Stop the running job; what has been fetched is kept and used the next time."""
        if self._task is not None:
            self._task.cancel()

    def _run(self, method: str, model_id: str) -> None:
        model = self.listed.find(model_id)
        self._start(Request(method, {"model": model_id}, model.title if model is not None else model_id))

    def _start(self, request: Request) -> None:
        if self._task is not None:
            return
        title = f"{tr('RS Copilot')}: {messages.method_title(request.method)} {request.title}"
        self._task = EngineTask(
            title, self._host.models, request, lambda result: self._done(request, result), self._failed
        )
        self._task.progressed.connect(self._progress)
        self.busy_with = request.title
        self._task.send()
        QgsApplication.taskManager().addTask(self._task)
        self.progressed.emit(0.0, tr("Starting…"))
        self.changed.emit()

    def _progress(self, step: Progress) -> None:
        share = step.done / step.total if step.total > 0 else 0.0
        self.progressed.emit(share, step.message)

    def _done(self, request: Request, result: dict[str, Any]) -> None:
        self._end()
        notes = [str(note) for note in (*(result.get("notes") or ()), *(result.get("warnings") or ()))]
        heading = tr("{} finished").format(messages.method_title(request.method))
        kept = result.get("kept")
        text = tr("{} was left as it is.").format(kept) if kept else ""
        text = " ".join(part for part in (request.title, text) if part)
        self.told.emit(Notice(heading, text, "\n".join(notes), Qgis.MessageLevel.Success))

    def _failed(self, error: EngineError) -> None:
        self._end()
        self.told.emit(messages.explain(error))

    def _end(self) -> None:
        self._task, self.busy_with = None, ""
        # The engine of these jobs has nothing more to do; the next one starts its own.
        self._host.models.stop()
        self.changed.emit()
        self.refresh()
