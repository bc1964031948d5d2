"""Where the engine's environment is, and how to get one."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin.engine.install_plan import Tools
from rs_copilot_plugin.engine.install_task import ToolsTask
from rs_copilot_plugin.engine.installer import InstallError
from rs_copilot_plugin.engine.session import EngineError, Reply
from rs_copilot_plugin.gui.engine_host import HostedSession
from rs_copilot_plugin.gui.installation import Installation
from rs_copilot_plugin.gui.widgets import StatusDot, faint_label
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.environment import (
    InstallOffer,
    can_train,
    engine_facts,
    gigabytes,
    offer_install,
)
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr


class SettingsDialog(QDialog):
    """Lets the user create the engine's environment or point at an interpreter of their own."""

    engine_changed = pyqtSignal()

    def __init__(
        self,
        settings: Settings,
        installation: Installation,
        parent: QWidget | None = None,
        tools: Tools | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("RS Copilot: engine and settings"))
        self.resize(620, 520)
        self._settings = settings
        self._installation = installation
        self._tools = tools
        self._looking: ToolsTask | None = None
        self._test_session: HostedSession | None = None
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(self._state_row())
        layout.addWidget(self._managed_box())
        layout.addWidget(self._own_box())
        layout.addWidget(self._log_view(), 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        installation.stepped.connect(self._show_step)
        installation.logged.connect(self._show_line)
        installation.ended.connect(self._installed)
        self.redraw()
        if self._tools is None:
            self._look_around()

    # --- building

    def _state_row(self) -> QHBoxLayout:
        self.state_dot = StatusDot()
        self.state_label = QLabel()
        self.state_label.setWordWrap(True)
        self.test_button = QPushButton(tr("&Test the Engine"))
        self.test_button.clicked.connect(lambda _checked=False: self.test_engine())
        row = QHBoxLayout()
        row.addWidget(self.state_dot)
        row.addWidget(self.state_label, 1)
        row.addWidget(self.test_button)
        return row

    def _managed_box(self) -> QGroupBox:
        box = QGroupBox(tr("Environment made by the plugin"))
        self.offer_label = faint_label()
        self.training_check = QCheckBox(tr("With &training (about 200 MB more to download)"))
        self.training_check.setToolTip(
            tr("Packages that “Adapt the tile search to a layer” in the Processing toolbox needs")
        )
        self.training_check.setChecked(can_train())
        self.training_check.toggled.connect(lambda _on: self.redraw())
        self.create_button = QPushButton(tr("&Create Environment"))
        self.create_button.clicked.connect(lambda _checked=False: self.create_environment())
        self.cancel_button = QPushButton(tr("C&ancel"))
        self.cancel_button.clicked.connect(lambda _checked=False: self._installation.cancel())
        self.progress_bar = QProgressBar()
        self.progress_bar.setRange(0, 1000)
        self.progress_bar.setAccessibleName(tr("Progress of the installation"))
        self.step_label = faint_label()
        row = QHBoxLayout()
        row.addWidget(self.create_button)
        row.addStretch()
        row.addWidget(self.progress_bar, 1)
        row.addWidget(self.cancel_button)
        layout = QVBoxLayout(box)
        layout.addWidget(self.offer_label)
        layout.addWidget(self.training_check)
        layout.addLayout(row)
        layout.addWidget(self.step_label)
        return box

    def _own_box(self) -> QGroupBox:
        box = QGroupBox(tr("Or an interpreter of your own"))
        note = faint_label(
            tr("A Python 3.10 or newer that has the engine's packages; leave it empty to use the above.")
        )
        self.python_widget = QgsFileWidget()
        self.python_widget.setFilePath(self._settings.own_python)
        self.python_widget.lineEdit().setAccessibleName(tr("Interpreter"))
        self.python_widget.fileChanged.connect(self._choose_python)
        layout = QVBoxLayout(box)
        layout.addWidget(note)
        layout.addWidget(self.python_widget)
        return box

    def _log_view(self) -> QPlainTextEdit:
        self.log_view = QPlainTextEdit("\n".join(self._installation.log))
        self.log_view.setReadOnly(True)
        self.log_view.setAccessibleName(tr("Log"))
        self.log_view.setPlaceholderText(tr("The log of installation and test appears here."))
        self.log_view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        return self.log_view

    # --- drawing

    def redraw(self) -> None:
        """Say what is in use and what could be made."""
        facts = engine_facts(self._settings.engine_python)
        self.state_dot.set_colour(palette.LOCATED if facts.kind else palette.UNLOCATED)
        self.state_label.setText(
            f"{kind_text(facts.kind)}<br><small>{facts.program}</small>"
            if facts.kind
            else tr("The engine is not set up yet.")
        )
        self.test_button.setEnabled(bool(facts.kind) and self._test_session is None)
        running = self._installation.is_running
        if self._tools is None:
            self.offer_label.setText(tr("Looking for Python on this machine…"))
            self.create_button.setEnabled(False)
        else:
            offer = self._offer()
            self.offer_label.setText(offer_text(offer))
            self.create_button.setEnabled(offer.fits and not running)
            self.create_button.setText(tr("&Create Again") if offer.exists else tr("&Create Environment"))
        self.training_check.setEnabled(not running)
        for widget in (self.progress_bar, self.cancel_button, self.step_label):
            widget.setVisible(running)

    def _show_step(self, share: float, title: str) -> None:
        self.progress_bar.setValue(int(1000 * share))
        self.step_label.setText(title)

    def _show_line(self, line: str) -> None:
        self.log_view.appendPlainText(line)

    def _offer(self) -> InstallOffer:
        return offer_install(self._tools or Tools(), "train" if self.training_check.isChecked() else "cpu")

    def _look_around(self) -> None:
        self._looking = ToolsTask(tr("RS Copilot: looking for Python"))
        self._looking.found.connect(self._set_tools)
        QgsApplication.taskManager().addTask(self._looking)

    def _set_tools(self, tools: Tools) -> None:
        self._tools, self._looking = tools, None
        self.redraw()

    # --- what the user does

    def create_environment(self) -> None:
        """Begin the installation."""
        offer = self._offer()
        if offer.plan is not None:
            self.log_view.clear()
            self._installation.start(offer.plan)
            self.redraw()

    def _installed(self, error: InstallError | None) -> None:
        if error is None:
            self._show_line(tr("The environment is ready."))
            self.engine_changed.emit()
        else:
            self._show_line(f"{error.message} {error.hint}".strip())
        self.redraw()

    def _choose_python(self, path: str) -> None:
        self._settings.own_python = path.strip()
        self.redraw()
        self.engine_changed.emit()

    def test_engine(self) -> None:
        """Start an engine and ask it what it has."""
        self.test_button.setEnabled(False)
        self._show_line(tr("Starting the engine…"))
        self._test_session = HostedSession(self._settings)
        self._test_session.request("doctor", {}, on_result=self._tested, on_error=self._test_failed)

    def _tested(self, reply: Reply) -> None:
        for name, value in reply.result.items():
            self._show_line(plain_text(name, value))
        self._show_line(tr("The engine works."))
        self._end_test()

    def _test_failed(self, error: EngineError) -> None:
        self._show_line(f"{error.message} {error.hint}\n{error.details.get('stderr', '')}".rstrip())
        self._end_test()

    def _end_test(self) -> None:
        session, self._test_session = self._test_session, None
        if session is not None:
            session.stop_and_wait()
        self.test_button.setEnabled(True)

    def done(self, result: int) -> None:
        """Close; a running installation goes on, a running test ends."""
        self._end_test()
        super().done(result)


def plain_text(name: str, value: object) -> str:
    """One finding of the engine's self-test, readable without its brackets."""
    if isinstance(value, dict):
        return f"{name}: " + ", ".join(f"{key} {found}" for key, found in value.items() if found)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        rows = (", ".join(f"{key} {found}" for key, found in item.items()) for item in value)
        return "\n".join((f"{name}:", *(f"  {row}" for row in rows)))
    if isinstance(value, list):
        return f"{name}: {', '.join(map(str, value)) or '-'}"
    return f"{name}: {value}"


def kind_text(kind: str) -> str:
    """Where an engine comes from, in words."""
    return {
        "own": tr("In use: your own interpreter"),
        "managed": tr("In use: the environment made by the plugin"),
        "checkout": tr("In use: the development environment"),
        "remote": tr("In use: an engine on another machine"),
    }.get(kind, kind)


def offer_text(offer: InstallOffer) -> str:
    """What creating an environment needs, before anything is done."""
    if offer.plan is None:
        return offer.problem
    need, free = gigabytes(offer.plan.disk_bytes), gigabytes(offer.free_bytes)
    text = tr("Needs about {need} of disk in {folder}; {free} are free.").format(
        need=need, folder=offer.plan.folder.parent, free=free
    )
    way = (
        tr("Downloads pinned packages with uv.")
        if offer.with_uv
        else tr("Downloads pinned packages with pip.")
    )
    room = "" if offer.fits else tr("There is not enough room.")
    return " ".join(part for part in (text, way, tr("Nothing goes into QGIS's own Python."), room) if part)
