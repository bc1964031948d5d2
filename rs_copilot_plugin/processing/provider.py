"""The entry in the Processing toolbox."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from rs_copilot_plugin.resources import icon, icon_path

from .adapt_algorithm import AdaptRetriever
from .algorithms import ExportLayer, LocateClip, TrackObjects
from .ask_algorithm import AskScene
from .find_algorithms import FindInClip, FindInRaster
from .gallery_algorithms import IndexSatellite, SearchTiles
from .segment_algorithm import SegmentRaster

ALGORITHMS = (
    LocateClip,
    TrackObjects,
    FindInRaster,
    FindInClip,
    SegmentRaster,
    AskScene,
    ExportLayer,
    IndexSatellite,
    SearchTiles,
    AdaptRetriever,
)


class RsCopilotProvider(QgsProcessingProvider):
    """Offers the jobs as algorithms."""

    def id(self) -> str:
        return "rscopilot"

    def name(self) -> str:
        return "RS Copilot"

    def icon(self) -> QIcon:
        return icon("rs_copilot.svg")

    def svgIconPath(self) -> str:
        return str(icon_path("rs_copilot.svg"))

    def loadAlgorithms(self) -> None:
        for make in ALGORITHMS:
            self.addAlgorithm(make())
