"""The panel: satellite, clips, options, jobs."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayerProxyModel, QgsRasterLayer, QgsUnitTypes
from qgis.gui import QgsDockWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, pyqtBoundSignal, pyqtSignal
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.clips import RASTER_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES, ClipList
from rs_copilot_plugin.presenters.locate import TelemetryUse
from rs_copilot_plugin.presenters.scene import ClipSummary
from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .clip_list import ClipListView
from .find_box import FindBox
from .widgets import FittingTabs, StatusDot, faint_label, heading, job_button, tool_button


class MainDock(QgsDockWidget):
    """Draws the state and emits what the user asks for. It decides nothing."""

    paths_dropped = pyqtSignal(list)
    satellite_chosen = pyqtSignal(object)
    satellite_file_wanted = pyqtSignal(object)
    clips_removed = pyqtSignal(list)
    clip_activated = pyqtSignal(object)
    telemetry_chosen = pyqtSignal(list, object)
    options_changed = pyqtSignal()
    new_scene_wanted = pyqtSignal()
    open_scene_wanted = pyqtSignal()
    locate_wanted = pyqtSignal()
    track_wanted = pyqtSignal()
    find_wanted = pyqtSignal()
    export_wanted = pyqtSignal()
    cancel_wanted = pyqtSignal()
    settings_wanted = pyqtSignal()
    zoom_wanted = pyqtSignal()
    circles_toggled = pyqtSignal(bool)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(tr("RS Copilot"), parent)
        self.setObjectName("RsCopilotDock")
        self.setWindowIcon(icon("rs_copilot.svg"))
        self.setAcceptDrops(True)
        self._settings = settings
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._inputs(), 1)
        layout.addWidget(self._jobs())
        self.setWidget(page)

    # --- building

    def _inputs(self) -> QScrollArea:
        """What is chosen; it scrolls where the dock is low."""
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(10, 6, 10, 4)
        layout.setSpacing(5)
        layout.addLayout(self._engine_row())
        self._add_satellite(layout)
        layout.addSpacing(2)
        self._add_clips(layout)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(body)
        # It scrolls down only: a button that is half hidden at the side is not found.
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar_px = scroll.verticalScrollBar().sizeHint().width()
        scroll.setMinimumWidth(body.minimumSizeHint().width() + bar_px)
        return scroll

    def _jobs(self) -> QWidget:
        """What can be done; always in sight."""
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        self.tabs = FittingTabs()
        self.locate_page = self._locate_page()
        self.tabs.add_page(self.locate_page, tr("Locate and track"))
        self.find_box = FindBox(self._settings)
        self.find_box.find_wanted.connect(self.find_wanted)
        self.tabs.add_page(self.find_box, tr("Find objects"))
        layout.addWidget(self.tabs)
        layout.addWidget(self._progress_box())
        layout.addLayout(self._result_row())
        return body

    def _engine_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.engine_dot = StatusDot()
        self.engine_label = QLabel()
        self.engine_label.setWordWrap(True)
        self.engine_label.setAccessibleName(tr("Engine state"))
        row.addWidget(self.engine_dot)
        row.addWidget(self.engine_label, 1)
        self.settings_button = tool_button(
            "settings.svg", tr("Engine and settings…"), self.settings_wanted.emit
        )
        row.addWidget(self.settings_button)
        return row

    def _add_satellite(self, layout: QVBoxLayout) -> None:
        self.satellite_combo = QgsMapLayerComboBox()
        self.satellite_combo.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.satellite_combo.setAllowEmptyLayer(True, tr("Choose a raster layer or a file"))
        self.satellite_combo.setAccessibleName(tr("Satellite layer"))
        self.satellite_combo.layerChanged.connect(self._satellite_changed)
        row = QHBoxLayout()
        row.addWidget(self.satellite_combo, 1)
        row.addWidget(tool_button("open_scene.svg", tr("Choose a raster file…"), self._browse_satellite))
        self.satellite_note = faint_label()
        layout.addWidget(heading(tr("&Satellite image"), self.satellite_combo))
        layout.addLayout(row)
        layout.addWidget(self.satellite_note)

    def _add_clips(self, layout: QVBoxLayout) -> None:
        self.clip_list = ClipListView()
        self.clip_list.paths_dropped.connect(self.paths_dropped)
        self.clip_list.clip_activated.connect(self.clip_activated)
        self.clip_list.itemSelectionChanged.connect(self._selection_changed)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(heading(tr("&Clips"), self.clip_list), 1)
        row.addWidget(tool_button("add_clip.svg", tr("Add videos or pictures…"), self._browse_clips))
        row.addWidget(tool_button("add_folder.svg", tr("Add a folder of pictures…"), self._browse_folder))
        self.telemetry_button = tool_button(
            "telemetry.svg", tr("Choose telemetry for the selected clip…"), self._browse_telemetry
        )
        self.remove_button = tool_button("remove.svg", tr("Remove the selected clips"), self._remove_selected)
        row.addWidget(self.telemetry_button)
        row.addWidget(self.remove_button)
        layout.addLayout(row)
        layout.addWidget(self.clip_list, 1)
        self._selection_changed()

    def _locate_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 8, 0, 2)
        layout.setSpacing(6)
        layout.addLayout(self._options_grid())
        layout.addLayout(self._job_buttons())
        return page

    def _options_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.telemetry_combo = QComboBox()
        # Its texts are long in some languages; the list shows them whole.
        self.telemetry_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.telemetry_combo.setMinimumContentsLength(14)
        for use, text in (
            (TelemetryUse.ALL, tr("Position and attitude")),
            (TelemetryUse.ATTITUDE, tr("Attitude only, no position")),
            (TelemetryUse.NONE, tr("None, pixels alone")),
        ):
            self.telemetry_combo.addItem(text, use.value)
        self.telemetry_combo.setCurrentIndex(
            max(0, self.telemetry_combo.findData(self._settings.telemetry_use))
        )
        self.telemetry_combo.currentIndexChanged.connect(lambda _index: self.options_changed.emit())
        self.every_spin = QDoubleSpinBox()
        self.every_spin.setRange(0.1, 60.0)
        self.every_spin.setSingleStep(0.5)
        self.every_spin.setDecimals(1)
        self.every_spin.setSuffix(tr(" s"))
        self.every_spin.setValue(self._settings.every_s)
        self.every_spin.valueChanged.connect(lambda _value: self.options_changed.emit())
        for row, (text, field) in enumerate(
            ((tr("Use &telemetry"), self.telemetry_combo), (tr("One &frame every"), self.every_spin))
        ):
            label = QLabel(text)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _job_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.locate_button = self._job_button(tr("&Locate"), "locate.svg", self.locate_wanted)
        self.track_button = self._job_button(tr("Trac&k"), "track.svg", self.track_wanted)
        self.locate_button.setToolTip(tr("Find where the frames of the clips lie on the satellite image"))
        self.track_button.setToolTip(tr("Find what moves in the located clips"))
        for button in (self.locate_button, self.track_button):
            row.addWidget(button)
        return row

    @staticmethod
    def _job_button(text: str, icon_name: str, signal: pyqtBoundSignal) -> QPushButton:
        return job_button(text, icon_name, signal.emit)

    def _progress_box(self) -> QWidget:
        self.progress_box = QWidget()
        layout = QVBoxLayout(self.progress_box)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(3)
        row = QHBoxLayout()
        self.progress_bar = QProgressBar()
        self.progress_bar.setRange(0, 1000)
        self.progress_bar.setAccessibleName(tr("Progress of the job"))
        self.cancel_button = QToolButton()
        self.cancel_button.setText(tr("Cancel"))
        self.cancel_button.setAccessibleName(tr("Cancel the job"))
        self.cancel_button.clicked.connect(lambda _checked=False: self.cancel_wanted.emit())
        row.addWidget(self.progress_bar, 1)
        row.addWidget(self.cancel_button)
        self.progress_label = faint_label()
        layout.addLayout(row)
        layout.addWidget(self.progress_label)
        self.progress_box.hide()
        return self.progress_box

    def _result_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.scene_label = faint_label(tr("No scene yet"))
        self.circles_check = QCheckBox(tr("Error &circles"))
        self.circles_check.setToolTip(
            tr("Radius around each frame that holds the true point with 90 % probability")
        )
        self.circles_check.toggled.connect(self.circles_toggled)
        self.zoom_button = tool_button("zoom_scene.svg", tr("Zoom to the scene"), self.zoom_wanted.emit)
        tip = tr("Export: write a layer of the scene as shapefile, GeoJSON, KML, …")
        self.export_button = tool_button("export.svg", tip, self.export_wanted.emit)
        self.scene_button = tool_button("open_scene.svg", tr("Scene"), lambda: None)
        self.scene_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.scene_button)
        menu.addAction(tr("&Open Scene…"), self.open_scene_wanted.emit)
        menu.addAction(tr("&New Scene with the Next Job"), self.new_scene_wanted.emit)
        self.export_action = menu.addAction(tr("E&xport a Layer…"), self.export_wanted.emit)
        self.scene_button.setMenu(menu)
        row.addWidget(self.scene_button)
        row.addWidget(self.scene_label, 1)
        row.addWidget(self.circles_check)
        row.addWidget(self.export_button)
        row.addWidget(self.zoom_button)
        return row

    # --- drawing the state

    def show_engine(self, text: str, colour: str, is_set_up: bool) -> None:
        """Say how the engine is; without one, the settings button says what to do."""
        self.settings_button.setText("" if is_set_up else tr("Set Up…"))
        style = Qt.ToolButtonStyle
        self.settings_button.setToolButtonStyle(
            style.ToolButtonIconOnly if is_set_up else style.ToolButtonTextBesideIcon
        )
        self.engine_label.setText(text)
        self.engine_dot.set_colour(colour)

    def show_clips(self, clips: ClipList, summaries: dict[Path, ClipSummary]) -> None:
        """Draw the list of clips."""
        self.clip_list.show_clips(clips.clips, summaries)

    def show_satellite_problem(self, text: str) -> None:
        """Say why the chosen satellite layer cannot be used; an empty text shows what it is instead."""
        if text:
            self.satellite_note.setText(f"<span style='color:{palette.UNLOCATED}'>{text}</span>")
            return
        layer = self.satellite_combo.currentLayer()
        self.satellite_note.setText(describe_raster(layer) if layer is not None else "")
        self.satellite_note.setVisible(layer is not None)

    def show_running(self, text: str) -> None:
        """A job runs."""
        self.progress_box.show()
        self.progress_bar.setValue(0)
        self.progress_label.setText(text)
        self.cancel_button.setEnabled(True)

    def show_progress(self, share: float, text: str) -> None:
        """How far the job is, 0 to 1."""
        self.progress_bar.setValue(max(self.progress_bar.value(), int(1000 * share)))
        self.progress_label.setText(text)

    def show_idle(self) -> None:
        """No job runs."""
        self.progress_box.hide()

    def show_buttons(self, can_locate: bool, can_use_scene: bool) -> None:
        """Enable what makes sense now; a disabled button's reason is in its tool tip."""
        self.locate_button.setEnabled(can_locate)
        self.track_button.setEnabled(can_use_scene)
        self.export_button.setEnabled(can_use_scene)
        self.export_action.setEnabled(can_use_scene)
        self.zoom_button.setEnabled(can_use_scene)
        self.circles_check.setEnabled(can_use_scene)

    def show_scene(self, text: str, tip: str) -> None:
        """Name the scene that results go to."""
        self.scene_label.setText(text)
        self.scene_label.setToolTip(tip)

    # --- what the user does

    @property
    def telemetry_use(self) -> str:
        """all, attitude or none."""
        return str(self.telemetry_combo.currentData())

    def _satellite_changed(self, layer: object) -> None:
        self.satellite_chosen.emit(layer)

    def _selection_changed(self) -> None:
        count = len(self.clip_list.selectedItems())
        self.remove_button.setEnabled(count > 0)
        self.telemetry_button.setEnabled(count == 1)

    def _remove_selected(self) -> None:
        self.clips_removed.emit(self.clip_list.selected_paths())

    def _browse_satellite(self) -> None:
        path = self._ask_files(tr("Satellite image"), tr("Rasters"), RASTER_SUFFIXES, several=False)
        if path:
            self.satellite_file_wanted.emit(path[0])

    def _browse_clips(self) -> None:
        found = self._ask_files(tr("Add clips"), tr("Clips"), VIDEO_SUFFIXES + STILL_SUFFIXES, several=True)
        if found:
            self.paths_dropped.emit(found)

    def _browse_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of pictures"), self._settings.last_folder)
        if folder:
            self._settings.last_folder = folder
            self.paths_dropped.emit([Path(folder)])

    def _browse_telemetry(self) -> None:
        found = self._ask_files(
            tr("Telemetry"), tr("Telemetry"), (".srt", ".csv", ".klv", ".gpx"), several=False
        )
        if found:
            self.telemetry_chosen.emit(self.clip_list.selected_paths(), found[0])

    def _ask_files(self, title: str, kind: str, suffixes: tuple[str, ...], several: bool) -> list[Path]:
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in suffixes)
        wanted = f"{kind} ({patterns});;{tr('All files')} (*)"
        if several:
            names, _ = QFileDialog.getOpenFileNames(self, title, self._settings.last_folder, wanted)
        else:
            name, _ = QFileDialog.getOpenFileName(self, title, self._settings.last_folder, wanted)
            names = [name] if name else []
        if names:
            self._settings.last_folder = str(Path(names[0]).parent)
        return [Path(name) for name in names]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.paths_dropped.emit(paths)


def describe_raster(layer: QgsRasterLayer) -> str:
    """Ground sampling, CRS and size of a raster in one line."""
    crs = layer.crs()
    if not crs.isValid():
        return tr("No coordinate reference system: assign one first")
    unit = QgsUnitTypes.toAbbreviatedString(crs.mapUnits())
    size = f"{layer.width():,} × {layer.height():,} px".replace(",", "\u2009")
    return f"{layer.rasterUnitsPerPixelX():.3g} {unit}/px · {size} · {crs.authid() or tr('custom CRS')}"
