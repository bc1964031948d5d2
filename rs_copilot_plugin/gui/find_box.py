"""The page of the panel that finds objects: in what, with which detector, where."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QSize, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rs_copilot_plugin.presenters.clips import Clip
from rs_copilot_plugin.presenters.find import DetectorKind, Where, kind_of, place_of
from rs_copilot_plugin.resources import icon
from rs_copilot_plugin.settings import Settings
from rs_copilot_plugin.translate import tr

from .widgets import faint_label, fill_combo, job_button, narrow_combo


class FindBox(QWidget):
    """Draws what is chosen and emits what the user chooses. It decides nothing."""

    changed = pyqtSignal()
    detector_added = pyqtSignal(str)
    find_wanted = pyqtSignal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 2)
        layout.setSpacing(6)
        layout.addLayout(self._form())
        self.find_button = job_button(tr("Fi&nd Objects"), "find.svg", self.find_wanted.emit)
        layout.addWidget(self.find_button)
        self.result_label = faint_label()
        self.result_label.setAccessibleName(tr("Result of the search"))
        self.result_label.hide()
        layout.addWidget(self.result_label)

    # --- building

    def _form(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.source_combo = narrow_combo()
        self.source_combo.currentIndexChanged.connect(self._tell)
        self._add_detector()
        self.classes_edit = QLineEdit()
        self.classes_edit.setPlaceholderText(tr("all, or some: car, bus"))
        self.classes_edit.textChanged.connect(self._tell)
        self._add_score()
        self._add_where()
        detector = _side_by_side(self.detector_combo, self.open_button)
        classes = _side_by_side(self.classes_edit, self.score_spin)
        for row, (text, buddy, field) in enumerate(
            (
                (tr("L&ook in"), self.source_combo, self.source_combo),
                (tr("&Detector"), self.detector_combo, detector),
                (tr("Cl&asses"), self.classes_edit, classes),
                (tr("&Where"), self.where_combo, self.where_row),
            )
        ):
            label = QLabel(text)
            label.setBuddy(buddy)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _add_detector(self) -> None:
        self.detector_combo = narrow_combo()
        self.detector_combo.currentIndexChanged.connect(self._tell)
        self.open_button = QToolButton()
        self.open_button.setIcon(icon("open_scene.svg"))
        self.open_button.setIconSize(QSize(18, 18))
        self.open_button.setAutoRaise(True)
        self.open_button.setToolTip(tr("Use a detector of your own…"))
        self.open_button.setAccessibleName(tr("Use a detector of your own…"))
        self.open_button.clicked.connect(lambda _checked=False: self._browse_file())

    def _add_score(self) -> None:
        self.score_spin = QDoubleSpinBox()
        self.score_spin.setRange(0.0, 0.99)
        self.score_spin.setSingleStep(0.05)
        self.score_spin.setDecimals(2)
        self.score_spin.setPrefix("≥ ")
        self.score_spin.setSpecialValueText(tr("own limit"))
        self.score_spin.setAccessibleName(tr("Lowest score"))
        self.score_spin.setToolTip(
            tr("Lowest score that counts. With “own limit” that of the detector holds.")
        )
        self.score_spin.valueChanged.connect(self._tell)

    def _add_where(self) -> None:
        self.where_combo = narrow_combo()
        for where, text in (
            (Where.WHOLE, tr("Whole layer")),
            (Where.VIEW, tr("What the map shows")),
            (Where.SELECTION, tr("Selected polygons of")),
        ):
            self.where_combo.addItem(text, where.value)
        self.where_combo.currentIndexChanged.connect(self._tell)
        self.layer_combo = QgsMapLayerComboBox()
        self.layer_combo.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.layer_combo.setAccessibleName(tr("Layer with the selected polygons"))
        self.layer_combo.setMinimumContentsLength(6)
        self.layer_combo.layerChanged.connect(self._tell)
        self.where_row = QWidget()
        layout = QVBoxLayout(self.where_row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.where_combo)
        layout.addWidget(self.layer_combo)

    # --- drawing the state

    def show_sources(self, satellite: str, clips: list[Clip], current: Path | None) -> None:
        """List the satellite layer and the clips."""
        combo = self.source_combo
        wanted = [(tr("Satellite image: {}").format(satellite) if satellite else tr("Satellite image"), "")]
        wanted += [(clip.name, str(clip.path)) for clip in clips]
        fill_combo(combo, wanted, str(current) if current is not None else "")

    def show_detectors(self, names: list[str], current: str) -> None:
        """List detectors by the engine's names for them."""
        fill_combo(self.detector_combo, [(detector_title(name), name) for name in names], current)
        index = self.detector_combo.currentIndex()
        self.detector_combo.setToolTip(detector_tip(str(self.detector_combo.itemData(index) or "")))

    def show_choice(self, detector: str, looks_at_clip: bool) -> None:
        """Show only what matters for this detector and source."""
        kind = kind_of(detector)
        self.classes_edit.setEnabled(kind is not DetectorKind.MOTION)
        self.score_spin.setEnabled(kind is not DetectorKind.MOTION)
        phrases = kind is DetectorKind.FOLDER
        self.classes_edit.setPlaceholderText(
            tr("words: white van, pool") if phrases else tr("all, or some: car, bus")
        )
        self.where_combo.setEnabled(not looks_at_clip)
        self.layer_combo.setEnabled(not looks_at_clip)
        self.layer_combo.setVisible(self.where is Where.SELECTION)

    def show_ready(self, ready: bool, reason: str) -> None:
        """Enable the button, or say why it is not."""
        self.find_button.setEnabled(ready)
        tip = tr("Find objects and draw them as polygons on the map, while the search goes on")
        self.find_button.setToolTip(reason or tip)

    def show_result(self, text: str) -> None:
        """What came of the last search; an empty text hides the line."""
        self.result_label.setText(text)
        self.result_label.setVisible(bool(text))

    # --- what the user does

    @property
    def source(self) -> Path | None:
        """The chosen clip; None for the satellite layer."""
        chosen = str(self.source_combo.currentData() or "")
        return Path(chosen) if chosen else None

    @property
    def detector(self) -> str:
        """The engine's name for the chosen detector."""
        return str(self.detector_combo.currentData() or "")

    @property
    def min_score(self) -> float | None:
        """The lowest score, or None for the detector's own."""
        value = round(self.score_spin.value(), 2)
        return value if value > 0 else None

    @property
    def where(self) -> Where:
        """Which part of the raster."""
        return Where(self.where_combo.currentData())

    @property
    def areas(self) -> QgsVectorLayer | None:
        """The layer whose selected polygons count."""
        layer = self.layer_combo.currentLayer()
        return layer if isinstance(layer, QgsVectorLayer) else None

    def _tell(self, *_value: object) -> None:
        self.changed.emit()

    def _browse_file(self) -> None:
        kinds = tr("Detectors: ONNX file, or config.json of a zero-shot model (*.onnx config.json)")
        title = tr("Detector")
        name, _ = QFileDialog.getOpenFileName(self, title, self._settings.last_folder, kinds)
        if name:
            self._settings.last_folder = str(Path(name).parent)
            self.detector_added.emit(name)


def detector_title(name: str) -> str:
    """A detector's name for people."""
    kind = kind_of(name)
    if kind is DetectorKind.MOTION:
        return tr("What moves (clips only)")
    if kind is DetectorKind.SHIPPED:
        return tr("Vehicles (comes with RS Copilot)")
    return place_of(name).name


def detector_tip(name: str) -> str:
    """Where a detector of the user's own lies."""
    return str(place_of(name)) if kind_of(name) in (DetectorKind.ONNX, DetectorKind.FOLDER) else ""


def _side_by_side(wide: QWidget, narrow: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    layout.addWidget(wide, 1)
    layout.addWidget(narrow)
    return row
